"""From an error of some library to the one word for what kept a probe from looking."""

import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar

import psycopg
import requests

from evidence.probes.contract import Obstacle
from luota.lib.guard import AddressRefused

T = TypeVar("T", bound=BaseException)
_AUTH_CODES = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "InvalidToken"}
)
_AUTH_WORDS = (
    "authentication failed",
    "no pg_hba.conf entry",
    "AuthenticationFailed",
    "Forbidden",
    "invalid_grant",
)
_PLACE_CODES = frozenset({"NoSuchBucket", "ContainerNotFound", "BucketNotFound"})
_PLACE_WORDS = ("bucket does not exist", *_PLACE_CODES)
_TLS_WORDS = ("SSL", "certificate", "TLS")
_TIME_WORDS = ("timed out", "timeout expired", "timeout on")
_NAME_WORDS = (
    "could not translate host name",
    "Name or service not known",
    "Could not contact DNS",
)
_TYPES: tuple[tuple[tuple[type[BaseException], ...], Obstacle], ...] = (
    ((AddressRefused,), Obstacle.REFUSED),
    ((socket.gaierror,), Obstacle.NAME),
    ((ssl.SSLError,), Obstacle.TLS),
    ((TimeoutError, requests.Timeout), Obstacle.TIMEOUT),
    ((psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable), Obstacle.TIMEOUT),
    ((psycopg.errors.InsufficientPrivilege, PermissionError), Obstacle.AUTH),
)


def obstacle_of(error: BaseException, *, otherwise: Obstacle) -> Obstacle:
    """By the types along the chain of causes, then by their words: drivers wrap one another's errors."""
    chain = list(_chain(error))
    for cause in chain:
        if found := _by_type(cause):
            return found
    for cause in chain:
        if found := _by_words(str(cause)):
            return found
    return otherwise


def told_by(error: BaseException, kind: type[T]) -> T | None:
    """The error of that kind that is behind this one."""
    return next((cause for cause in _chain(error) if isinstance(cause, kind)), None)


def _by_type(error: BaseException) -> Obstacle | None:
    for types, obstacle in _TYPES:
        if isinstance(error, types):
            return obstacle
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return Obstacle.AUTH if error.sqlstate.startswith("28") else Obstacle.SQL
    return _by_code(error)


def _by_code(error: BaseException) -> Obstacle | None:
    """The codes in which stores of objects answer."""
    answer = getattr(error, "response", None)
    told = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
    code = str(told or getattr(error, "error_code", None) or "")
    if code in _PLACE_CODES:
        return Obstacle.PLACE
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    return Obstacle.AUTH if code in _AUTH_CODES or status in {401, 403} else None


def _by_words(words: str) -> Obstacle | None:
    for obstacle, signs in (
        (Obstacle.AUTH, _AUTH_WORDS),
        (Obstacle.PLACE, _PLACE_WORDS),
        (Obstacle.NAME, _NAME_WORDS),
        (Obstacle.TIMEOUT, _TIME_WORDS),
        (Obstacle.TLS, _TLS_WORDS),
    ):
        if any(sign in words for sign in signs):
            return obstacle
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, innermost last; urllib3 keeps causes in `reason` and in arguments."""
    seen: list[BaseException] = []
    ahead = [error]
    while ahead and len(seen) < 20:
        cause = ahead.pop(0)
        if any(cause is each for each in seen):
            continue
        seen.append(cause)
        inner = (
            cause.__cause__,
            cause.__context__,
            getattr(cause, "reason", None),
            *cause.args[:2],
        )
        ahead += [each for each in inner if isinstance(each, BaseException)]
    return iter(seen)
