"""What pages read of incidents: the queue, the history, one file with all that belongs to it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, Func, JSONField, OuterRef, Q, QuerySet
from django.http import Http404

from incidents.lifecycle import State
from incidents.models import AffectedRun, Delivery, Incident, Transition
from incidents.payloads import unproven_beside
from monitors.conditions.values import Verdict
from monitors.models import Run
from workspaces.models import Route

PAGE_SIZE = 30
MOST_AFFECTED, MOST_SIMILAR, MOST_TOLD = 20, 5, 50


class WithoutContent(Func):
    """A quote without its payload and output: lists need its words, not its 64 KiB."""

    template = "(%(expressions)s - ARRAY['payload','output'])"
    output_field = JSONField()


def broken_promises(workspace_id: UUID, *, after: int | None = None) -> list[Incident]:
    """The queue: worst first, then oldest. One more than a page. Index: incident_queue."""
    found = _listed(workspace_id).unresolved().order_by("severity", "opened_at", "id")
    last = _numbered(workspace_id, after)
    if last:
        found = found.filter(
            Q(severity__gt=last.severity)
            | Q(severity=last.severity, opened_at__gt=last.opened_at)
            | Q(severity=last.severity, opened_at=last.opened_at, id__gt=last.id)
        )
    return _slim(found[: PAGE_SIZE + 1])


def history(
    workspace_id: UUID, *, filters: Mapping[str, str], before: int | None = None
) -> list[Incident]:
    """All files, newest first. One more than a page. Index: incident_history."""
    found = _filtered(_listed(workspace_id), filters).order_by("-opened_at", "-id")
    last = _numbered(workspace_id, before)
    if last:
        found = found.filter(
            Q(opened_at__lt=last.opened_at) | Q(opened_at=last.opened_at, id__lt=last.id)
        )
    return _slim(found[: PAGE_SIZE + 1])


def find_number(monitor_id: UUID, *, fingerprint: str) -> int | None:
    """Of the latest file of that fingerprint. Index: incident_of_monitor."""
    found = Incident.objects.filter(monitor_id=monitor_id, fingerprint=fingerprint)
    return found.order_by("-opened_at").values_list("number", flat=True).first()


def of_monitor(monitor_id: UUID, *, most: int = PAGE_SIZE) -> list[Incident]:
    """Newest first. Index: incident_of_monitor."""
    found = Incident.objects.filter(monitor_id=monitor_id).order_by("-id")
    return _slim(_with_people(found)[:most])


def count_unresolved(workspace_id: UUID) -> int:
    """Index: incident_queue."""
    return Incident.objects.filter(workspace_id=workspace_id).unresolved().count()


def get_incident(workspace_id: UUID, number: int) -> Incident:
    """Raises Http404 also for a file of another workspace."""
    found = Incident.objects.filter(workspace_id=workspace_id, number=number).select_related(
        "monitor__owner__user", "monitor__route", "monitor__spec", "acknowledged_by", "route"
    )
    incident = found.first()
    if incident is None:
        raise Http404
    return incident


def is_known_broken() -> Exists:
    """For a queryset of monitors: whether a file about it is unresolved. Index: incident_of_monitor."""
    return Exists(Incident.objects.filter(monitor_id=OuterRef("pk")).unresolved())


@dataclass(kw_only=True)
class File:
    """One incident with what its page shows; each part is one query, made when it is asked for."""

    incident: Incident

    @property
    def quote(self) -> Mapping[str, Any]:
        quote: Mapping[str, Any] = self.incident.quote
        return quote

    @cached_property
    def affected(self) -> list[AffectedRun]:
        """Those still broken first. Constraint: affected_run_once."""
        found = AffectedRun.objects.filter(incident=self.incident).select_related("run")
        order = (F("recovered_at").desc(nulls_first=True), "broken_since", "id")
        return list(found.order_by(*order)[:MOST_AFFECTED])

    @cached_property
    def timeline(self) -> list[Transition]:
        """Index: transition_timeline."""
        found = Transition.objects.filter(incident=self.incident).select_related("actor")
        return sorted(found, key=lambda entry: (entry.at, entry.pk))

    @property
    def joined(self) -> Mapping[datetime, list[Run]]:
        """{when the evaluator let them in: the runs}, of those that the page names at all."""
        joined: dict[datetime, list[Run]] = defaultdict(list)
        for each in self.affected:
            joined[each.joined_at].append(each.run)
        return dict(joined)

    @cached_property
    def deliveries(self) -> list[Delivery]:
        """With their attempts: two queries. Index: delivery_of_incident."""
        found = Delivery.objects.filter(incident=self.incident).select_related("channel", "route")
        return list(found.prefetch_related("attempts").order_by("id")[:MOST_TOLD])

    @cached_property
    def similar(self) -> list[Incident]:
        """Past files of the same promise, those of the same break first. Index: incident_of_monitor."""
        past = Incident.objects.filter(
            monitor_id=self.incident.monitor_id, state=State.RESOLVED.value
        )
        found = past.exclude(pk=self.incident.pk).order_by("-id")[: MOST_SIMILAR * 4]
        rows = _slim(found.select_related("monitor"))
        return sorted(rows, key=lambda each: not self._is_same_break(each))[:MOST_SIMILAR]

    def _is_same_break(self, other: Incident) -> bool:
        mine = self.incident
        return (other.cause, other.step) == (mine.cause, mine.step)

    @cached_property
    def run(self) -> Run | None:
        """The run to look at first, as it is now: one that is still broken, rather the quoted one."""
        quoted = (self.quote.get("run") or {}).get("id")
        broken = [each for each in self.affected if each.recovered_at is None]
        runs = [each.run for each in broken or self.affected]
        return min(runs, key=lambda run: str(run.pk) != quoted, default=None)

    @property
    def route(self) -> Route | None:
        """The file's own, else the default one by which its notices went."""
        return self.incident.route or next((each.route for each in self.deliveries), None)

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        """As last judged; as quoted when the run is gone."""
        live = self.run.standing.get("steps") if self.run else None
        return live or self.quote.get("steps") or []

    @property
    def comforts(self) -> Sequence[Mapping[str, Any]]:
        live = self.run.standing.get("comforts") if self.run else None
        return live or self.quote.get("comforts") or []

    @property
    def deploy_sha(self) -> str:
        return self._of_retry("deploy_sha")

    @property
    def host(self) -> str:
        return self._of_retry("host")

    def _of_retry(self, name: str) -> str:
        retry = self.quote.get("retry") or {}
        return retry.get(name) or self.quote.get(name) or ""

    @property
    def missing_step(self) -> Mapping[str, Any] | None:
        """The first step that is not met now."""
        return _first_unmet(self.steps)

    @property
    def was_missing(self) -> Mapping[str, Any] | None:
        """The first step that was not met when the file opened."""
        return _first_unmet(self.quote.get("steps") or [])

    @property
    def also_unproven(self) -> Sequence[Mapping[str, Any]]:
        """Beside the step that the page tells of: as it is now, or as it was when the file opened."""
        live = self.missing_step if self.is_unresolved else None
        named, steps = live or self.was_missing, self.steps if live else self.quote.get("steps")
        return unproven_beside(named, steps or []) if named else []

    @property
    def sick_step(self) -> Mapping[str, Any] | None:
        """The step whose check cannot be judged: as it is now, else as it was when the file opened."""
        return next(
            (
                step
                for step in (*self.steps, *(self.quote.get("steps") or []))
                if step.get("verdict") == Verdict.BROKEN.value
            ),
            None,
        )

    @property
    def is_unresolved(self) -> bool:
        return self.incident.state != State.RESOLVED.value

    @property
    def can_be_acknowledged(self) -> bool:
        return self.incident.state in {State.OPEN.value, State.REOPENED.value}


