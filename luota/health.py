"""Is this process alive, and can it do its work? For load balancers and people, without sign-in."""

import time
from collections.abc import Callable
from datetime import datetime

import redis
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from luota.lib import clock
from luota.servers import ask_redis, compare_migrations
from monitors.models import Monitor, Run

BEHIND_SECONDS = 60
"""A due review older than this is said to be late: the workers or the beat are away."""


@require_safe
@never_cache
def livez(_request: HttpRequest) -> JsonResponse:
    """The process answers. Asks nobody, so that a database outage does not get it killed."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when signals can be stored, 503 when not; Redis and the judgement are told, and turn nobody away.

    Without Redis and workers every signal is still accepted and committed: to take a process out of
    service for them would lose what it could have kept.
    """
    database = _try(_ask_database)
    report = {
        "database": database,
        "migrations": _try(_ask_migrations) if database["ok"] else {"ok": False},
        "redis": _try(_time_redis),
        "judgement": _try(lambda: _ask_judgement(clock.now())) if database["ok"] else {"ok": False},
    }
    is_ready = bool(report["database"]["ok"] and report["migrations"]["ok"])
    is_whole = all(part["ok"] for part in report.values())
    status = "ready" if is_whole else "degraded" if is_ready else "unready"
    return JsonResponse({"status": status, **report}, status=200 if is_ready else 503)


def _try(ask: Callable[[], dict[str, object]]) -> dict[str, object]:
    try:
        return ask()
    except (DatabaseError, redis.RedisError, OSError) as error:
        # The kind only: the text may hold an address or a user's name, and this page is public.
        return {"ok": False, "error": type(error).__name__}


def _ask_database() -> dict[str, object]:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return {"ok": True, "milliseconds": _milliseconds_since(began)}


def _time_redis() -> dict[str, object]:
    began = time.perf_counter()
    ask_redis()
    return {"ok": True, "milliseconds": _milliseconds_since(began)}


def _ask_migrations() -> dict[str, object]:
    missing, _unknown = compare_migrations()
    return {"ok": not missing, "missing": len(missing)}


def _ask_judgement(now: datetime) -> dict[str, object]:
    """How long the oldest due review has waited; by the partial indexes *_review_due."""
    due = [
        found
        for model in (Run, Monitor)
        if (
            found := model.objects.due(now=now)
            .order_by("review_at")
            .values_list("review_at", flat=True)
            .first()
        )
    ]
    behind = max(((now - found).total_seconds() for found in due), default=0.0)
    return {"ok": behind < BEHIND_SECONDS, "behindSeconds": round(behind, 1)}


def _milliseconds_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
