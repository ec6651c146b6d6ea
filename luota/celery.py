"""The Celery application of the workers, that of the beat, and the one beat table."""

import gc
import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.signals import worker_before_create_process

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")

app = Celery("luota")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
clockwork = Celery("luota.beat", fixups=[], set_as_current=False)
"""Calls tasks by their names and loads none: the beat needs no Django, and a third of the memory."""
clockwork.config_from_object("django.conf:settings", namespace="CELERY")

_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)


@worker_before_create_process.connect
def share_what_is_loaded(**_told: Any) -> None:
    """A worker's processes are copies of it: what no search for garbage touches, they go on sharing."""
    gc.freeze()


app.conf.task_routes = clockwork.conf.task_routes = {
    "incidents.tasks.tick": {"queue": "evaluate"},
    "incidents.tasks.send_due": {"queue": "notify"},
    "evidence.tasks.probe": {"queue": "probe"},
    "evidence.tasks.pull": {"queue": "pull"},
    "evidence.tasks.keep_partitions": {"queue": "maintain"},
    "evidence.tasks.prune_idempotency": {"queue": "maintain"},
    "evidence.tasks.prune_refused": {"queue": "maintain"},
    "evidence.tasks.place_newly_named": {"queue": "maintain"},
    "evidence.tasks.forget_unplaced": {"queue": "maintain"},
    "evidence.tasks.prune_expected": {"queue": "maintain"},
    "evidence.tasks.prune_looks": {"queue": "maintain"},
}


def _every(period: timedelta, task: str) -> dict[str, object]:
    """A beat entry that expires before its next tick: a stopped worker comes back to one, not to a pile."""
    return {"task": task, "schedule": period, "options": {"expires": period.total_seconds() * 0.9}}


clockwork.conf.beat_max_loop_interval = 1
clockwork.conf.beat_schedule = {
    "tick": _every(_SECOND, "incidents.tasks.tick"),
    "outbox": _every(_SECOND, "incidents.tasks.send_due"),
    "probe": _every(_SECOND, "evidence.tasks.probe"),
    "pull": _every(5 * _SECOND, "evidence.tasks.pull"),
    "newly named": _every(5 * _SECOND, "evidence.tasks.place_newly_named"),
    "partitions": _every(_HOUR, "evidence.tasks.keep_partitions"),
    "prune": _every(_HOUR, "evidence.tasks.prune_idempotency"),
    "prune_refused": _every(_HOUR, "evidence.tasks.prune_refused"),
    "unplaced": _every(_HOUR, "evidence.tasks.forget_unplaced"),
    "prune lists": _every(_HOUR, "evidence.tasks.prune_expected"),
    "prune looks": _every(_HOUR, "evidence.tasks.prune_looks"),
}
