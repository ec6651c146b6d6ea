"""What people and programs do to a monitor's configuration: it is made, changed and deleted here.

Each is one transaction that marks the monitor due and leaves one audit event. Stretches in which it
is not watched or not told about are in monitors.interruptions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from monitors.conditions.calendars import next_instant
from monitors.conditions.document import digest, parse_spec, to_document
from monitors.conditions.rules import Mode
from monitors.conditions.sense import check_fires
from monitors.models import Monitor, MonitorKind, Run, Severity, Spec
from monitors.standings import Losses, losses_of
from workspaces import audit
from workspaces.audit import Actor
from workspaces.models import Membership, Route
from workspaces.tokens import revoke_tokens_of_monitor

_RUNS_AT_ONCE = 1000


class MonitorNameTaken(Exception):
    """Another monitor of the workspace has this name."""


class ModeIsFixed(Exception):
    """Runs are judged by the mode that opened them; another mode is another monitor."""


class NotConfirmed(Exception):
    """Files, runs or evidence would go with the monitor, and its name was not given."""

    def __init__(self, losses: Losses) -> None:
        super().__init__(f"{losses} would be deleted with it.")
        self.losses = losses


class NotInWorkspace(Exception):
    """The owner or the route is of another workspace, or gone."""

    def __init__(self, field: str) -> None:
        super().__init__(f"There is no such {field} in this workspace.")
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorDraft:
    """All of a monitor that people write; `rules` is the document of its spec."""

    name: str
    promise: str
    mode: Mode
    rules: Mapping[str, object]
    owner_id: UUID | None = None
    """A membership of the workspace."""
    owner_label: str = ""
    runbook_url: str = ""
    severity: Severity = Severity.HIGH
    environment: str = "production"
    tags: tuple[str, ...] = ()
    route_id: UUID | None = None

    def columns(self) -> dict[str, Any]:
        """What is a column of the monitor as it stands."""
        return {
            "name": self.name,
            "promise": self.promise,
            "owner_id": self.owner_id,
            "owner_label": self.owner_label,
            "runbook_url": self.runbook_url,
            "severity": int(self.severity),
            "environment": self.environment,
            "tags": list(self.tags),
            "route_id": self.route_id,
        }


def draft_of(monitor: Monitor) -> MonitorDraft:
    """The monitor as it is now, for `dataclasses.replace` and a form; needs `spec` selected."""
    return MonitorDraft(
        name=monitor.name,
        promise=monitor.promise,
        mode=Mode(monitor.mode),
        rules=monitor.spec.document if monitor.spec else {},
        owner_id=monitor.owner_id,
        owner_label=monitor.owner_label,
        runbook_url=monitor.runbook_url,
        severity=Severity(monitor.severity),
        environment=monitor.environment,
        tags=tuple(monitor.tags),
        route_id=monitor.route_id,
    )


def create_monitor(
    *, workspace_id: UUID, draft: MonitorDraft, actor: Actor, now: datetime
) -> Monitor:
    """MonitorNameTaken, NotInWorkspace, SpecInvalid."""
    draft = _checked(draft, workspace_id=workspace_id, now=now)
    monitor = Monitor(
        workspace_id=workspace_id,
        mode=draft.mode.value,
        created_at=now,
        watched_since=now,
        review_at=now,
        calendar_at=_calendar_at(draft, now),
        **draft.columns(),
    )
    try:
        with transaction.atomic():
            monitor.save(force_insert=True)
            monitor.spec = _write_spec(monitor, draft.rules, number=1, actor=actor, now=now)
            monitor.save(update_fields=["spec"])
            audit.note(monitor, "monitor.created", actor=actor, now=now)
    except IntegrityError as error:
        raise _name_taken(error) from error
    return monitor


def update_monitor(
    *, monitor: Monitor, draft: MonitorDraft, actor: Actor, now: datetime
) -> Monitor:
    """The monitor as drafted; a new spec version only when the rules mean something else.

    MonitorNameTaken, ModeIsFixed, NotInWorkspace, SpecInvalid.
    """
    if draft.mode != monitor.mode:
        raise ModeIsFixed
    draft = _checked(draft, workspace_id=monitor.workspace_id, now=now)
    try:
        with transaction.atomic():
            return _update(monitor, draft, actor=actor, now=now)
    except IntegrityError as error:
        raise _name_taken(error) from error


def delete_monitor(*, monitor: Monitor, confirmed: str, actor: Actor, now: datetime) -> None:
    """With its runs and files; the tokens bound to it die with it. NotConfirmed.

    `confirmed` is its name, given by whoever knows what is lost; it may be empty when nothing is.

    Its runs go first, in small transactions: intake waits for the lock, and the signals of everybody with it.
    """
    losses = losses_of(monitor)
    if losses.are_any and confirmed != monitor.name:
        raise NotConfirmed(losses)
    revoke_tokens_of_monitor(
        workspace_id=monitor.workspace_id, monitor_id=monitor.pk, actor=actor, now=now
    )
    while _delete_runs(monitor) == _RUNS_AT_ONCE:
        pass
    with transaction.atomic():
        _lock(monitor)
        audit.note(monitor, "monitor.deleted", actor=actor, now=now)
        Monitor.objects.filter(pk=monitor.pk).delete()


@transaction.atomic
def _delete_runs(monitor: Monitor) -> int:
    _lock(monitor)
    ids = list(Run.objects.filter(monitor=monitor).values_list("pk", flat=True)[:_RUNS_AT_ONCE])
    Run.objects.filter(pk__in=ids).delete()
    return len(ids)


def _lock(monitor: Monitor) -> None:
    """Before its runs, as intake and the evaluator do: in any other order they would wait for each other."""
    Monitor.objects.select_for_update().filter(pk=monitor.pk).first()


def _checked(draft: MonitorDraft, *, workspace_id: UUID, now: datetime) -> MonitorDraft:
    """The draft with its rules in their shortest form, after every refusal."""
    spec = parse_spec(draft.mode, draft.rules)
    check_fires(spec, now=now)
    owners = Membership.objects.filter(workspace_id=workspace_id)
    if draft.owner_id is not None and not owners.filter(pk=draft.owner_id).exists():
        raise NotInWorkspace("owner")
    routes = Route.objects.filter(workspace_id=workspace_id)
    if draft.route_id is not None and not routes.filter(pk=draft.route_id).exists():
        raise NotInWorkspace("route")
    return replace(draft, rules=to_document(spec))


def _update(monitor: Monitor, draft: MonitorDraft, *, actor: Actor, now: datetime) -> Monitor:
    # Locked before its spec is read: a join would still see the specs as they were before the wait.
    current = Monitor.objects.select_for_update(no_key=True).get(pk=monitor.pk)
    columns = draft.columns()
    before = audit.snapshot(current, columns)
    for name, value in columns.items():
        setattr(current, name, value)
    changes = audit.difference(before, audit.snapshot(current, columns))
    old = current.spec
    if old is None or old.digest != digest(draft.rules):
        number = old.number + 1 if old else 1
        current.spec = _write_spec(current, draft.rules, number=number, actor=actor, now=now)
        changes["spec"] = [number - 1, number]
        _judge_anew(current, old, now=now)
    current.save(update_fields=[*columns, "spec"])
    if changes:
        audit.note(current, "monitor.updated", actor=actor, now=now, changes=changes)
    return current


def _write_spec(
    monitor: Monitor, rules: Mapping[str, object], *, number: int, actor: Actor, now: datetime
) -> Spec:
    note_kinds(monitor, rules, now=now)
    return Spec.objects.create(
        workspace_id=monitor.workspace_id,
        monitor=monitor,
        number=number,
        document=rules,
        digest=digest(rules),
        created_by=actor.user,
        created_at=now,
    )


def note_kinds(monitor: Monitor, rules: Mapping[str, object], *, now: datetime) -> None:
    """Keep MonitorKind in line with the rules that hold from now on; what is named anew is marked."""
    kinds = parse_spec(Mode(monitor.mode), rules).kinds
    MonitorKind.objects.filter(monitor=monitor).exclude(kind__in=kinds).delete()
    MonitorKind.objects.bulk_create(
        [
            MonitorKind(
                workspace_id=monitor.workspace_id,
                monitor=monitor,
                kind=kind,
                named_at=now,
                is_new=True,
            )
            for kind in kinds
        ],
        ignore_conflicts=True,
    )


def _judge_anew(monitor: Monitor, old: Spec | None, *, now: datetime) -> None:
    """New rules hold from now on; slots of a former schedule are not judged by a new one."""
    columns: dict[str, Any] = {"review_at": now, "facts_version": F("facts_version") + 1}
    if monitor.mode == Mode.FRESHNESS:
        # Its run lives as long as its subject: a spec for later runs only would never apply.
        Run.objects.filter(monitor=monitor).update(spec=monitor.spec, **columns)
    if _rule(old, "schedules") != _rule(monitor.spec, "schedules"):
        columns |= {"watched_since": now, "judged_until": None}
    if _rule(old, "calendars") != _rule(monitor.spec, "calendars"):
        columns["calendar_at"] = _calendar_at(draft_of(monitor), now)
    Monitor.objects.filter(pk=monitor.pk).update(**columns)


def _rule(spec: Spec | None, name: str) -> object:
    return spec.document.get(name) if spec else None


def _calendar_at(draft: MonitorDraft, now: datetime) -> datetime | None:
    return next_instant(parse_spec(draft.mode, draft.rules), now)


def _name_taken(error: IntegrityError) -> Exception:
    return MonitorNameTaken() if "monitor_name_once" in str(error) else error
