"""Each system check finds its fault, names the variable and the cure, and is silent otherwise."""

import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
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
    ("luota.E005", {"REDIS_URL": "amqp://h"}, "REDIS_URL"),
    ("luota.E006", {"IS_BUNDLED": False, "IS_REDIS_BUNDLED": True}, "REDIS_URL"),
    ("luota.E007", {"TIME_ZONE": "Europe/Helsinki"}, "TIME_ZONE"),
    ("luota.E008", {"BASE_URL": "luota.example.org"}, "BASE_URL"),
    ("luota.E009", {"BASE_URL": "https://elsewhere.example.org"}, "ALLOWED_HOSTS"),
    ("luota.E010", {"OUTBOUND_ALLOWED_NETWORKS": ["10.0.0.1/8"]}, "OUTBOUND_ALLOWED_NETWORKS"),
    ("luota.E011", {"IDEMPOTENCY_RETENTION": timedelta(days=6)}, "IDEMPOTENCY_DAYS"),
    ("luota.E012", {"RETENTION": timedelta(days=6)}, "RETENTION_DAYS"),
    ("luota.E013", {"PORT": 65536}, "PORT"),
    ("luota.E013", {"WEB_WORKERS": 0}, "WEB_WORKERS"),
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
        ("DATABASE_URL", "-", lambda env: env.database("postgres://u@h:port/db")),
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
