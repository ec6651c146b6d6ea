"""Pulls made, changed, asked for and deleted by people: one transaction, one audit event each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from evidence import pull_ledger
from evidence.expected import SETTLE
from evidence.lookouts import have_reviewed, hold_monitor
from evidence.models import Pull
from evidence.probes import http
from evidence.pulls import ways
from evidence.pulls.contract import PullWay
from monitors.conditions.reading import SpecInvalid
from monitors.conditions.rules import Mode, Schedule
from monitors.conditions.sense import check_schedule
from monitors.models import Monitor
from workspaces import audit
from workspaces.audit import Actor
from workspaces.models import Secret

MOST_PULLS = 20
"""Of one monitor."""
LONGEST = timedelta(days=31)
"""Of a period, and of the time to settle."""
_TOLD = (
    "name", "way", "target", "cron", "on_calendar", "timezone", "reach_back", "start_within",
    "settle", "may_be_empty", "secret_id", "paused_at",
)  # fmt: skip


class PullInvalid(Exception):
    """The draft does not make a sensible pull: which field of the draft, and why in one sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field, self.sentence = field, sentence


class PullNameTaken(Exception):
    """Another pull of the monitor has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullDraft:
    name: str
    way: PullWay
    target: Mapping[str, Any]
    secret_id: UUID | None = None
    cron: str = ""
    on_calendar: str = ""
    timezone: str = "UTC"
    reach_back: timedelta | None = None
    start_within: timedelta = timedelta(0)
    settle: timedelta = SETTLE
    may_be_empty: bool = False
    is_paused: bool = False


def draft_of(pull: Pull) -> PullDraft:
    words = {name: getattr(pull, name) for name in _TOLD if name not in {"way", "paused_at"}}
    return PullDraft(way=PullWay(pull.way), is_paused=pull.paused_at is not None, **words)


def create_pull(*, monitor: Monitor, draft: PullDraft, actor: Actor, now: datetime) -> Pull:
    """It is pulled for the first time at its next instant. PullInvalid, PullNameTaken."""
    _check(draft, monitor)
    if Pull.objects.filter(monitor=monitor).count() >= MOST_PULLS:
        raise PullInvalid("name", f"A monitor has at most {MOST_PULLS} pulls.")
    pull = Pull(workspace_id=monitor.workspace_id, monitor=monitor, created_at=now)
    for name, value in _columns(draft, None, now=now).items():
        setattr(pull, name, value)
    pull.slot_at = pull.next_due_at = pull_ledger.slot_after(pull, now)
    try:
        with transaction.atomic():
            pull.save(force_insert=True)
            _record(pull, "pull.created", actor=actor, now=now)
    except IntegrityError as error:
        raise _name_taken(error) from error
    return pull


def update_pull(*, pull: Pull, draft: PullDraft, actor: Actor, now: datetime) -> None:
    """Its faults are forgotten, and it goes on at its next instant. PullInvalid, PullNameTaken."""
    _check(draft, pull.monitor)
    before = audit.snapshot(pull, _TOLD)
    columns = _columns(draft, pull.paused_at, now=now)
    for name, value in columns.items():
        setattr(pull, name, value)
    slot_at = pull_ledger.slot_after(pull, now)
    fresh = {**pull_ledger.FAULTLESS, "asked_at": None}
    try:
        with transaction.atomic():
            hold_monitor(pull)
            # A pull under way was of the old place: raising the number makes it write nothing.
            Pull.objects.filter(pk=pull.pk).update(
                **columns, **fresh, slot_at=slot_at, next_due_at=slot_at,
                pulls_begun=F("pulls_begun") + 1,
            )  # fmt: skip
            have_reviewed(pull, now=now)
            changes = audit.difference(before, audit.snapshot(pull, _TOLD))
            _record(pull, "pull.updated", actor=actor, now=now, changes=changes)
    except IntegrityError as error:
        raise _name_taken(error) from error


@transaction.atomic
def ask_pull(*, pull: Pull, actor: Actor, now: datetime) -> None:
    """Have its list pulled at once, paused or not; the answer is on the pull and among the lists."""
    pull_ledger.ask(pull, now=now)
    _record(pull, "pull.asked", actor=actor, now=now)


@transaction.atomic
def delete_pull(*, pull: Pull, actor: Actor, now: datetime) -> None:
    """The lists that it brought stay."""
    hold_monitor(pull)
    _record(pull, "pull.deleted", actor=actor, now=now)
    Pull.objects.filter(pk=pull.pk).delete()
    have_reviewed(pull, now=now)


def _columns(draft: PullDraft, paused_at: datetime | None, *, now: datetime) -> dict[str, Any]:
    words = {name: getattr(draft, name) for name in _TOLD if name not in {"way", "paused_at"}}
    return {
        **words,
        "way": draft.way.value,
        "paused_at": (paused_at or now) if draft.is_paused else None,
    }


def _check(draft: PullDraft, monitor: Monitor) -> None:
    if monitor.mode != Mode.RUN:
        raise PullInvalid("name", "Only a monitor of the mode run has runs by name.")
    try:
        ways.check(draft.way, draft.target)
    except SpecInvalid as error:
        raise PullInvalid(f"target.{error.field}".rstrip("."), error.sentence) from error
    _check_times(draft)
    if draft.reach_back is None and ways.names_from(draft.target):
        raise PullInvalid("reach_back", "The target names {list.from}: say when the period begins.")
    own = Secret.objects.filter(workspace_id=monitor.workspace_id)
    if draft.secret_id and not own.filter(pk=draft.secret_id).exists():
        raise PullInvalid("secret_id", "This workspace has no such secret.")
    if draft.secret_id and http.is_open(draft.target):
        raise PullInvalid("secret_id", http.HTTPS_ONLY)


def _check_times(draft: PullDraft) -> None:
    for field in ("reach_back", "start_within", "settle"):
        length = getattr(draft, field)
        if length is not None and not timedelta(0) <= length <= LONGEST:
            raise PullInvalid(field, f"Give a duration of at most {LONGEST.days}d.")
    if draft.reach_back == draft.start_within == timedelta(0):
        raise PullInvalid("start_within", "No run could open in a period of no length.")
    if draft.cron or draft.on_calendar:
        schedule = Schedule(cron=draft.cron, on_calendar=draft.on_calendar, timezone=draft.timezone)
        try:
            check_schedule(schedule, "")
        except SpecInvalid as error:
            raise PullInvalid(error.field.lstrip(".") or "cron", error.sentence) from error


def _name_taken(error: IntegrityError) -> Exception:
    return PullNameTaken() if "pull_name_once" in str(error) else error


def _record(
    pull: Pull, action: str, *, actor: Actor, now: datetime, changes: dict[str, Any] | None = None
) -> None:
    audit.record(
        workspace_id=pull.workspace_id,
        actor=actor,
        action=action,
        target=pull,
        at=now,
        changes=changes,
    )
