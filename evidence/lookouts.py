"""Probes and pulls, by which Luota looks for itself: what their changes share about the monitor that counts on them.

The monitor is locked before its lookout, as the evaluator does it. What is marked for review is judged by the tick.
"""

from datetime import datetime

from django.db.models import F

from evidence.models import Probe, Pull
from monitors.models import Monitor

Lookout = Probe | Pull
FAILURES_TO_BREAK = 3
"""In a row; then the monitor's owner is told."""


def hold_monitor(lookout: Lookout) -> None:
    """To be called in the transaction of the change."""
    Monitor.objects.select_for_update(no_key=True).filter(pk=lookout.monitor_id).first()


def have_reviewed(lookout: Lookout, *, now: datetime) -> None:
    """The evaluator opens or closes the file about it."""
    Monitor.objects.filter(pk=lookout.monitor_id, paused_at=None).update(
        review_at=now, facts_version=F("facts_version") + 1
    )
