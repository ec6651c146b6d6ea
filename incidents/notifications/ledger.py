"""The rows of a try, in sets: claimed before the call, marked after it. No row is locked meanwhile."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from incidents.models import Attempt, Delivery, DeliveryState
from incidents.notifications.notice import Answer
from workspaces.models import Route

LEASE = timedelta(seconds=60)
"""A try that says nothing for so long is believed dead, and the notice is tried again."""
BACKOFF = tuple(timedelta(seconds=s) for s in (15, 60, 300, 900, 3600))
"""After the n-th refusal; after the last one, one more try is the last."""
_JITTER = 0.2
_PROVEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt under way."""

    attempt_id: UUID
    number: int
    lease_ends_at: datetime
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt that ended."""

    done: Try
    answer: Answer
    at: datetime


def claim(*, limit: int, now: datetime) -> list[Try]:
    """Take due deliveries that nobody else has, and write down that they are being tried.

    What a channel hears of one file it hears in order: a notice waits while an earlier one is still
    to be told. Committed before anything is sent: a sender that dies leaves an attempt without end.
    """
    lease_ends_at = now + LEASE
    with transaction.atomic():
        deliveries = list(_claimable(now=now)[:limit])
        if not deliveries:
            return []
        Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(
            due_at=lease_ends_at, attempts_made=F("attempts_made") + 1
        )
        attempts = Attempt.objects.bulk_create(
            Attempt(
                workspace_id=delivery.workspace_id,
                delivery=delivery,
                number=delivery.attempts_made + 1,
                started_at=now,
            )
            for delivery in deliveries
        )
    return [
        Try(
            attempt_id=attempt.pk,
            number=attempt.number,
            lease_ends_at=lease_ends_at,
            delivery=delivery,
        )
        for attempt, delivery in zip(attempts, deliveries, strict=True)
    ]


def _claimable(*, now: datetime) -> QuerySet[Delivery]:
    earlier = Delivery.objects.filter(
        incident_id=OuterRef("incident_id"),
        channel_id=OuterRef("channel_id"),
        id__lt=OuterRef("id"),
        state=DeliveryState.QUEUED.value,
    )
    return (
        Delivery.objects.due(now=now)
        .filter(~Exists(earlier))
        .select_related("channel", "incident__monitor", "incident__workspace", "transition__actor")
        .order_by("due_at")
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
    )


def mark(tried: Sequence[Tried], *, now: datetime) -> None:
    """Write down how tries ended: accepted, to be tried again, or failed."""
    if not tried:
        return
    with transaction.atomic():
        _end_attempts(tried)
        _mark_deliveries(tried)
        proven = {each.done.delivery.route_id for each in tried if each.answer.is_accepted}
        _prove_routes({route for route in proven if route}, now=now)


def _end_attempts(tried: Sequence[Tried]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE incidents_attempt AS attempt
            SET ended_at = ended.at, is_accepted = ended.is_accepted, answer = ended.answer
            FROM unnest(%s::uuid[], %s::timestamptz[], %s::boolean[], %s::text[])
                AS ended (id, at, is_accepted, answer)
            WHERE attempt.id = ended.id
            """,
            [
                [each.done.attempt_id for each in tried],
                [each.at for each in tried],
                [each.answer.is_accepted for each in tried],
                [each.answer.line for each in tried],
            ],
        )


def _mark_deliveries(tried: Sequence[Tried]) -> None:
    """An acceptance counts whoever it comes from; a refusal only of the latest try.

    A sender that was believed dead may come back with an answer while another one tries again.
    """
    outcomes = [outcome_of(each) for each in tried]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE incidents_delivery AS delivery
            SET state = ended.state, reason = ended.reason, due_at = ended.due_at,
                accepted_at = CASE WHEN ended.state = %s THEN ended.due_at END
            FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::text[], %s::timestamptz[])
                AS ended (id, number, state, reason, due_at)
            WHERE delivery.id = ended.id AND delivery.state = %s
                AND (delivery.attempts_made = ended.number OR ended.state = %s)
            """,
            [
                DeliveryState.ACCEPTED.value,
                [each.done.delivery.pk for each in tried],
                [each.done.number for each in tried],
                [outcome.state.value for outcome in outcomes],
                [outcome.reason for outcome in outcomes],
                [outcome.due_at for outcome in outcomes],
                DeliveryState.QUEUED.value,
                DeliveryState.ACCEPTED.value,
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a delivery becomes."""

    state: DeliveryState
    reason: str
    due_at: datetime
    """When to try again, or when it ended."""


def outcome_of(tried: Tried) -> Outcome:
    """Accepted; or queued after a pause that follows the number of tries; or failed after the last."""
    answer, number = tried.answer, tried.done.number
    if answer.is_accepted:
        return Outcome(state=DeliveryState.ACCEPTED, reason="", due_at=tried.at)
    if answer.is_final or number > len(BACKOFF):
        return Outcome(state=DeliveryState.FAILED, reason=answer.line[:300], due_at=tried.at)
    pause = pause_after(number, answer.retry_after, spread=tried.done.attempt_id.int % 1000 / 1000)
    return Outcome(state=DeliveryState.QUEUED, reason="", due_at=tried.at + pause)


def pause_after(number: int, asked: timedelta | None, *, spread: float) -> timedelta:
    """How long to wait after the n-th refusal; `spread` in [0, 1) keeps a crowd from returning at once.

    What the counterparty asks for is honoured up to the longest pause of our own.
    """
    pause = max(BACKOFF[number - 1], min(asked or timedelta(0), BACKOFF[-1]))
    return pause * (1 + _JITTER * spread)


def _prove_routes(routes: Collection[UUID], *, now: datetime) -> None:
    """At most once a minute for each route; a row that another sender is writing is as good as written."""
    stale = Q(last_proven_at=None) | Q(last_proven_at__lt=now - _PROVEN_EVERY)
    found = Route.objects.filter(stale, pk__in=routes).select_for_update(
        skip_locked=True, no_key=True
    )
    if ids := list(found.values_list("pk", flat=True)):
        Route.objects.filter(pk__in=ids).update(last_proven_at=now)
