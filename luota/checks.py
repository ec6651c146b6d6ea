"""System checks luota.E001…: each names the variable that is wrong and the cure, before anything is served."""

import ipaddress
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from luota.environment import WrongSetting

TAG = "luota"
LEAST_IDEMPOTENCY = timedelta(days=7)
"""Senders retry for three days; a week leaves room for a weekend."""
POSTGRES_SCHEMES = ("postgres", "postgresql", "psql", "pgsql")
REDIS_SCHEMES = ("redis", "rediss", "unix")


def check_settings(**_options: Any) -> list[CheckMessage]:
    """All checks that need nothing but the settings: they run at the start of every process."""
    found: list[CheckMessage] = []
    for check in (_secrets, _engines, _addresses, _windows, _numbers):
        found.extend(check())
    return found


def refuse_wrong_settings() -> None:
    """End this process with one sentence for each wrong setting; the web server and the workers call it."""
    found = [message for message in run_checks(tags=[TAG]) if message.is_serious()]
    if found:
        raise WrongSetting("\nluota: ".join(sentence(message) for message in found))


def sentence(message: CheckMessage) -> str:
    """A finding on one line: what is wrong, the cure, the id to search for."""
    return " ".join(part for part in (message.msg, message.hint, f"({message.id})") if part)


def _secrets() -> Iterator[CheckMessage]:
    try:
        has_secret_key = bool(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django refuses to hand out an empty one
        has_secret_key = False
    if not has_secret_key:
        yield Error(
            "SECRET_KEY is not set, and DATABASE_URL names a server of yours.",
            hint="Set SECRET_KEY to at least 50 random characters, the same for every process.",
            id="luota.E001",
        )
    if not settings.SECRETS_KEYS:
        yield Error(
            "SECRETS_KEYS is not set, and DATABASE_URL names a server of yours.",
            hint="Set SECRETS_KEYS to a Fernet key (32 random bytes in urlsafe base64).",
            id="luota.E002",
        )
    for place, key in enumerate(settings.SECRETS_KEYS, start=1):
        if not _is_fernet_key(key):
            yield Error(
                f"Key {place} of SECRETS_KEYS is not a Fernet key.",
                hint="Each must be 32 bytes in urlsafe base64; separate several by commas, newest first.",
                id="luota.E003",
            )


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _engines() -> Iterator[CheckMessage]:
    scheme = urlsplit(settings.DATABASE_URL).scheme
    if scheme not in POSTGRES_SCHEMES:
        yield Error(
            f"DATABASE_URL names {scheme or 'no'} database, and Luota needs PostgreSQL.",
            hint="Write postgres://user:password@host:5432/name, or unset it for the bundled one.",
            id="luota.E004",
        )
    scheme = urlsplit(settings.REDIS_URL).scheme
    if scheme not in REDIS_SCHEMES:
        yield Error(
            f"REDIS_URL is of the kind {scheme or 'unknown'!r}, and Luota needs Redis.",
            hint="Write redis://host:6379/0, rediss://… or unix:///path, or unset it.",
            id="luota.E005",
        )
    if not settings.IS_BUNDLED and settings.IS_REDIS_BUNDLED:
        yield Error(
            "DATABASE_URL is set and REDIS_URL is not: the bundled engines come together or not at all.",
            hint="Set REDIS_URL too, or unset DATABASE_URL.",
            id="luota.E006",
        )


def _addresses() -> Iterator[CheckMessage]:
    base = urlsplit(settings.BASE_URL)
    if base.scheme not in {"http", "https"} or not base.hostname:
        yield Error(
            f"BASE_URL is {settings.BASE_URL!r}, which is no web address.",
            hint="Write it as people type it, such as https://luota.example.org.",
            id="luota.E008",
        )
    elif not validate_host(base.hostname, settings.ALLOWED_HOSTS):
        yield Error(
            f"BASE_URL is at {base.hostname}, and ALLOWED_HOSTS does not let that name in.",
            hint=f"Add {base.hostname} to ALLOWED_HOSTS.",
            id="luota.E009",
        )
    for network in settings.OUTBOUND_ALLOWED_NETWORKS:
        if not _is_network(network):
            yield Error(
                f"OUTBOUND_ALLOWED_NETWORKS holds {network!r}, which is no network.",
                hint="Write networks as 10.1.0.0/16 or fd00::/8, separated by commas.",
                id="luota.E010",
            )


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _windows() -> Iterator[CheckMessage]:
    if settings.TIME_ZONE != "UTC" or not settings.USE_TZ:
        yield Error(
            f"TIME_ZONE is {settings.TIME_ZONE} and USE_TZ is {settings.USE_TZ}: Luota reckons in UTC.",
            hint="Leave both alone; schedules have time zones of their own.",
            id="luota.E007",
        )
    if settings.IDEMPOTENCY_RETENTION < LEAST_IDEMPOTENCY:
        yield Error(
            f"IDEMPOTENCY_DAYS is {settings.IDEMPOTENCY_RETENTION.days}: a late repeat would count twice.",
            hint=f"Set it to {LEAST_IDEMPOTENCY.days} or more.",
            id="luota.E011",
        )
    if settings.RETENTION < settings.IDEMPOTENCY_RETENTION:
        yield Error(
            f"RETENTION_DAYS is {settings.RETENTION.days}, less than IDEMPOTENCY_DAYS: "
            "a repeat would be answered with evidence that is gone.",
            hint=f"Set RETENTION_DAYS to {settings.IDEMPOTENCY_RETENTION.days} or more.",
            id="luota.E012",
        )


def _numbers() -> Iterator[CheckMessage]:
    names = ("WEB_WORKERS", "WEB_THREADS", "WORKER_PROCESSES", "DATABASE_POOL_SIZE")
    limits = dict.fromkeys((*names, "RATE_PER_MINUTE", "RATE_PER_HOUR"), 1_000_000)
    for name, most in {**limits, "PORT": 65535}.items():
        value = getattr(settings, name)
        if not 1 <= value <= most:
            yield Error(
                f"{name} is {value}.",
                hint=f"Set it to a number from 1 to {most}, or unset it.",
                id="luota.E013",
            )
