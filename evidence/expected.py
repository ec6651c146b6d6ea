"""Lists of the runs that must happen: taken in parts, kept until they are reconciled (incidents.reconciling).

Whoever has a list calls `accept`: the API with what was pushed, a probe with what it pulled.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from evidence.list_keys import find_list_key
from evidence.models import ExpectedSet, ListKey, ListSource, ListState
from monitors.conditions.rules import Mode
from monitors.models import Monitor

SETTLE = timedelta(minutes=15)
"""How long after the end of its window a list waits for stragglers, unless it says otherwise."""
MOST_NAMED = 100
"""Keys that an answer or a list names; the others are counted."""
_EVENT_SOURCE = "expect"
_PRUNED_TOGETHER = 50


class ListDiffers(Exception):
    """A later part of a list says otherwise than the first about what the whole list shares."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is another one than that of the first part.")
        self.field = field


class DigestDiffers(Exception):
    """The list as it is stored is not the one that the sender means."""


class NoSuchListKey(Exception):
    """The workspace knows no secret of that name."""


class NotRuns(Exception):
    """The monitor's mode knows no runs by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One call's worth of a list; what is None was not said."""

    window: str
    keys: Iterable[str] = ()
    key_id: str = ""
    """The keys are HMACs under the secret of this name (evidence.list_keys); empty: they are the keys themselves."""
    count: int | None = None
    digest: str = ""
    opens_from: datetime | None = None
    opens_until: datetime | None = None
    settle: timedelta | None = None
    by: datetime | None = None
    more: bool = False
    event_id: str = ""

    def due_at(self, now: datetime) -> datetime:
        """The deadline, the end of the window, or now; then the time to settle."""
        return (self.by or self.opens_until or now) + (
            SETTLE if self.settle is None else self.settle
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What is known when a part has been stored; `known` and `missing` are of this part's keys."""

    expected_set: ExpectedSet
    is_duplicate: bool
    added: int
    known: int | None
    """None of a list under HMAC, whose runs are found when it is reconciled: nobody may try out guesses here."""
    known_first: tuple[str, ...]
    missing: int | None


def accept(
    *,
    workspace_id: UUID,
    monitor_id: UUID,
    part: Part,
    now: datetime,
    source: ListSource = ListSource.PUSHED,
) -> Accepted | None:
    """Store one part of a list; None for a monitor that the workspace does not have.

    Raises ListDiffers, DigestDiffers, NoSuchListKey, NotRuns.
    """
    monitor = Monitor.objects.filter(pk=monitor_id, workspace_id=workspace_id).first()
    if monitor is None:
        return None
    if monitor.mode != Mode.RUN:
        raise NotRuns
    list_key = find_list_key(workspace_id, part.key_id) if part.key_id else None
    if part.key_id and list_key is None:
        raise NoSuchListKey
    with transaction.atomic(), connection.cursor() as cursor:
        found = _locked_set(monitor, part, list_key, source, now)
        is_duplicate = not _is_new_event(cursor, found, part, now)
        added = _add_keys(cursor, found, part.keys)
        found = _note(found, part, added, now)
        if part.digest and found.count and not part.more:
            _check_digest(cursor, found, part)
        told, known, first = _known(cursor, found)
    return Accepted(
        expected_set=found,
        is_duplicate=is_duplicate and not added,
        added=added,
        known=None if list_key else known,
        known_first=tuple(first),
        missing=None if list_key else told - known,
    )


def _locked_set(
    monitor: Monitor, part: Part, list_key: ListKey | None, source: ListSource, now: datetime
) -> ExpectedSet:
    """The list of the window, made by its first part; parts take turns."""
    settle = SETTLE if part.settle is None else part.settle
    ExpectedSet.objects.get_or_create(
        monitor=monitor,
        window=part.window,
        defaults={
            "workspace_id": monitor.workspace_id,
            "source": source.value,
            "opens_from": part.opens_from,
            "opens_until": part.opens_until,
            "list_key": list_key,
            "settle": settle,
            "due_at": part.due_at(now),
            "created_at": now,
        },
    )
    found = ExpectedSet.objects.select_for_update().get(monitor=monitor, window=part.window)
    asked = (
        ("from", part.opens_from, found.opens_from),
        ("until", part.opens_until, found.opens_until),
    )
    for field, said, stands in (*asked, ("settle", part.settle, found.settle)):
        if said is not None and said != stands:
            raise ListDiffers(field)
    if found.list_key_id != (list_key.pk if list_key else None):
        raise ListDiffers("keyId")
    return found


def _is_new_event(cursor: Any, found: ExpectedSet, part: Part, now: datetime) -> bool:
    """Index: idempotency_key_once."""
    if not part.event_id:
        return True
    words = f"{found.monitor_id} {found.window} {part.event_id}"
    cursor.execute(
        "INSERT INTO evidence_idempotencykey"
        " (workspace_id, source, digest, evidence_id, created_at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [
            found.workspace_id,
            _EVENT_SOURCE,
            hashlib.sha256(words.encode()).digest(),
            found.pk,
            now,
        ],
    )
    return bool(cursor.rowcount)


