"""What pages read of evidence: that of one run, the beats of a heartbeat, whether intake could see."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F, Max, QuerySet

from evidence.counts import pieces_of
from evidence.models import (
    BlindWindow,
    Evidence,
    ExpectedKey,
    ExpectedSet,
    IntakeBeat,
    ListKey,
    ListSource,
    Probe,
    ProbeLook,
    Pull,
    UnexpectedKey,
)
from evidence.receiver_models import Receiver, RefusedDelivery
from monitors.models import Run

MOST_SHOWN = 100
SETS_SHOWN = 30
MOST_BEATS = 60
LOOKS_SHOWN = 30
_RUNS_OFFERED = 20
_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
"""What follows the name of a pull in the names of its lists: the name of another may begin alike."""
_MOST_LOOKED_THROUGH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvidence:
    """What a page shows of a run."""

    shown: list[Evidence]
    """Oldest first. Of very many the first, the last of each kind, and the newest."""
    total: int


def of_run(run: Run) -> RunEvidence:
    """One query, of a large batch four. Index: evidence_of_run."""
    pieces = Evidence.objects.filter(run_id=run.pk)
    oldest = list(pieces.order_by("id")[: MOST_SHOWN + 1])
    if len(oldest) <= MOST_SHOWN:
        return RunEvidence(shown=oldest, total=len(oldest))
    telling = list(dict.fromkeys([oldest[0].pk, *_last_of_kinds(run)]))[: MOST_SHOWN // 2]
    others = pieces.exclude(pk__in=telling).order_by("-id").values_list("pk", flat=True)
    newest = others[: MOST_SHOWN - len(telling)]
    shown = pieces.filter(pk__in=[*telling, *newest]).order_by("id")
    return RunEvidence(shown=list(shown), total=pieces_of([run])[run.pk])


def _last_of_kinds(run: Run) -> list[UUID]:
    """Among the newest: whatever a batch sends of its members, its last words are there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (kind) id FROM (SELECT id, kind FROM evidence_evidence"
            " WHERE run_id = %s ORDER BY id DESC LIMIT %s) newest ORDER BY kind, id DESC",
            [run.pk, _MOST_LOOKED_THROUGH],
        )
        return [row[0] for row in cursor.fetchall()]


def beats_of(monitor_id: UUID, *, since: datetime) -> list[Evidence]:
    """The latest signals, oldest first; without what they said. Index: evidence_of_monitor."""
    found = Evidence.objects.filter(monitor_id=monitor_id, occurred_at__gte=since)
    columns = ("id", "kind", "outcome", "occurred_at", "received_at", "strength", "fresh_as_of")
    return list(found.only(*columns).order_by("-occurred_at")[:MOST_BEATS])[::-1]


def latest_of(monitor_id: UUID, *, since: datetime, most: int = 10) -> list[Evidence]:
    """The latest signals with all they said, newest first. Index: evidence_of_monitor."""
    found = Evidence.objects.filter(monitor_id=monitor_id, occurred_at__gte=since)
    return list(found.order_by("-occurred_at")[:most])


def probes_of(workspace_id: UUID, *, monitor_id: UUID | None = None) -> list[Probe]:
    """Broken ones first, then by monitor and name; a monitor has 20 at most. Index: probe_name_once."""
    found = Probe.objects.filter(workspace_id=workspace_id).select_related("monitor")
    if monitor_id:
        found = found.filter(monitor_id=monitor_id)
    return list(found.order_by(F("broken_since").asc(nulls_last=True), "monitor__name", "name"))


def looks_of(probe_id: UUID, *, before: UUID | None = None) -> list[ProbeLook]:
    """Newest first, one more than a page. Index: probe_look_of_probe."""
    found = ProbeLook.objects.filter(probe_id=probe_id)
    if before:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[: LOOKS_SHOWN + 1])


def runs_of_looks(looks: Sequence[ProbeLook]) -> dict[UUID, UUID]:
    """{look id: the run of its evidence} of those that made one piece. Primary key of evidence."""
    single = {look.evidence_ids[0]: look.pk for look in looks if len(look.evidence_ids) == 1}
    found = Evidence.objects.filter(pk__in=single, run_id__isnull=False)
    return {single[pk]: run_id for pk, run_id in found.values_list("pk", "run_id")}


def runs_to_look_for(monitor_id: UUID) -> list[Run]:
    """The newest, for the choice of a look by hand. Index: run_recent_of_monitor."""
    return list(Run.objects.filter(monitor_id=monitor_id).order_by("-pk")[:_RUNS_OFFERED])


def receivers_of(workspace_id: UUID) -> QuerySet[Receiver]:
    """By name; a workspace has a handful. Index: receiver_name_once."""
    found = Receiver.objects.filter(workspace_id=workspace_id)
    return found.select_related("monitor").order_by("name")


def brought_by(receiver_id: UUID, *, most: int = 20) -> list[Evidence]:
    """The latest that a receiver brought, newest first. Index: evidence_of_receiver."""
    found = Evidence.objects.filter(receiver_id=receiver_id).select_related("monitor")
    return list(found.defer("payload", "output").order_by("-id")[:most])


