"""Reviews sources of which something was left over: counts, a pure judgement, one file for each break.

The cost follows what is due: a source is looked at when a stretch has settled in which something of it waits, and,
while its file is open, whenever more of it came.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from evidence.models import PlacingWatch
from evidence.placing_counts import load_claimants, load_stretches
from incidents import unplaced_files
from incidents.unplaced_files import Left
from monitors.conditions.placing import KindJudgement, PlacingBreak, judge_kind, likeliest

log = logging.getLogger(__name__)

BATCH = 50
POISON_PAUSE = timedelta(minutes=5)
"""A source that cannot be judged is left alone for this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A source as its counts say."""

    watch: PlacingWatch
    kinds: Mapping[str, KindJudgement]
    accepted_at: datetime | None

    @property
    def lasting(self) -> dict[str, PlacingBreak]:
        found = {kind: judgement.lasting for kind, judgement in self.kinds.items()}
        return {kind: each for kind, each in found.items() if each}

    @property
    def since(self) -> datetime | None:
        return min((each.since for each in self.lasting.values()), default=None)

    @property
    def over_at(self) -> datetime | None:
        """When the last break ended."""
        ends = [each.until for judged in self.kinds.values() for each in judged.breaks]
        return max((at for at in ends if at), default=None)

    @property
    def review_at(self) -> datetime | None:
        due = [judgement.review_at for judgement in self.kinds.values()]
        return min((at for at in due if at), default=None)

    @property
    def is_news(self) -> bool:
        """Broken, and nobody knew; or a person has closed the file of the break before."""
        known_since = self.watch.broken_since
        was_closed = known_since and self.accepted_at and known_since < self.accepted_at
        return bool(self.lasting) and (known_since is None or bool(was_closed))


def review_placing(*, watermark: datetime, now: datetime) -> int:
    """Judge the sources that are due; how many. Index: placing_watch_due."""
    due = list(PlacingWatch.objects.due(now=watermark).order_by("review_at")[:BATCH])
    for watch in due:
        _review(watch, watermark=watermark, now=now)
    return len(due)


def _review(watch: PlacingWatch, *, watermark: datetime, now: datetime) -> None:
    try:
        with transaction.atomic():
            _bring_into_line(_judge(watch, watermark), now=now)
    except (OperationalError, InterfaceError):
        raise  # the database's trouble, not theirs
    except Exception:
        log.exception("placing.poisoned", extra={"source": watch.source})
        poisoned = PlacingWatch.objects.filter(pk=watch.pk)
        poisoned.update(review_at=watermark + POISON_PAUSE)


def _judge(watch: PlacingWatch, watermark: datetime) -> _Judged:
    accepted_at = unplaced_files.find_acceptance(watch.workspace_id, watch.source)
    kinds = {
        kind: judge_kind(
            stretches, watermark, settle=settings.UNPLACED_SETTLE, accepted_at=accepted_at
        )
        for kind, stretches in load_stretches(watch).items()
    }
    return _Judged(watch=watch, kinds=kinds, accepted_at=accepted_at)


def _bring_into_line(judged: _Judged, *, now: datetime) -> None:
    """The file as the judgement says, if the marks are still those that were read."""
    left = _left_of(judged) if judged.is_news else None
    concerned = unplaced_files.monitors_of(judged.watch.workspace_id, judged.watch.source)
    _lock_monitors([*concerned, *([left.monitor_id] if left else [])])
    if not _claim(judged.watch):
        return
    broken_since = judged.since if left or judged.watch.broken_since else None
    if left:
        unplaced_files.open_file(left, now=now)
    elif judged.watch.broken_since and not judged.lasting:
        source = (judged.watch.workspace_id, judged.watch.source)
        unplaced_files.close_file(source, at=judged.over_at or now, now=now)
        broken_since = None
    PlacingWatch.objects.filter(pk=judged.watch.pk).update(
        review_at=judged.review_at, broken_since=broken_since, version=F("version") + 1
    )


def _left_of(judged: _Judged) -> Left | None:
    """None when no monitor names the kinds any more: then nobody waits for them."""
    watch, lasting, since = judged.watch, judged.lasting, judged.since
    whose = likeliest(load_claimants(watch, list(lasting), since=since)) if since else None
    if whose is None or since is None:
        return None
    return Left(
        workspace_id=watch.workspace_id,
        source=watch.source,
        monitor_id=UUID(whose),
        since=since,
        kinds=lasting,
    )


def _lock_monitors(monitor_ids: Sequence[UUID]) -> None:
    """Before the watch, in the order of their ids: intake does the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM monitors_monitor WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [list(set(monitor_ids))],
        )


def _claim(watch: PlacingWatch) -> bool:
    same = PlacingWatch.objects.filter(pk=watch.pk, version=watch.version)
    return same.select_for_update(no_key=True, skip_locked=True).exists()