def _add_keys(cursor: Any, found: ExpectedSet, keys: Iterable[str]) -> int:
    """How many were new. COPY knows no conflict, so that the keys pass through a table of this transaction."""
    cursor.execute("DROP TABLE IF EXISTS pg_temp.told_keys")
    cursor.execute("CREATE TEMPORARY TABLE told_keys (key varchar(200)) ON COMMIT DROP")
    with cursor.copy("COPY told_keys (key) FROM STDIN") as copy:
        for key in keys:
            copy.write_row((key,))
    cursor.execute("ANALYZE told_keys")
    cursor.execute(
        "INSERT INTO evidence_expectedkey (expected_set_id, workspace_id, key, is_missing)"
        " SELECT %s, %s, key, false FROM told_keys ON CONFLICT DO NOTHING",
        [found.pk, found.workspace_id],
    )
    return int(cursor.rowcount)


def _note(found: ExpectedSet, part: Part, added: int, now: datetime) -> ExpectedSet:
    """What the list is now; new keys on one that was reconciled are given time to settle, too."""
    is_reopened = bool(added) and found.state != ListState.OPEN
    changes: dict[str, Any] = {
        "count": found.count + added,
        "is_complete": not part.more,
        "announced_count": found.announced_count if part.count is None else part.count,
        "announced_digest": part.digest or found.announced_digest,
    }
    if is_reopened:
        changes |= {"state": ListState.OPEN.value, "due_at": max(found.due_at, now + found.settle)}
    ExpectedSet.objects.filter(pk=found.pk).update(**changes)
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def digest_of(keys: Iterable[str]) -> str:
    """As the contract says: sorted by their bytes, joined by newlines, SHA-256 in hex."""
    joined = b"\n".join(sorted(key.encode() for key in keys))
    return hashlib.sha256(joined).hexdigest()


def _check_digest(cursor: Any, found: ExpectedSet, part: Part) -> None:
    cursor.execute(
        "SELECT encode(sha256(convert_to(string_agg(key, E'\\n' ORDER BY key COLLATE \"C\"), 'UTF8')), 'hex')"
        " FROM evidence_expectedkey WHERE expected_set_id = %s",
        [found.pk],
    )
    if cursor.fetchone()[0] != part.digest or part.count not in {None, found.count}:
        raise DigestDiffers


def _known(cursor: Any, found: ExpectedSet) -> tuple[int, int, list[str]]:
    """(keys told, those whose run has opened, their first names). Index: run_once_per_occurrence."""
    if found.list_key_id:
        return 0, 0, []
    cursor.execute(
        "WITH known AS MATERIALIZED (SELECT key FROM (SELECT DISTINCT key FROM told_keys) k"
        "   WHERE EXISTS (SELECT FROM monitors_run r WHERE r.monitor_id = %s AND r.key = k.key"
        "     AND r.opened_at IS NOT NULL AND (r.opened_at >= %s) IS NOT FALSE))"
        " SELECT (SELECT count(DISTINCT key) FROM told_keys), (SELECT count(*) FROM known),"
        "   ARRAY(SELECT key FROM known ORDER BY key LIMIT %s)",
        [found.monitor_id, found.opens_from, MOST_NAMED],
    )
    told, known, first = cursor.fetchone()
    return told, known, first


def prune(*, before: datetime) -> int:
    """Forget the lists whose time came before that instant; how many lists."""
    forgotten = 0
    while True:
        old = ExpectedSet.objects.filter(due_at__lt=before, state=ListState.RECONCILED)
        ids = list(old.values_list("pk", flat=True)[:_PRUNED_TOGETHER])
        with transaction.atomic():
            ExpectedSet.objects.filter(pk__in=ids).delete()
        forgotten += len(ids)
        if len(ids) < _PRUNED_TOGETHER:
            return forgotten
