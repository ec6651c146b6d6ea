"""Counting signals: exact near the limit, over several processes, and never refusing without Redis."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import override_settings

from luota.lib import redis as lib_redis
from luota.lib.rates import Limiter, Policy

NOON = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)
MINUTE = Policy("minute", 60, 60)
HOUR = Policy("hour", 100, 3600)


@pytest.fixture
def token() -> str:
    return f"test-{uuid4()}"


def taken(limiter: Limiter, token: str, policy: Policy, tries: int, now: datetime = NOON) -> int:
    return sum(limiter.take(token, [policy], now=now) is None for _ in range(tries))


def test_exactly_the_limit_is_taken(token: str) -> None:
    assert taken(Limiter(), token, MINUTE, 100) == 60


def test_two_processes_together_take_the_limit_and_a_sliver(token: str) -> None:
    one, other = Limiter(), Limiter()
    sum_ = sum(taken(limiter, token, MINUTE, 1) for _ in range(100) for limiter in (one, other))
    assert 60 <= sum_ <= 64


def test_a_refusal_says_which_policy_and_how_long_to_wait(token: str) -> None:
    limiter = Limiter()
    taken(limiter, token, MINUTE, 60)
    excess = limiter.take(token, [MINUTE, HOUR], now=NOON)
    assert excess is not None
    assert (excess.policy, excess.retry_after_seconds) == (MINUTE, 50)


def test_a_refused_signal_costs_nothing_of_the_other_policy(token: str) -> None:
    limiter = Limiter()
    for _ in range(300):
        limiter.take(token, [MINUTE, HOUR], now=NOON)
    later = NOON + timedelta(minutes=1)
    assert sum(limiter.take(token, [MINUTE, HOUR], now=later) is None for _ in range(60)) == 40


def test_the_next_window_begins_anew(token: str) -> None:
    limiter = Limiter()
    taken(limiter, token, MINUTE, 60)
    assert taken(limiter, token, MINUTE, 100, NOON + timedelta(seconds=50)) == 60


def test_a_batch_is_counted_as_a_whole_or_not_at_all(token: str) -> None:
    limiter = Limiter()
    assert limiter.take(token, [MINUTE], now=NOON, cost=59) is None
    assert limiter.take(token, [MINUTE], now=NOON, cost=2) is not None
    assert limiter.take(token, [MINUTE], now=NOON, cost=1) is None


def test_tokens_and_policies_count_apart(token: str) -> None:
    limiter = Limiter()
    taken(limiter, token, MINUTE, 60)
    assert taken(limiter, f"{token}-other", MINUTE, 1) == 1
    assert taken(limiter, token, Policy("batch minute", 60, 60), 1) == 1


@pytest.fixture
def _no_redis() -> Iterator[None]:
    lib_redis.client.cache_clear()
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        yield
    lib_redis.client.cache_clear()


@pytest.mark.usefixtures("_no_redis")
def test_without_redis_nothing_is_refused(token: str) -> None:
    assert taken(Limiter(), token, MINUTE, 200) == 200
