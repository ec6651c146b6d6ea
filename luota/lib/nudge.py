"""Wakes the tick after a commit that made something due. Loses nothing when it fails: beat is the net."""

import logging
import time

import redis
from celery import current_app
from kombu.exceptions import OperationalError

from luota.lib.redis import client

log = logging.getLogger(__name__)

TICK = "incidents.tasks.tick"
_KEY = "luota:nudged"
_COALESCE_MILLISECONDS = 100
_AWAY_SECONDS = 1.0
_away_until = 0.0


def nudge() -> None:
    """Send the tick task by its name, at most once in a tenth of a second over all processes.

    After a failure Redis is left alone for a second, so that its absence costs intake no time.
    """
    global _away_until  # noqa: PLW0603 - one word of memory; a race costs one more try
    if time.monotonic() < _away_until:
        return
    try:
        if client().set(_KEY, 1, nx=True, px=_COALESCE_MILLISECONDS):
            current_app.send_task(TICK, expires=1, retry=False)
    except (redis.RedisError, OperationalError, OSError):
        _away_until = time.monotonic() + _AWAY_SECONDS
        log.info("nudge.failed")
