"""System checks luota.E001…: each names the variable that is wrong and the cure, before anything is served.

`python -m luota.checks` asks them without loading the applications, and without asking any server.
"""

import ipaddress
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import redis
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from luota.environment import POSTGRES_SCHEMES, Environment, WrongSetting

TAG = "luota"
LEAST_IDEMPOTENCY = timedelta(days=7)
"""Senders retry for three days; a week leaves room for a weekend."""
LEAST_SECRET_KEY = 50
"""Characters; Django's own check warns below the same length."""
REDIS_SCHEMES = ("redis", "rediss", "unix")


def check_settings(**_options: Any) -> list[CheckMessage]:
    """All checks that need nothing but the settings: they run at the start of every process."""
    found: list[CheckMessage] = []
    for check in (
        _secret_key,
        _secrets,
        _database,
        _redis,
        _engines,
        _addresses,
        _windows,
        _numbers,
    ):
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


def _secret_key() -> Iterator[CheckMessage]:
    try:
        length = len(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django refuses to hand out an empty one
        length = 0
    hint = f"Set SECRET_KEY to at least {LEAST_SECRET_KEY} random characters, the same for every process."
    if not length:
        yield Error(
            "SECRET_KEY is not set, and DATABASE_URL names a server of yours.",
            hint=hint,
            id="luota.E001",
        )
    elif settings.IS_SECRET_KEY_GIVEN and length < LEAST_SECRET_KEY:
        # Who guesses it makes sessions and links for new passwords; the key of our own is 32 random bytes.
        yield Error(f"SECRET_KEY has {length} characters.", hint=hint, id="luota.E014")


def _secrets() -> Iterator[CheckMessage]:
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


def _database() -> Iterator[CheckMessage]:
    scheme = _scheme_of(settings.DATABASE_URL)
    if scheme not in POSTGRES_SCHEMES:
        wrong = f"DATABASE_URL names {scheme or 'no'} database, and Luota needs PostgreSQL."
    elif not Environment().database(settings.DATABASE_URL).get("NAME"):
        # Never the parser's own words: of a password with an unescaped sign they quote a part.
        wrong = (
            "DATABASE_URL cannot be read, or names no database of the server; "
            "signs such as / # @ in a password are written %2F %23 %40."
        )
    else:
        return
    yield Error(
        wrong,
        hint="Write postgres://user:password@host:5432/name, or unset it for the bundled one.",
        id="luota.E004",
    )


def _redis() -> Iterator[CheckMessage]:
    scheme = _scheme_of(settings.REDIS_URL)
    if scheme not in REDIS_SCHEMES:
        wrong = f"REDIS_URL is of the kind {scheme or 'unknown'!r}, and Luota needs Redis."
    elif not _is_redis_address(settings.REDIS_URL):
        wrong = "REDIS_URL cannot be read: its port or the number of its database is no number."
    else:
        return
    yield Error(
        wrong,
        hint="Write redis://host:6379/0, rediss://… or unix:///path, or unset it.",
        id="luota.E005",
    )


def _scheme_of(address: str) -> str:
    """Empty for what is no address at all."""
    try:
        return urlsplit(address).scheme
    except ValueError:
        return ""


def _is_redis_address(address: str) -> bool:
    try:
        redis.Redis.from_url(address)  # connects at first use only
    except ValueError:
        return False
    # redis-py takes redis://host/name for database 0, and Celery refuses it later.
    number = urlsplit(address).path.strip("/")
    return address.startswith("unix:") or not number or number.isdecimal()


def _engines() -> Iterator[CheckMessage]:
    if settings.IS_BUNDLED == settings.IS_REDIS_BUNDLED:
        return
    given, missing = "DATABASE_URL", "REDIS_URL"
    if settings.IS_BUNDLED:
        given, missing = missing, given
    yield Error(
        f"{given} is set and {missing} is not: the bundled engines come together or not at all.",
        hint=f"Set {missing} too, or unset {given}.",
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


def main() -> int:
    """Says each wrong setting on a line of its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")
    found = check_settings()
    sys.stderr.write("".join(f"luota: {sentence(message)}\n" for message in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
