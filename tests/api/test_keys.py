"""Who may send: the header and its aliases, every token that is none, revocation, expiry, bound tokens."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from evidence.models import Evidence
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from tests.conftest import Sending
from tests.factories import MonitorFactory, TokenFactory
from workspaces.models import Token, TokenKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(monitor: Monitor) -> Any:
    secret = f"luota_ing_{monitor.pk}"
    row = TokenFactory(secret=secret, workspace=monitor.workspace)
    row.clear = secret
    return row


def ping(monitor: Monitor, **headers: str) -> Any:
    return Client(headers=headers).post(f"/v1/monitors/{monitor.pk}/ping", b"", "application/json")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Luota-Key", "{}"),
        ("x-luota-key", "{}"),
        ("Authorization", "Bearer {}"),
        ("Authorization", "bearer   {}"),
        ("x-watchflow-key", "{}"),
    ],
)
def test_the_key_is_taken_from_the_header_and_its_aliases(
    monitor: Monitor, token: Any, header: str, value: str
) -> None:
    assert ping(monitor, **{header: value.format(token.clear)}).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Luota-Key": ""},
        {"X-Luota-Key": "luota_ing_nobody"},
        {"X-Luota-Key": "ключ"},
        {"X-Luota-Key": "k" * 9_000},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic dXNlcjpw"},
        {"Authorization": "nonsense"},
    ],
)
def test_every_key_that_is_none_gets_the_same_answer(
    monitor: Monitor, headers: dict[str, str]
) -> None:
    answer = ping(monitor, **headers)
    told = answer.json()
    assert answer.status_code == 401
    assert told.pop("requestId") == answer["X-Request-Id"]
    assert told == {
        "type": "/docs/api#problem-unauthorised",
        "title": "Not authorised",
        "status": 401,
        "detail": "The token is missing, or it does not open this.",
        "code": "unauthorised",
        "error": "Not authorised",
    }
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_key_in_the_address_is_no_key(monitor: Monitor, token: Any) -> None:
    path = f"/v1/monitors/{monitor.pk}/ping?key={token.clear}"
    assert Client().post(path, b"", "application/json").status_code == 401


def test_a_management_token_may_not_send(monitor: Monitor, key_of: Any) -> None:
    for kind in (TokenKind.READ, TokenKind.WRITE):
        assert ping(monitor, **{"X-Luota-Key": key_of(kind)}).status_code == 401


def test_a_token_of_one_monitor_opens_no_other(monitor: Monitor) -> None:
    other = MonitorFactory(workspace=monitor.workspace, mode=Mode.HEARTBEAT.value)
    TokenFactory(secret=f"bound-{monitor.pk}", workspace=monitor.workspace, monitor_id=monitor.pk)
    headers = {"X-Luota-Key": f"bound-{monitor.pk}"}
    assert [ping(each, **headers).status_code for each in (monitor, other)] == [202, 401]
    assert not Evidence.objects.filter(monitor=other).exists()


def test_a_token_of_one_monitor_opens_no_run_of_another(send: Sending, job: Monitor) -> None:
    other = MonitorFactory(workspace=job.workspace)
    TokenFactory(secret=f"bound-{job.pk}", workspace=job.workspace, monitor_id=job.pk)
    start = {"monitorId": str(other.pk), "externalRunId": "r"}
    run_id = send("/v1/runs/start", start).json()["runId"]
    bound = send.other(f"bound-{job.pk}")
    assert bound(f"/v1/runs/{run_id}/success").status_code == 401
    assert bound("/v1/runs/start", start).status_code == 401


@pytest.fixture
def travelling() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


def test_a_revocation_holds_within_five_seconds(
    monitor: Monitor, token: Any, travelling: time_machine.Traveller
) -> None:
    headers = {"X-Luota-Key": token.clear}
    assert ping(monitor, **headers).status_code == 202
    Token.objects.filter(pk=token.pk).update(revoked_at=clock.now())
    travelling.shift(timedelta(seconds=5))
    assert ping(monitor, **headers).status_code == 401


def test_an_expiry_holds_to_the_second(
    monitor: Monitor, token: Any, travelling: time_machine.Traveller
) -> None:
    Token.objects.filter(pk=token.pk).update(expires_at=clock.now() + timedelta(seconds=2))
    headers = {"X-Luota-Key": token.clear}
    assert ping(monitor, **headers).status_code == 202
    travelling.shift(timedelta(seconds=2))
    assert ping(monitor, **headers).status_code == 401


def test_an_unknown_key_is_remembered_no_longer_than_a_known_one(
    monitor: Monitor, travelling: time_machine.Traveller
) -> None:
    headers = {"X-Luota-Key": f"later-{monitor.pk}"}
    assert ping(monitor, **headers).status_code == 401
    TokenFactory(secret=f"later-{monitor.pk}", workspace=monitor.workspace)
    travelling.shift(timedelta(seconds=5))
    assert ping(monitor, **headers).status_code == 202


def test_the_use_of_a_token_is_written_at_most_once_a_minute(
    monitor: Monitor, token: Any, travelling: time_machine.Traveller
) -> None:
    uses = []
    for _ in range(3):
        ping(monitor, **{"X-Luota-Key": token.clear})
        token.refresh_from_db()
        uses.append(token.last_used_at)
        travelling.shift(timedelta(seconds=35))
    assert uses[0] == uses[1] < uses[2]
