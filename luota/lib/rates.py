"""How many signals a token may send: fixed windows, counted in Redis, but not at every signal.

A process counts by itself and tells Redis once a second, or sooner when few are left: near the limit
every signal is counted exactly. With Redis away each process counts for itself and refuses nothing.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from luota.lib.redis import client

SYNC_SECONDS = 1.0
_SHARE = 16
"""A process may be ahead of Redis by this part of what is left."""
_MOST_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `limit` in each window of `seconds`."""

    name: str
    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Excess:
    """The policy that was exceeded, and when its window ends."""

    policy: Policy
    retry_after_seconds: int


@dataclass(slots=True)
class _Count:
    """What this process knows of one token and policy in the present window."""

    window: int
    total: int = 0
    """As Redis said last, this process's own told part included."""
    untold: int = 0
    synced_at: float = 0.0

    def is_stale(self, policy: Policy, cost: int) -> bool:
        """Is it time to ask Redis?"""
        left = max(policy.limit - self.total, 0)
        is_ahead = self.untold + cost > left // _SHARE
        return is_ahead or time.monotonic() - self.synced_at > SYNC_SECONDS


class Limiter:
    """Counts for one process; thread-safe."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], _Count] = {}
        self._lock = threading.Lock()
        self._away_until = 0.0

    def take(
        self, token: str, policies: Sequence[Policy], *, now: datetime, cost: int = 1
    ) -> Excess | None:
        """Count `cost` signals, or return the policy without room for them (then none is counted)."""
        epoch = int(now.timestamp())
        with self._lock:
            counts = [self._current(token, policy, epoch) for policy in policies]
            for policy, count in zip(policies, counts, strict=True):
                if count.is_stale(policy, cost) and not self._is_away():
                    self._sync(token, policy, count)
                if count.total + count.untold + cost > policy.limit and not self._is_away():
                    return Excess(policy, policy.seconds - epoch % policy.seconds)
            for count in counts:
                count.untold += cost
        return None

    def _current(self, token: str, policy: Policy, epoch: int) -> _Count:
        if len(self._counts) > _MOST_TOKENS:
            self._counts.clear()
        window = epoch // policy.seconds
        count = self._counts.get((token, policy.name))
        if count is None or count.window != window:
            count = self._counts[token, policy.name] = _Count(window)
        return count

    def _is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def _sync(self, token: str, policy: Policy, count: _Count) -> None:
        """Tell Redis and learn the total; after a failure it is left alone for a second."""
        key = f"luota:rate:{token}:{policy.name}:{count.window}"
        try:
            with client().pipeline(transaction=False) as pipe:
                pipe.incrby(key, count.untold)
                pipe.expire(key, policy.seconds * 2)
                count.total = int(pipe.execute()[0])
            count.untold, count.synced_at = 0, time.monotonic()
        except (redis.RedisError, OSError):
            self._away_until = time.monotonic() + SYNC_SECONDS


limiter = Limiter()
