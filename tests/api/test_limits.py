"""Rates and unforeseen trouble: 429 with its policy, 503 instead of a false 202, an id on every answer."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from evidence import group_commit
from evidence.api.limits import body_limit
from evidence.models import Evidence
from monitors.models import Monitor
from tests.conftest import Sending
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

KIB = 1024


def ping(send: Sending, monitor: Monitor, body: object = None) -> Any:
    return send(f"/v1/monitors/{monitor.pk}/ping", body)


def limit(monitor: Monitor, **rates: int) -> None:
    Workspace.objects.filter(pk=monitor.workspace_id).update(**rates)


@pytest.mark.usefixtures("whole_minute")
def test_over_the_rate_of_a_minute_is_a_429_with_its_policy(
    send: Sending, monitor: Monitor
) -> None:
    limit(monitor, rate_per_minute=3)
    answers = [ping(send, monitor) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    told = answers[-1].json()
    assert (told["code"], told["policy"], told["limit"]) == ("rate_exceeded", "minute", 3)
    assert answers[-1]["Retry-After"] == str(told["retryAfterSeconds"])
    assert 1 <= told["retryAfterSeconds"] <= 60
    assert Evidence.objects.filter(monitor=monitor).count() == 3


@pytest.mark.usefixtures("whole_minute")
def test_over_the_rate_of_an_hour_names_the_hour(send: Sending, monitor: Monitor) -> None:
    limit(monitor, rate_per_minute=100, rate_per_hour=2)
    told = [ping(send, monitor) for _ in range(3)][-1].json()
    assert (told["policy"], told["limit"]) == ("hour", 2)
    assert 1 <= told["retryAfterSeconds"] <= 3600


@pytest.mark.usefixtures("whole_minute")
def test_the_default_rate_is_sixty_a_minute(send: Sending, monitor: Monitor) -> None:
    statuses = [ping(send, monitor).status_code for _ in range(61)]
    assert (statuses.count(202), statuses[-1]) == (60, 429)


@pytest.mark.usefixtures("whole_minute")
def test_a_body_that_is_refused_counts_too(send: Sending, monitor: Monitor) -> None:
    limit(monitor, rate_per_minute=2)
    assert [ping(send, monitor, b"{").status_code for _ in range(3)] == [400, 400, 429]


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/v1/monitors/x/ping", 72 * KIB),
        ("/v1/runs/start", 72 * KIB),
        ("/v1/ingest/workspaces/x/heartbeat", 72 * KIB),
        ("/v1/runs/close", 256 * KIB),
        ("/v1/runs/x/success", 256 * KIB),
        ("/v1/runs/x/fail", 256 * KIB),
        ("/v1/runs/x/nothing", 256 * KIB),
        ("/v1/runs/x/evidence", 256 * KIB),
        ("/v1/monitors/x/evidence", 256 * KIB),
        ("/v1/evidence", 5 * 1024 * KIB),
        ("/v1/evidence/", 72 * KIB),
        ("/v1/monitors", 72 * KIB),
    ],
)
def test_each_address_has_its_limit_of_bytes(path: str, most: int) -> None:
    assert body_limit(path) == most


def test_a_queue_that_is_full_is_a_503_and_never_a_202(
    send: Sending, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(signals: object) -> object:
        raise group_commit.IntakeBusy

    monkeypatch.setattr("evidence.api.views.submit", busy)
    answer = ping(send, monitor)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (503, "try_again")
    assert "same eventId" in told["detail"]
    assert answer["Retry-After"] == str(told["retryAfterSeconds"])


@pytest.mark.parametrize("path", ["/v1/nothing/here", "/v1/monitors/x/pong", "/nowhere"])
def test_an_address_that_is_none_has_an_answer_with_an_id(path: str) -> None:
    answer = Client().post(path, b"{}", "application/json")
    assert answer.status_code in {404, 403}
    assert answer["X-Request-Id"]


@pytest.mark.parametrize("path", ["/v1/nothing/here", "/v1/monitors/x/pong"])
def test_the_api_tells_of_a_missing_address_in_its_own_words(path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["requestId"] == answer["X-Request-Id"]


def test_an_error_that_nobody_foresaw_is_a_problem_with_an_id(
    send: Sending, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*args: object, **words: object) -> object:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("evidence.api.views.clean", fall)
    send.client.raise_request_exception = False
    answer = ping(send, monitor)
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["requestId"] == answer["X-Request-Id"]
    assert b"secret" not in answer.content


def test_every_request_has_an_id_of_its_own(send: Sending, monitor: Monitor) -> None:
    assert ping(send, monitor)["X-Request-Id"] != ping(send, monitor)["X-Request-Id"]


def test_the_ingestion_needs_no_cookie_and_sets_none(send: Sending, monitor: Monitor) -> None:
    send.client.handler.enforce_csrf_checks = True
    answer = ping(send, monitor)
    assert answer.status_code == 202
    assert not answer.cookies


def test_all_addresses_of_the_contract_are_there() -> None:
    assert reverse("api-evidence-batch") == "/v1/evidence"
    assert reverse("api-run-start") == "/v1/runs/start"
    assert reverse("api-run-close") == "/v1/runs/close"
