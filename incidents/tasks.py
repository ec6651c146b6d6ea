"""What beat and nudges start: each makes one call."""

from celery import shared_task

from incidents import evaluation
from incidents.notifications import sending
from luota.lib import clock


@shared_task
def send_due() -> None:
    """Tell people what is due; any number of workers may do so at once."""
    sending.send_due(now=clock.now())


@shared_task
def tick() -> None:
    """Judge what is due; if another worker is at it, this one has nothing to do."""
    evaluation.tick(clock.now)