def refused_by(receiver_id: UUID, *, most: int = 20) -> list[RefusedDelivery]:
    """The latest that a receiver did not take, newest first. Index: refused_of_receiver."""
    return list(RefusedDelivery.objects.filter(receiver_id=receiver_id).order_by("-id")[:most])


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeHealth:
    """Whether signals could be stored just now."""

    blind_since: datetime | None
    """Set while no web process says that it can store."""
    last_window: BlindWindow | None
    """The latest gap, if it ended lately."""


def intake_health(*, now: datetime, silent_after: timedelta, lately: timedelta) -> IntakeHealth:
    """Two small queries; the beats table has one row per web process."""
    seen_at = IntakeBeat.objects.aggregate(latest=Max("seen_at"))["latest"]
    windows = BlindWindow.objects.filter(ends_at__gte=now - lately).order_by("-ends_at")
    return IntakeHealth(
        blind_since=seen_at if seen_at and seen_at < now - silent_after else None,
        last_window=windows.first(),
    )


def windows_between(start: datetime, end: datetime) -> list[BlindWindow]:
    """Oldest first. Index: blind_window_by_end."""
    found = BlindWindow.objects.filter(ends_at__gt=start, starts_at__lt=end)
    return list(found.order_by("ends_at")[:20])


def expected_sets(
    workspace_id: UUID, *, monitor_id: UUID | None = None, before: UUID | None = None
) -> QuerySet[ExpectedSet]:
    """Newest first, one more than a page. Indexes: expected_set_recent, expected_set_of_monitor."""
    found = ExpectedSet.objects.filter(workspace_id=workspace_id).select_related("monitor")
    if monitor_id is not None:
        found = found.filter(monitor_id=monitor_id)
    if before is not None:
        found = found.filter(pk__lt=before)
    return found.order_by("-pk")[: SETS_SHOWN + 1]


def missing_keys(
    expected_set: ExpectedSet, *, named: str = "", after: str = "", most: int = MOST_SHOWN
) -> list[ExpectedKey]:
    """By name, one more than `most`; those whose name holds a text. Index: expected_key_missing."""
    found = expected_set.keys.filter(is_missing=True, key__gt=after)
    if named:
        found = found.filter(key__icontains=named)
    return list(found.order_by("key")[: most + 1])


def unexpected_keys(
    expected_set: ExpectedSet, *, after: str = "", most: int = MOST_SHOWN
) -> list[UnexpectedKey]:
    """By name, one more than `most`. Index: primary key."""
    return list(expected_set.unexpected.filter(key__gt=after).order_by("key")[: most + 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A key that had no run in time, and how its run stands now."""

    key: str
    run: Run | None
    """None while the runs of a long list are being opened."""


def missing_runs(
    expected_set: ExpectedSet, *, named: str = "", after: str = "", most: int = MOST_SHOWN
) -> list[Missing]:
    """As `missing_keys`, with their runs."""
    keys = missing_keys(expected_set, named=named, after=after, most=most)
    runs = Run.objects.only("key", "state", "lateness", "occurrence")
    by_id = runs.in_bulk([each.run_id for each in keys if each.run_id])
    return [Missing(key=each.key, run=by_id.get(each.run_id)) for each in keys]


def list_keys_of(workspace_id: UUID) -> list[ListKey]:
    """By name; a workspace has a handful. Index: list_key_once."""
    found = ListKey.objects.filter(workspace_id=workspace_id).defer("sealed")
    return list(found.order_by("key_id"))


def pulls_of(workspace_id: UUID) -> list[Pull]:
    """By monitor and name; those that are broken first. Index: pull_of_workspace."""
    found = Pull.objects.filter(workspace_id=workspace_id).select_related("monitor")
    return list(found.order_by(F("broken_since").asc(nulls_last=True), "monitor__name", "name"))


def count_broken_pulls(workspace_id: UUID) -> int:
    """Index: pull_of_workspace."""
    return Pull.objects.filter(workspace_id=workspace_id, broken_since__isnull=False).count()


def lists_of_pull(pull: Pull, *, most: int = 20) -> list[ExpectedSet]:
    """The latest that it brought, newest first. Index: expected_set_of_monitor."""
    found = ExpectedSet.objects.filter(
        monitor_id=pull.monitor_id,
        source=ListSource.PULLED,
        window__regex=f"^{re.escape(pull.name)} {_INSTANT}$",
    )
    return list(found.select_related("monitor").order_by("-pk")[:most])


def find_expected_set(workspace_id: UUID, set_id: UUID) -> ExpectedSet | None:
    found = ExpectedSet.objects.filter(workspace_id=workspace_id, pk=set_id)
    return found.select_related("monitor", "list_key").first()


def find_key(expected_set: ExpectedSet, key: str) -> ExpectedKey | None:
    """Whether the list names it. Index: primary key."""
    return expected_set.keys.filter(key=key).first()
