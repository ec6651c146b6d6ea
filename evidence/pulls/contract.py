"""What every way of pulling a list is given, and how much it may bring: all of it or nothing.

The ways are those of probes (evidence.probes), with larger measures; their fault is the same CannotLook.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from tempfile import SpooledTemporaryFile
from typing import Any

from evidence.probes.contract import CannotLook, Look
from evidence.redaction import looks_secret

MOST_KEYS = 1_000_000
MOST_BYTES = 64 * 1024 * 1024
"""Of all that one pull reads."""
PULL_SECONDS = 240.0
LONGEST_KEY = 200
PLACEHOLDER = re.compile(r"\{list\.(from|until|at)\}")
_IN_MEMORY = 4 * 1024 * 1024


class PullWay(StrEnum):
    """How a list is pulled."""

    HTTP = "http"
    SQL = "sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One pull: where, with which secret, for which window."""

    look: Look
    at: datetime
    """The instant whose list it is."""
    opens_from: datetime | None
    opens_until: datetime

    def word(self, name: str) -> str:
        """What a placeholder stands for: an instant in UTC. CannotLook."""
        moments = {"from": self.opens_from, "until": self.opens_until, "at": self.at}
        moment = moments[name]
        if moment is None:
            raise CannotLook(f"The target names {{list.{name}}}, and the list has no period.")
        return moment.isoformat()

    def fill(self, template: str, quote: Callable[[str], str]) -> str:
        """The template with the list's instants in it, each quoted. CannotLook."""
        return PLACEHOLDER.sub(lambda found: quote(self.word(found[1])), template)


class Spool:
    """The keys that were pulled so far, on disk when they are many: one half of a list is never stored."""

    def __init__(self) -> None:
        self.count = 0
        self._file: Any = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by close()

    def add(self, key: object) -> None:
        """CannotLook names the key by its place."""
        if self.count >= MOST_KEYS:
            raise CannotLook(f"The list has more than {MOST_KEYS} keys.")
        self._file.write(self._checked(key).encode() + b"\n")
        self.count += 1

    def keys(self) -> Iterator[str]:
        self._file.seek(0)
        for line in self._file:
            yield line[:-1].decode()

    def close(self) -> None:
        self._file.close()

    def _checked(self, key: object) -> str:
        if isinstance(key, int) and not isinstance(key, bool):
            key = str(key)
        if not isinstance(key, str):
            raise self._refused("is no text and no whole number")
        word = key.strip()
        if not 0 < len(word) <= LONGEST_KEY or not word.isprintable():
            raise self._refused(f"has not 1 to {LONGEST_KEY} printable characters")
        if looks_secret(word):
            raise self._refused("looks like a secret; it would be kept in clear")
        return word

    def _refused(self, what: str) -> CannotLook:
        return CannotLook(f"Key {self.count + 1} {what}.")
