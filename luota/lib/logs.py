"""How a line of the log looks: one line for one event, with the fields that `extra` gave it (logfmt).

A server that is away is no bug: every task and every tick runs into it, and its tracebacks would hide
all else. Such a line says the reason instead, and the same line is said once in QUIET_SECONDS.
"""

import json
import logging
import time
from collections.abc import Iterator
from uuid import UUID

import kombu.exceptions
import psycopg
import redis

QUIET_SECONDS = 30.0
_ALWAYS_THERE = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_AWAY = (redis.ConnectionError, redis.TimeoutError, kombu.exceptions.OperationalError)
_CONNECTION_STATES = ("08", "57P")
"""Classes of PostgreSQL's codes for a connection that broke and a server that leaves; others are faults."""


class LineFormatter(logging.Formatter):
    """`<time> <level> <logger> <message> key=value …`, then the traceback of what nobody foresaw."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        fields = "".join(f" {name}={_quoted(value)}" for name, value in _fields(record))
        return " ".join(super().formatMessage(record).split("\n")).strip() + fields

    def format(self, record: logging.LogRecord) -> str:
        reason = _find_outage(record)
        if reason is None:
            return super().format(record)
        calm = logging.makeLogRecord(vars(record))
        calm.exc_info = calm.exc_text = None
        calm.msg, calm.args = (
            record.getMessage().partition("\n")[0],
            None,
        )  # Celery's beat tells its stack
        calm.error = f"{type(reason).__name__}: {reason}"
        return super().format(calm)


class SaidOnce(logging.Filter):
    """Lets an outage through once in QUIET_SECONDS for each message and reason; all else passes."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        reason = _find_outage(record)
        if reason is None:
            return True
        key = (record.name, str(record.msg), str(reason))
        now = time.monotonic()
        self._said = {each: at for each, at in self._said.items() if now - at < QUIET_SECONDS}
        return self._said.setdefault(key, now) == now


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, str | int | float]]:
    """What `extra` gave; objects that libraries attach (a request, a task's context) are no fields."""
    for name, value in vars(record).items():
        if name not in _ALWAYS_THERE and isinstance(value, str | int | float | UUID):
            yield name, str(value) if isinstance(value, UUID) else value


def _quoted(value: str | float) -> str:
    text = str(value)
    is_plain = text.isprintable() and text and not set(text) & set(' "=')
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _find_outage(record: logging.LogRecord) -> BaseException | None:
    """The first error of the chain that says: PostgreSQL or Redis is away."""
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        if isinstance(error, _AWAY) or _is_lost_database(error):
            return error
        error = error.__cause__ or error.__context__
    return None


def _is_lost_database(error: BaseException) -> bool:
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    # Without a code it never reached the server.
    return error.sqlstate is None or error.sqlstate.startswith(_CONNECTION_STATES)
