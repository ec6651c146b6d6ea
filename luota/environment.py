"""Reads the environment for settings; a value that cannot be read ends the process with one sentence."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"true", "on", "yes", "y", "1"})
FALSE = frozenset({"false", "off", "no", "n", "0", ""})
POSTGRES_SCHEMES = ("postgres", "postgresql", "psql", "pgsql")
EXPECTED = {int: "a whole number", bool: "true or false", float: "a number"}


class WrongSetting(SystemExit):
    """A variable of the environment is unusable; the message names it and the cure."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"luota: {sentence}")


class Environment(environ.Env):  # type: ignore[misc]  # django-environ is not typed strictly
    """django-environ that says which variable is wrong, and takes no misspelt truth for false."""

    def get_value(
        self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **rest: Any
    ) -> Any:
        text = self.ENVIRON.get(var, "").strip()
        if cast is bool and text.lower() not in TRUE | FALSE:
            raise WrongSetting(f"{var} is {text!r} and must be {EXPECTED[bool]}.")
        if not text and cast in {int, float, bool, str, list}:
            return default  # PORT= in a file means the default, not an empty number
        try:
            return super().get_value(var, cast, default, **rest)
        except (ValueError, TypeError) as error:
            wanted = EXPECTED.get(cast, "readable")
            raise WrongSetting(f"{var} is {text!r} and must be {wanted}.") from error

    def choice(self, var: str, *, choices: Collection[str], default: str) -> str:
        """One of a few words."""
        value: str = self.str(var, default=default)
        if value not in choices:
            raise WrongSetting(f"{var} is {value!r} and must be one of {', '.join(choices)}.")
        return value

    def database(self, address: str) -> dict[str, Any]:
        """Django's dictionary for an address; one that cannot be read names no database, and luota.E004 says so."""
        try:
            # django-environ warns of schemes that it does not know, instead of refusing them.
            is_ours = urlsplit(address).scheme in POSTGRES_SCHEMES
            read = self.db_url_config(address) if is_ours else {}
        except ValueError:
            read = {}
        return {**read, "ENGINE": "django.db.backends.postgresql"}

    def mail(self, var: str, *, default: str) -> dict[str, Any]:
        """Django's EMAIL_ settings for an address."""
        try:
            return dict(self.email_url(var, default=default))
        except (ValueError, ImproperlyConfigured) as error:
            raise WrongSetting(
                f"{var} cannot be read ({error}): write smtp+tls://user:password@host:587."
            ) from error
