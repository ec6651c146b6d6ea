"""/livez asks nobody; /readyz turns callers away only when signals cannot be stored."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from luota.lib import clock
from tests.factories import MonitorFactory


def test_livez_answers_without_any_server(client: Client) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_readyz_tells_each_part(client: Client) -> None:
    response = client.get("/readyz")
    told = response.json()
    assert (response.status_code, told["status"]) == (200, "ready")
    assert {part: told[part]["ok"] for part in ("database", "migrations", "redis", "judgement")} == {
        "database": True, "migrations": True, "redis": True, "judgement": True,
    }  # fmt: skip


@pytest.mark.django_db
def test_readyz_refuses_while_a_migration_is_missing(client: Client) -> None:
    MigrationRecorder(connection).record_unapplied("monitors", "0001_initial")
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "unready")
    assert response.json()["migrations"] == {"ok": False, "missing": 1}


@pytest.mark.django_db
def test_readyz_stays_open_without_redis_and_names_no_address(
    client: Client, settings: Any
) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["redis"] == {"ok": False, "error": "ConnectionError"}


@pytest.mark.django_db
def test_readyz_says_when_nobody_judges(client: Client) -> None:
    MonitorFactory(review_at=clock.now() - timedelta(minutes=5))
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["judgement"]["behindSeconds"] >= 300
