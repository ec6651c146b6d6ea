"""What a person does to an incident: one transaction with the conditional update, the history row,
the audit event and the notices. False means that somebody was quicker."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from incidents.lifecycle import State, Trigger, next_state
from incidents.models import Incident, NoticeType, Transition
from incidents.notifications.outbox import Queued, queue_notices
from workspaces import audit
from workspaces.audit import Actor

NOTE_LENGTH = 2000
BY_PERSON = "by_person"


class UnusableNote(Exception):
    """A note that says nothing, or more than the timeline keeps."""

    def __init__(self) -> None:
        super().__init__(f"A note has 1 to {NOTE_LENGTH} characters.")


def acknowledge(*, incident: Incident, actor: Actor, at: datetime, note: str = "") -> bool:
    """A person has seen it; later route steps stay quiet. IllegalTransition, UnusableNote."""
    changes: dict[str, object] = {"acknowledged_at": at, "acknowledged_by": actor.user}
    return _move(incident, Trigger.ACKNOWLEDGED, changes, actor=actor, at=at, note=note)


def resolve(*, incident: Incident, actor: Actor, at: datetime, note: str = "") -> bool:
    """A person closes the file; it proves nothing of the runs. IllegalTransition, UnusableNote."""
    changes: dict[str, object] = {"resolved_at": at, "resolution": BY_PERSON}
    return _move(incident, Trigger.RESOLVED, changes, actor=actor, at=at, note=note)


def add_note(*, incident: Incident, actor: Actor, at: datetime, note: str) -> bool:
    """Write into the timeline; tells nobody. False if the file is gone. UnusableNote."""
    _check_note(note, least=1)
    with transaction.atomic():
        same = Incident.objects.filter(pk=incident.pk, workspace_id=incident.workspace_id)
        state = same.select_for_update(no_key=True).values_list("state", flat=True).first()
        if state is None:
            return False
        move = _Move(Trigger.NOTED, State(state), State(state))
        _write_history(incident, move, actor=actor, at=at, note=note)
    return True


class _Move(NamedTuple):
    trigger: Trigger
    old: State
    new: State


_NOTICES = {
    Trigger.ACKNOWLEDGED: NoticeType.ACKNOWLEDGED,
    Trigger.RESOLVED: NoticeType.RESOLVED,
}


def _move(
    incident: Incident,
    trigger: Trigger,
    changes: dict[str, object],
    *,
    actor: Actor,
    at: datetime,
    note: str,
) -> bool:
    old = State(incident.state)
    move = _Move(trigger, old, next_state(old, trigger))
    _check_note(note, least=0)
    with transaction.atomic():
        unchanged = Incident.objects.filter(pk=incident.pk, state=old.value)
        if not unchanged.update(state=move.new.value, **changes):
            return False
        entry = _write_history(incident, move, actor=actor, at=at, note=note)
        queue_notices([_notice(incident, entry, _NOTICES[trigger])], now=at)
    return True


def _check_note(note: str, *, least: int) -> None:
    if not least <= len(note) <= NOTE_LENGTH or (least and not note.strip()):
        raise UnusableNote


def _write_history(
    incident: Incident, move: _Move, *, actor: Actor, at: datetime, note: str
) -> Transition:
    entry = Transition.objects.create(
        workspace_id=incident.workspace_id,
        incident=incident,
        trigger=move.trigger.value,
        old_state=move.old.value,
        new_state=move.new.value,
        actor=actor.user,
        at=at,
        recorded_at=at,
        note=note,
        values={"by": str(actor)},
    )
    audit.record(
        workspace_id=incident.workspace_id,
        actor=actor,
        action=f"incident.{move.trigger.value}",
        target=incident,
        changes={"state": [move.old.value, move.new.value]} if move.old != move.new else {},
        at=at,
    )
    return entry


def _notice(incident: Incident, entry: Transition, notice: NoticeType) -> Queued:
    return Queued(
        workspace_id=incident.workspace_id,
        incident_id=incident.pk,
        transition_id=entry.pk,
        route_id=incident.route_id,
        notice=notice,
        silenced_until=incident.monitor.silenced_until,
    )
