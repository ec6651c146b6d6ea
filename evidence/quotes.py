"""What the evidence of runs said last, for files that must still say it when the evidence is gone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from luota.lib.ids import first_uuid7_at
from monitors.models import Run

_LAST_PIECES = 10
_COLUMNS = "e.payload, e.output, e.summary, e.exit_code, e.ids, e.occurred_at, e.fresh_as_of"


@dataclass(slots=True, kw_only=True)
class Quoted:
    """The newest of each, redacted as it was stored; ids of all the pieces looked at."""

    payload: Any = None
    output: str = ""
    summary: str = ""
    exit_code: int | None = None
    ids: dict[str, str] = field(default_factory=dict)
    last_signal_at: datetime | None = None
    fresh_as_of: datetime | None = None


def load_quoted(runs: Sequence[Run]) -> Mapping[UUID, Quoted]:
    """{run id: what its last pieces said}; of a silent slot the monitor's last signal.

    Indexes: evidence_of_run, primary key.
    """
    quoted: dict[UUID, Quoted] = defaultdict(Quoted)
    opened = [run for run in runs if not run.is_slot]
    silent = [run for run in runs if run.is_slot]
    for run_id, *columns in [*_of_opened(opened), *_of_silent(silent)]:
        _add(quoted[run_id], columns)
    return quoted


def _of_opened(runs: Sequence[Run]) -> list[tuple[Any, ...]]:
    if not runs:
        return []
    oldest = min(run.created_at for run in runs)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT w.id, {_COLUMNS} FROM unnest(%s::uuid[]) AS w(id)"
            " CROSS JOIN LATERAL (SELECT * FROM evidence_evidence WHERE run_id = w.id AND id >= %s"
            "   ORDER BY id DESC LIMIT %s) e",
            [
                [run.id for run in runs],
                first_uuid7_at(oldest - timedelta(minutes=1)),
                _LAST_PIECES,
            ],
        )
        return list(cursor.fetchall())


def _of_silent(runs: Sequence[Run]) -> list[tuple[Any, ...]]:
    latest = {run.id: uid for run in runs if (uid := run.monitor.latest_evidence_id)}
    if not latest:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT w.id, {_COLUMNS} FROM unnest(%s::uuid[], %s::uuid[]) AS w(id, evidence_id)"
            " JOIN evidence_evidence e ON e.id = w.evidence_id",
            [list(latest), list(latest.values())],
        )
        return list(cursor.fetchall())


def _add(quoted: Quoted, columns: Sequence[Any]) -> None:
    """Pieces come newest first: an older one only fills what is still empty."""
    payload, output, summary, exit_code, ids, occurred_at, fresh_as_of = columns
    if quoted.payload is None and payload is not None:
        quoted.payload = orjson.loads(payload) if isinstance(payload, str) else payload
    quoted.output = quoted.output or output
    quoted.summary = quoted.summary or summary
    quoted.exit_code = exit_code if quoted.exit_code is None else quoted.exit_code
    quoted.ids = (orjson.loads(ids) if isinstance(ids, str) else ids) | quoted.ids
    quoted.last_signal_at = quoted.last_signal_at or occurred_at
    instants = [at for at in (quoted.fresh_as_of, fresh_as_of) if at]
    quoted.fresh_as_of = max(instants, default=None)
