"""PostgreSQL is away or was restarted: pages and calls say so, and go on with a fresh connection."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client

from monitors.models import Monitor
from tests.conftest import with_key
from workspaces.models import TokenKind


def away(*_statement: Any) -> None:
    raise OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/admin/"])
def test_a_page_says_that_the_database_is_away(member_client: Client, path: str) -> None:
    member_client.raise_request_exception = False

    with connection.execute_wrapper(away):
        answer = member_client.get(path)

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer["X-Request-Id"]
    text = answer.content.decode()
    assert "The database is away" in text
    assert "Nothing that was acknowledged is lost" in text


def test_an_error_of_ours_is_not_put_on_the_database(member_client: Client) -> None:
    def fail(*_statement: Any) -> None:
        raise ZeroDivisionError

    member_client.raise_request_exception = False

    with connection.execute_wrapper(fail):
        assert member_client.get("/").status_code == 500


def test_a_call_is_told_to_repeat_with_the_same_event_id(
    key_of: Callable[[TokenKind], str], monitor: Monitor
) -> None:
    reader = with_key(key_of(TokenKind.READ))
    assert reader.get("/v1/monitors").status_code == 200

    with connection.execute_wrapper(away):
        answer = reader.get("/v1/monitors")

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "may still be stored: repeat with the same eventId" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_in_the_pool_is_given_to_nobody(
    key_of: Callable[[TokenKind], str], monitor: Monitor
) -> None:
    reader = with_key(key_of(TokenKind.READ))
    assert connection.connection is not None
    info = connection.connection.info
    pid, address = info.backend_pid, info.dsn
    connection.close()
    with psycopg.connect(address, autocommit=True) as killer:
        # And waits for it: a server process that is still dying answers once more.
        killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    assert reader.get("/v1/monitors").status_code == 200
