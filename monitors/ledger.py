"""The comfort ledger: how often each green signal was green while the outcome was missing."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from luota.lib.ids import first_uuid7_at
from monitors.conditions.rules import CLOSE
from monitors.conditions.values import BROKEN_STATES
from monitors.models import Monitor

MOST_RUNS = 10_000
REPORTED = "reported"
"""The caller's own success, a comfort wherever a spec has steps (Run.standing)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One comfort: green in `green` of `failures` broken runs."""

    comfort: str
    claim: str
    green: int
    failures: int

    @property
    def percent(self) -> float:
        return round(100 * self.green / self.failures, 1) if self.failures else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All comforts of a monitor, the most deceptive first."""

    failures: int
    """Runs that were ever broken, of the latest ones."""
    lines: tuple[LedgerLine, ...]


def ledger_of(monitor: Monitor, *, now: datetime) -> Ledger:
    """One query; needs `spec` selected.

    Index: run_recent_of_monitor; constraint for the path of each: run_move_once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _LEDGER,
            {
                "monitor": monitor.pk,
                "oldest": first_uuid7_at(now - settings.RETENTION),
                "most": MOST_RUNS,
                "broken": [state.value for state in BROKEN_STATES],
                "reported": REPORTED,
            },
        )
        rows = cursor.fetchall()
    failures = next((row[4] for row in rows), 0)
    found = {
        name: LedgerLine(comfort=name, claim=claim, green=green, failures=among)
        for name, claim, green, among, _ in rows
        if name is not None
    }
    lines = sorted(found.values(), key=lambda each: (-each.percent, -each.failures, each.comfort))
    return Ledger(failures=failures, lines=(*lines, *_dark(monitor, set(found), failures)))


def _dark(monitor: Monitor, known: set[str], failures: int) -> list[LedgerLine]:
    """A success that was never claimed stands in no strip, but it was never green either."""
    rules = monitor.spec.document if monitor.spec else {}
    is_named = any(each.get("kind") == CLOSE for each in rules.get("comforts", []))
    if not (failures and rules.get("steps")) or is_named or REPORTED in known:
        return []
    claim = "The run reported success"
    return [LedgerLine(comfort=REPORTED, claim=claim, green=0, failures=failures)]


# A light that went on after the last break was mended deceived nobody. `reported` stands in a strip
# only where it was green, so that it is counted among all failures.
_LEDGER = """
    WITH recent AS (
        SELECT id, standing FROM monitors_run
        WHERE monitor_id = %(monitor)s AND id >= %(oldest)s ORDER BY id DESC LIMIT %(most)s
    ), failures AS (
        SELECT r.standing, path.mended_at FROM recent r
        CROSS JOIN LATERAL (
            SELECT min(m.at) FILTER (WHERE m.new_state = ANY(%(broken)s)) AS broken_at,
                CASE WHEN (array_agg(m.new_state ORDER BY m.at DESC, m.id DESC))[1] <> ALL(%(broken)s)
                    THEN max(m.at) FILTER (WHERE m.old_state = ANY(%(broken)s)) END AS mended_at
            FROM monitors_runmove m WHERE m.run_id = r.id
        ) path
        WHERE path.broken_at IS NOT NULL
    ), total AS (
        SELECT count(*) AS failures FROM failures
    ), lights AS (
        SELECT each ->> 'comfort' AS comfort, max(each ->> 'claim') AS claim,
            count(*) FILTER (WHERE (each ->> 'at')::timestamptz
                < coalesce(f.mended_at, 'infinity'::timestamptz)) AS green,
            count(*) AS among
        FROM failures f
        CROSS JOIN LATERAL jsonb_array_elements(coalesce(f.standing -> 'comforts', '[]')) each
        GROUP BY 1
    )
    SELECT l.comfort, l.claim, l.green,
        CASE WHEN l.comfort = %(reported)s THEN t.failures ELSE l.among END, t.failures
    FROM total t LEFT JOIN lights l ON true
"""
