"""What applying files would do to a workspace, and doing it: monitors are found again by their name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import transaction

from luota.portal.blueprints.exporting import blueprint_of, monitors_of
from luota.portal.blueprints.fields import Blueprint
from luota.portal.blueprints.files import Entry, FilesRefused, Reading, Refusal
from monitors.conditions.document import digest
from monitors.models import Monitor
from monitors.operations import (
    MonitorDraft,
    MonitorNameTaken,
    NotInWorkspace,
    create_monitor,
    update_monitor,
)
from workspaces.audit import Actor
from workspaces.models import Membership, Route

_QUICKER = "Somebody changed the workspace meanwhile: apply it again."


class Verb(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to become of one monitor."""

    entry: Entry
    draft: MonitorDraft
    monitor: Monitor | None
    """None when it is to be made."""
    changed: frozenset[str]
    """The fields that mean something else now; of a new monitor none."""

    @property
    def verb(self) -> Verb:
        if self.monitor is None:
            return Verb.CREATE
        return Verb.UPDATE if self.changed else Verb.KEEP

    @property
    def before(self) -> Blueprint | None:
        return blueprint_of(self.monitor) if self.monitor else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What files may name of a workspace."""

    monitors: Mapping[str, Monitor]
    members: Mapping[str, UUID]
    """By e-mail address in lower case."""
    routes: Mapping[str, UUID]


def plan(reading: Reading, *, workspace_id: UUID) -> list[Plan]:
    """Three queries, however many there are. Raises FilesRefused with all that is wrong, file after file."""
    entries = reading.entries
    known = _look_up(workspace_id, [each.blueprint.name for each in entries])
    refusals = [*reading.refusals, *_twice(entries)]
    refusals += (each for entry in entries for each in _refusals(entry, known))
    if refusals:
        raise FilesRefused(refusals)
    return [_plan(entry, known) for entry in entries]


@transaction.atomic
def carry_out(plans: Sequence[Plan], *, workspace_id: UUID, actor: Actor, now: datetime) -> None:
    """All of it or nothing. Raises FilesRefused when the workspace is another one by now."""
    for each in plans:
        try:
            if each.monitor is None:
                create_monitor(workspace_id=workspace_id, draft=each.draft, actor=actor, now=now)
            elif each.changed:
                update_monitor(monitor=each.monitor, draft=each.draft, actor=actor, now=now)
        except (MonitorNameTaken, NotInWorkspace, Monitor.DoesNotExist) as error:
            raise FilesRefused([each.entry.refuse("name", _QUICKER)]) from error


def _look_up(workspace_id: UUID, names: Sequence[str]) -> _Known:
    monitors = monitors_of(workspace_id).filter(name__in=names)
    members = Membership.objects.filter(workspace_id=workspace_id).order_by("-created_at")
    routes = Route.objects.filter(workspace_id=workspace_id)
    return _Known(
        monitors={monitor.name: monitor for monitor in monitors},
        members={email.lower(): pk for email, pk in members.values_list("user__email", "pk")},
        routes=dict(routes.values_list("name", "pk")),
    )


def _twice(entries: Sequence[Entry]) -> Iterable[Refusal]:
    seen: set[str] = set()
    for entry in entries:
        name = entry.blueprint.name
        if name in seen:
            yield entry.refuse("name", f"“{name}” is described before already.")
        seen.add(name)


def _refusals(entry: Entry, known: _Known) -> Iterable[Refusal]:
    wanted = entry.blueprint
    monitor = known.monitors.get(wanted.name)
    if monitor and monitor.mode != wanted.mode:
        yield entry.refuse("mode", f"It is {monitor.mode}; another mode is another monitor.")
    if wanted.owner.member and wanted.owner.member not in known.members:
        yield entry.refuse("owner", f"No member of this workspace is {wanted.owner.member}.")
    if wanted.route and wanted.route not in known.routes:
        names = ", ".join(sorted(known.routes)) or "none"
        yield entry.refuse("route", f"No route is called “{wanted.route}”; there are: {names}.")


def _plan(entry: Entry, known: _Known) -> Plan:
    wanted = entry.blueprint
    monitor = known.monitors.get(wanted.name)
    return Plan(
        entry=entry,
        draft=wanted.draft(
            owner_id=known.members.get(wanted.owner.member),
            route_id=known.routes.get(wanted.route),
        ),
        monitor=monitor,
        changed=_difference(blueprint_of(monitor), wanted) if monitor else frozenset(),
    )


def _difference(old: Blueprint, new: Blueprint) -> frozenset[str]:
    before, after = old.written(), new.written()
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    is_same = digest(old.spec) == digest(new.spec)  # the order of schedules means nothing
    return frozenset(changed - {"spec"} if is_same else changed)
