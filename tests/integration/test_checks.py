"""Each system check finds its fault, names the variable and the cure, and is silent otherwise."""

import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from luota.checks import check_settings, refuse_wrong_settings
from luota.environment import Environment, WrongSetting
from luota.server_checks import check_servers

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("luota.E001", {"SECRET_KEY": ""}, "SECRET_KEY"),
    ("luota.E002", {"SECRETS_KEYS": []}, "SECRETS_KEYS"),
    ("luota.E003", {"SECRETS_KEYS": ["too short"]}, "SECRETS_KEYS"),
    ("luota.E004", {"DATABASE_URL": "mysql://u@h/db"}, "DATABASE_URL"),
    ("luota.E004", {"DATABASE_URL": "garbage"}, "DATABASE_URL"),
    ("luota.E004", {"DATABASE_URL": "postgres://u@h:port/db"}, "DATABASE_URL"),
    ("luota.E004", {"DATABASE_URL": "postgres://u@[h/db"}, "DATABASE_URL"),
    ("luota.E004", {"DATABASE_URL": "postgres://u@h"}, "DATABASE_URL"),
    ("luota.E005", {"REDIS_URL": "amqp://h"}, "REDIS_URL"),
    ("luota.E005", {"REDIS_URL": "garbage"}, "REDIS_URL"),
    ("luota.E005", {"REDIS_URL": "redis://x:notaport/0"}, "REDIS_URL"),
    ("luota.E005", {"REDIS_URL": "redis://h/name"}, "REDIS_URL"),
    ("luota.E005", {"REDIS_URL": "redis://[h/0"}, "REDIS_URL"),
    ("luota.E006", {"IS_BUNDLED": False, "IS_REDIS_BUNDLED": True}, "REDIS_URL"),
    ("luota.E006", {"IS_BUNDLED": True, "IS_REDIS_BUNDLED": False}, "DATABASE_URL"),
    ("luota.E007", {"TIME_ZONE": "Europe/Helsinki"}, "TIME_ZONE"),
    ("luota.E008", {"BASE_URL": "luota.example.org"}, "BASE_URL"),
    ("luota.E009", {"BASE_URL": "https://elsewhere.example.org"}, "ALLOWED_HOSTS"),
    ("luota.E010", {"OUTBOUND_ALLOWED_NETWORKS": ["10.0.0.1/8"]}, "OUTBOUND_ALLOWED_NETWORKS"),
    ("luota.E011", {"IDEMPOTENCY_RETENTION": timedelta(days=6)}, "IDEMPOTENCY_DAYS"),
    ("luota.E012", {"RETENTION": timedelta(days=6)}, "RETENTION_DAYS"),
    ("luota.E013", {"PORT": 65536}, "PORT"),
    ("luota.E013", {"WEB_WORKERS": 0}, "WEB_WORKERS"),
    ("luota.E014", {"SECRET_KEY": "abc", "IS_SECRET_KEY_GIVEN": True}, "SECRET_KEY"),
]


def ids(messages: Iterable[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


def test_the_settings_as_they_come_are_right() -> None:
    assert check_settings() == []


@pytest.mark.parametrize(("expected", "changes", "variable"), WRONG)
def test_a_wrong_setting_is_found_with_its_variable_and_a_cure(
    settings: Any, expected: str, changes: dict[str, Any], variable: str
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    found = check_settings()
    assert ids(found) == [expected]
    assert variable in f"{found[0].msg} {found[0].hint}"
    assert found[0].hint


def test_a_password_with_an_unescaped_sign_is_not_quoted(settings: Any) -> None:
    settings.DATABASE_URL = "postgres://u:first/second@h/db"
    (found,) = check_settings()
    assert "%2F" in found.msg
    assert not {word for word in ("first", "second") if word in found.msg}


def test_a_process_with_wrong_settings_ends_with_its_sentences(settings: Any) -> None:
    settings.PORT = 0
    settings.SECRETS_KEYS = []
    with pytest.raises(WrongSetting) as ended:
        refuse_wrong_settings()
    lines = str(ended.value).splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["(luota.E002)", "(luota.E013)"]
    assert all(line.startswith("luota: ") for line in lines)


@pytest.mark.parametrize(
    ("variable", "text", "read"),
    [
        ("PORT", "abc", lambda env: env.int("PORT", default=1)),
        ("DEBUG", "maybe", lambda env: env.bool("DEBUG", default=False)),
        (
            "LOG_LEVEL",
            "loud",
            lambda env: env.choice("LOG_LEVEL", choices=("INFO",), default="INFO"),
        ),
        ("EMAIL_URL", "ftp://h", lambda env: env.mail("EMAIL_URL", default="consolemail://")),
    ],
)
def test_a_value_that_cannot_be_read_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, read: Any
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(WrongSetting, match=f"^luota: {variable} .* (must be|write) "):
        read(Environment())


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("DEBUG", " ")
    assert Environment().int("PORT", default=8000) == 8000
    assert Environment().bool("DEBUG", default=False) is False


def test_a_misspelt_number_is_one_sentence_on_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=django_settings.BASE_DIR, env={**os.environ, "PORT": "abc"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        "luota: PORT is 'abc' and must be a whole number.\n",
    )


@pytest.mark.django_db
def test_servers_as_they_come_are_right() -> None:
    assert check_servers(databases=["default"]) == []


def test_servers_are_not_asked_without_permission(settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere"
    assert check_servers(databases=None) == []


def test_servers_with_a_wrong_address_are_not_asked(settings: Any) -> None:
    settings.REDIS_URL = "garbage"
    assert check_servers(databases=["default"]) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"DATABASE_URL": "garbage"}, "DATABASE_URL names no database"),
        ({"REDIS_URL": "garbage"}, "REDIS_URL is of the kind 'unknown'"),
        ({"REDIS_URL": "redis://x:notaport/0"}, "REDIS_URL cannot be read"),
    ],
)
def test_an_address_that_cannot_be_read_is_a_sentence_to_every_command(
    changes: dict[str, str], sentence: str
) -> None:
    keys = {"SECRET_KEY": "x" * 50, "SECRETS_KEYS": Fernet.generate_key().decode()}
    given = {"DATABASE_URL": "postgres://u@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--database", "default"],
        cwd=django_settings.BASE_DIR, env={**os.environ, **given, **keys, **changes},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "identified 1 issue" in done.stderr
    assert not {word for word in ("Traceback", "UserWarning") if word in done.stderr}


@pytest.mark.django_db
def test_more_connections_than_the_server_has_are_counted_out(settings: Any) -> None:
    settings.WEB_WORKERS = 40
    (found,) = check_servers(databases=["default"])
    assert found.id == "luota.E022"
    assert found.msg.startswith("370 database connections may be needed and max_connections")


@pytest.mark.django_db
def test_a_missing_migration_is_found() -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("monitors", "0001_initial")
    (found,) = check_servers(databases=["default"])
    assert (found.id, "monitors.0001_initial" in found.msg) == ("luota.W023", True)


@pytest.mark.django_db
def test_a_database_of_a_newer_version_is_refused() -> None:
    MigrationRecorder(connection).record_applied("monitors", "9999_from_the_future")
    assert ids(check_servers(databases=["default"])) == ["luota.E024"]


@pytest.mark.django_db
def test_a_redis_that_does_not_answer_is_found(settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    assert ids(check_servers(databases=["default"])) == ["luota.E025"]


@pytest.mark.django_db
def test_a_database_that_does_not_exist_is_said_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "nowhere")
    (found,) = check_servers(databases=["default"])
    assert found.id == "luota.E020"
    assert 'database "nowhere" does not exist' in found.msg
