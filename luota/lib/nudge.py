"""Wakes the tick after a commit that made something due. Loses nothing when it fails: beat is the net."""

import logging

import redis
from celery import current_app
from kombu.exceptions import OperationalError

from luota.lib.redis import client

log = logging.getLogger(__name__)

TICK = "incidents.tasks.tick"
_KEY = "luota:nudged"
_COALESCE_MILLISECONDS = 100


def nudge() -> None:
    """Send the tick task by its name, at most once in a tenth of a second over all processes."""
    try:
        if client().set(_KEY, 1, nx=True, px=_COALESCE_MILLISECONDS):
            current_app.send_task(TICK, expires=1, retry=False)
    except (redis.RedisError, OperationalError, OSError):
        log.info("nudge.failed")