def _first_unmet(steps: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((step for step in steps if step.get("verdict") != Verdict.MET.value), None)


def _listed(workspace_id: UUID) -> Any:
    return _with_people(Incident.objects.filter(workspace_id=workspace_id))


def _with_people(found: Any) -> Any:
    related = ("monitor__owner__user", "acknowledged_by")
    return found.select_related(*related).annotate(slim=WithoutContent(F("quote"))).defer("quote")


def _slim(found: QuerySet[Incident]) -> list[Incident]:
    """The rows with what their sentence needs as the quote."""
    if "slim" not in found.query.annotations:
        found = found.annotate(slim=WithoutContent(F("quote"))).defer("quote")
    rows = list(found)
    for row in rows:
        row.quote = row.slim  # type: ignore[attr-defined]
    return rows


def _numbered(workspace_id: UUID, number: int | None) -> Incident | None:
    if number is None:
        return None
    columns = ("id", "severity", "opened_at")
    return Incident.objects.filter(workspace_id=workspace_id, number=number).only(*columns).first()


def _filtered(found: Any, filters: Mapping[str, str]) -> Any:
    if filters.get("state") == "unresolved":
        found = found.unresolved()
    elif filters.get("state") == "resolved":
        found = found.filter(state=State.RESOLVED.value)
    if cause := filters.get("cause"):
        found = found.filter(cause=cause)
    words = filters.get("q", "").removeprefix("#").strip()
    if words.isdecimal():
        return found.filter(number=int(words[:9]))
    if words:
        found = found.filter(
            Q(monitor__name__icontains=words) | Q(monitor__promise__icontains=words)
        )
    return found
