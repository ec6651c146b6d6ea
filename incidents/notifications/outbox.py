"""Which channel is to be told of which transition: rows that commit together with the transition.

Called by the evaluator with thousands at once, so the number of statements does not follow them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from incidents.models import Delivery, DeliveryState, NoticeType
from luota.lib.ids import uuid7
from workspaces.models import RouteStep

_Row = tuple[object, ...]

_STARTS = frozenset({NoticeType.OPENED, NoticeType.REOPENED})
"""Notices that set the route going; the others follow to whoever was told."""
_TOLD = tuple(
    state.value
    for state in (
        DeliveryState.ACCEPTED,
        DeliveryState.DELIVERED,
        DeliveryState.SEEN,
        DeliveryState.ACKNOWLEDGED,
    )
)
_QUIETED = {
    NoticeType.ACKNOWLEDGED: "Acknowledged before this step of the route was due.",
    NoticeType.RESOLVED: "Resolved before this step of the route was due.",
    NoticeType.REOPENED: "Reopened before this step of the route was due: the route began again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """One transition that people may have to be told of."""

    workspace_id: UUID
    incident_id: UUID
    transition_id: UUID
    route_id: UUID | None
    """None means the workspace's default route."""
    notice: NoticeType
    silenced_until: datetime | None = None
    """The monitor's silence: what would be told before it ends is written down as suppressed."""


class _Target(NamedTuple):
    channel_id: UUID
    route_id: UUID | None
    delay: timedelta = timedelta(0)


def queue_notices(transitions: Sequence[Queued], *, now: datetime) -> None:
    """Write the deliveries of these transitions; to be called in the transaction that makes them.

    opened, reopened: the whole route, each step after its delay. acknowledged, resolved: steps that
    wait are suppressed, and the channels that were told are told this too. A transition whose route
    has no step gets no delivery: the file then has nobody told.
    """
    starts = [queued for queued in transitions if queued.notice in _STARTS]
    follows = [queued for queued in transitions if queued.notice not in _STARTS]
    _suppress_waiting(transitions, now=now)
    _write([*_along_the_route(starts, now=now), *_to_the_told(follows, now=now)])


_COLUMNS = (
    "id, workspace_id, incident_id, transition_id, channel_id, route_id, notice, state, reason, "
    "due_at, attempts_made, created_at"
)


def _write(rows: Sequence[_Row]) -> None:
    """COPY: a fifth of the time of bulk_create, which counts when ten thousand files open at once."""
    if not rows:
        return
    statement = f"COPY incidents_delivery ({_COLUMNS}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _suppress_waiting(transitions: Sequence[Queued], *, now: datetime) -> None:
    """Steps that are not due yet and were never tried; one that was due is owed in any case."""
    for notice, reason in _QUIETED.items():
        ids = [queued.incident_id for queued in transitions if queued.notice == notice]
        if ids:
            Delivery.objects.filter(
                incident_id__in=ids,
                state=DeliveryState.QUEUED.value,
                attempts_made=0,
                due_at__gt=now,
            ).update(state=DeliveryState.SUPPRESSED.value, reason=reason)


def _along_the_route(starts: Sequence[Queued], *, now: datetime) -> Iterator[_Row]:
    targets = _load_routes(starts) if starts else {}
    for queued in starts:
        for target in targets.get((queued.workspace_id, queued.route_id), {}).values():
            yield _delivery(queued, target, now=now)


_Targets = dict[UUID, _Target]
"""By channel: a channel is told once of a transition, at its earliest step."""


def _load_routes(starts: Sequence[Queued]) -> dict[tuple[UUID, UUID | None], _Targets]:
    """The steps of all routes meant, by (workspace, route); the default route stands under None."""
    routes: dict[tuple[UUID, UUID | None], _Targets] = defaultdict(dict)
    steps = RouteStep.objects.filter(
        Q(route_id__in={queued.route_id for queued in starts if queued.route_id})
        | Q(route__is_default=True),
        workspace_id__in={queued.workspace_id for queued in starts},
    )
    columns = ("workspace_id", "route_id", "route__is_default", "channel_id", "delay")
    for workspace, route, is_default, channel, delay in steps.order_by("delay").values_list(
        *columns
    ):
        for key in ((workspace, route), (workspace, None))[: 1 + is_default]:
            routes[key].setdefault(channel, _Target(channel, route, delay))
    return routes


def _to_the_told(follows: Sequence[Queued], *, now: datetime) -> Iterator[_Row]:
    told = _load_told(follows, now=now) if follows else {}
    for queued in follows:
        for target in told.get(queued.incident_id, {}).values():
            yield _delivery(queued, target, now=now)


def _load_told(follows: Sequence[Queued], *, now: datetime) -> dict[UUID, _Targets]:
    """The channels that know of these incidents, or will: accepted, under way, or due."""
    told: dict[UUID, _Targets] = defaultdict(dict)
    owed = Q(state=DeliveryState.QUEUED.value) & (Q(due_at__lte=now) | Q(attempts_made__gt=0))
    deliveries = Delivery.objects.filter(
        Q(state__in=_TOLD) | owed,
        incident_id__in={queued.incident_id for queued in follows},
        notice__in=[notice.value for notice in _STARTS],
    )
    for incident, channel, route in deliveries.values_list("incident_id", "channel_id", "route_id"):
        told[incident][channel] = _Target(channel, route)
    return told


def _delivery(queued: Queued, target: _Target, *, now: datetime) -> _Row:
    """One row in the order of _COLUMNS."""
    due_at = now + target.delay
    silence = queued.silenced_until
    state, reason = DeliveryState.QUEUED, ""
    if silence is not None and due_at < silence:
        state = DeliveryState.SUPPRESSED
        reason = f"The monitor is silenced until {silence:%Y-%m-%d %H:%M} UTC."
    return (
        uuid7(),
        queued.workspace_id,
        queued.incident_id,
        queued.transition_id,
        target.channel_id,
        target.route_id,
        queued.notice.value,
        state.value,
        reason,
        due_at,
        0,
        now,
    )
