"""A line of the log: its fields can be read, a server that is away is one line, a bug keeps its traceback."""

import logging
from typing import Any
from uuid import UUID

import kombu.exceptions
import psycopg
import pytest
import redis

from luota.lib.logs import LineFormatter, SaidOnce

RUN = UUID("01a20c74-eacf-7a31-882f-cedc7b328f61")


def record(
    message: str, caught: Exception | None = None, extra: dict[str, Any] | None = None
) -> logging.LogRecord:
    reason: Any = (type(caught), caught, None) if caught else None
    made = logging.LogRecord("luota", logging.ERROR, __file__, 1, message, (), reason)
    vars(made).update(extra or {})
    return made


def line(made: logging.LogRecord) -> str:
    return LineFormatter().format(made).partition(" ERROR ")[2]


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"run": str(RUN), "monitor": RUN}, f"run={RUN} monitor={RUN}"),
        ({"signals": 3}, "signals=3"),
        ({"error": 'no "room"'}, 'error="no \\"room\\""'),
        ({"error": "two\nlines"}, 'error="two\\nlines"'),
        ({"error": ""}, 'error=""'),
        ({"request": object(), "data": {"id": 1}}, ""),
    ],
)
def test_extra_fields_stand_in_the_line(fields: dict[str, Any], seen: str) -> None:
    assert line(record("run.poisoned", extra=fields)) == f"luota run.poisoned {seen}".strip()


def test_a_message_of_many_lines_is_one_line() -> None:
    assert line(record("Trying again\nin 2 s\n")) == "luota Trying again in 2 s"


def test_a_bug_keeps_its_traceback() -> None:
    said = line(record("run.poisoned", ZeroDivisionError("by zero"), {"run": "r"}))

    assert said.startswith("luota run.poisoned run=r\nZeroDivisionError")
    assert said.endswith("ZeroDivisionError: by zero")


AWAY = [
    redis.ConnectionError("refused"),
    redis.TimeoutError("refused"),
    kombu.exceptions.OperationalError("refused"),
    psycopg.OperationalError("refused"),
    psycopg.errors.AdminShutdown("refused"),
]


@pytest.mark.parametrize("reason", AWAY, ids=lambda each: type(each).__name__)
def test_a_server_that_is_away_is_one_line_with_its_reason(reason: Exception) -> None:
    wrapped = RuntimeError("tick")
    wrapped.__cause__ = reason

    assert (
        line(record("failed\na stack", wrapped))
        == f'luota failed error="{type(reason).__name__}: refused"'
    )


def test_a_full_disk_is_not_taken_for_an_outage() -> None:
    assert "\npsycopg.errors.DiskFull" in line(record("failed", psycopg.errors.DiskFull("no room")))


def test_an_outage_is_said_once_and_a_bug_each_time() -> None:
    once = SaidOnce()

    def passes(error: Exception) -> list[bool]:
        return [bool(once.filter(record("failed", error))) for _ in range(2)]

    assert passes(redis.ConnectionError("refused")) == [True, False]
    assert passes(redis.ConnectionError("reset")) == [True, False]
    assert passes(ZeroDivisionError()) == [True, True]


def test_the_settings_write_such_lines_and_leave_callers_mistakes_out(settings: Any) -> None:
    assert settings.LOGGING["formatters"]["line"]["()"] == "luota.lib.logs.LineFormatter"
    assert not logging.getLogger("django.request").isEnabledFor(logging.WARNING)
    assert logging.getLogger("django.request").isEnabledFor(logging.ERROR)
