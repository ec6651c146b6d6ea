"""When a promise is not watched (pause), not told about (silence) or not asked of a run (waiver).

All of them need a reason and most an end. A pause ends by itself at `paused_until`: then the
evaluator calls `resume_monitor` too.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from monitors.conditions.rules import Mode
from monitors.conditions.values import SETTLED_STATES, State
from monitors.models import Monitor, Pause, Run
from workspaces import audit
from workspaces.audit import Actor


class ReasonMissing(Exception):
    """Whoever looks at night must find out why nothing was said."""


class EndPassed(Exception):
    """It would be over before it began."""


class RunIsProven(Exception):
    """There is nothing to waive."""


@transaction.atomic
def pause_monitor(
    *, monitor: Monitor, reason: str, until: datetime | None, actor: Actor, now: datetime
) -> bool:
    """Judge nothing until somebody resumes, or until `until`. False when it is paused already."""
    _check(reason, until, now=now)
    watched = Monitor.objects.watched().filter(pk=monitor.pk)
    if not watched.update(
        paused_at=now,
        paused_until=until,
        pause_reason=reason,
        review_at=until,
        facts_version=F("facts_version") + 1,
    ):
        return False
    Pause.objects.create(
        workspace_id=monitor.workspace_id, monitor=monitor, starts_at=now, reason=reason
    )
    changes = _told(reason, paused_until=until)
    audit.note(monitor, "monitor.paused", actor=actor, now=now, changes=changes)
    return True


@transaction.atomic
def resume_monitor(*, monitor: Monitor, actor: Actor, now: datetime) -> bool:
    """Watch again from now on, and look at every run that is not settled. False if not paused."""
    paused = Monitor.objects.filter(pk=monitor.pk, paused_at__isnull=False)
    due = {"review_at": now, "facts_version": F("facts_version") + 1}
    ended = {"paused_at": None, "paused_until": None, "pause_reason": ""}
    if not paused.update(**ended, **due, watched_since=now):
        return False
    Pause.objects.filter(monitor=monitor, ends_at=None).update(ends_at=now)
    Run.objects.filter(_may_change_by_itself(monitor), monitor=monitor).update(**due)
    audit.note(monitor, "monitor.resumed", actor=actor, now=now)
    return True


@transaction.atomic
def silence_monitor(
    *, monitor: Monitor, reason: str, until: datetime, actor: Actor, now: datetime
) -> None:
    """Files open as ever; nobody is told until `until`. A further silence replaces the former."""
    _check(reason, until, now=now)
    Monitor.objects.filter(pk=monitor.pk).update(silenced_until=until, silence_reason=reason)
    changes = _told(reason, silenced_until=until)
    audit.note(monitor, "monitor.silenced", actor=actor, now=now, changes=changes)


@transaction.atomic
def unsilence_monitor(*, monitor: Monitor, actor: Actor, now: datetime) -> bool:
    """False when it was not silenced (any more)."""
    silenced = Monitor.objects.filter(pk=monitor.pk, silenced_until__gt=now)
    if not silenced.update(silenced_until=None, silence_reason=""):
        return False
    audit.note(monitor, "monitor.unsilenced", actor=actor, now=now)
    return True


@transaction.atomic
def waive_run(
    *, run: Run, reason: str, until: datetime | None, actor: Actor, now: datetime
) -> None:
    """This run need not be proven (until then). It proves nothing: the fold calls it waived. RunIsProven."""
    _check(reason, until, now=now)
    waivable = Run.objects.filter(pk=run.pk).exclude(state=State.PROVEN.value)
    if not waivable.update(
        waived_at=now,
        waived_until=until,
        waive_reason=reason,
        review_at=now,
        facts_version=F("facts_version") + 1,
    ):
        raise RunIsProven
    changes = _told(reason, waived_until=until)
    audit.note(run, "run.waived", actor=actor, now=now, changes=changes)


def _may_change_by_itself(monitor: Monitor) -> Q:
    """A review that fell due in a pause was dropped: content grows old though it was proven, waivers end."""
    if monitor.mode == Mode.FRESHNESS:
        return Q()
    settled = [state.value for state in SETTLED_STATES]
    return ~Q(state__in=settled) | Q(state=State.WAIVED.value, waived_until__isnull=False)


def _check(reason: str, until: datetime | None, *, now: datetime) -> None:
    if not reason.strip():
        raise ReasonMissing
    if until is not None and until <= now:
        raise EndPassed


def _told(reason: str, **end: datetime | None) -> dict[str, list[Any]]:
    ends: dict[str, list[Any]] = {
        name: [None, until and until.isoformat()] for name, until in end.items()
    }
    return {**ends, "reason": ["", reason]}
