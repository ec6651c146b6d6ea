"""What time asks of the evidence: partitions, what is remembered for a while only, probes and pulls that are due."""

from celery import shared_task
from django.conf import settings

from evidence import (
    expected,
    idempotency,
    newly_named,
    partitions,
    probe_gaps,
    probe_history,
    probing,
    pulling,
    refusals,
    unplaced,
)
from luota.lib import clock


@shared_task
def keep_partitions() -> None:
    partitions.keep(now=clock.now(), retention=settings.RETENTION)


@shared_task
def prune_idempotency() -> None:
    idempotency.prune(before=clock.now() - settings.IDEMPOTENCY_RETENTION)


@shared_task
def prune_refused() -> None:
    refusals.prune(now=clock.now())


@shared_task
def place_newly_named() -> None:
    newly_named.place_newly_named(now=clock.now())


@shared_task
def forget_unplaced() -> None:
    unplaced.forget(now=clock.now())
    unplaced.forget_counts(now=clock.now())


@shared_task
def prune_expected() -> None:
    expected.prune(before=clock.now() - settings.RETENTION)


@shared_task
def prune_looks() -> None:
    now = clock.now()
    probe_history.prune(now=now)
    probe_gaps.prune(before=now - settings.RETENTION)


@shared_task
def probe() -> None:
    """Look where it is time to; if another worker is at it, this one has nothing to do."""
    probing.look_due(now=clock.now())


@shared_task
def pull() -> None:
    """Fetch the lists that are due; if another worker is at it, this one has nothing to do."""
    pulling.pull_due(now=clock.now())
