"""The one Redis client of a process: short time-outs, no retries, for Redis only carries what may be lost."""

from functools import cache

import redis
from django.conf import settings


@cache
def client() -> "redis.Redis":
    """Thread-safe; connects at first use."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.1, socket_connect_timeout=0.1, retry=None
    )
