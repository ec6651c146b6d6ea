"""What every way of looking is given and gives back. A probe that cannot look is broken; it proves nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from luota.lib.outbound import storable

PAYLOAD_BYTES = 32 * 1024
"""What one look may bring home, as JSON; the same as a signal may carry."""
LOOK_SECONDS = 10.0
LONGEST_SECONDS = 30.0
"""Finding the name, connecting and looking together, at the very worst."""


class Way(StrEnum):
    """How a probe looks."""

    HTTP = "http"
    SQL = "sql"
    OBJECT = "object"


class Obstacle(StrEnum):
    """What kept a probe from looking: one word for people and programs, beside the sentence."""

    NAME = "dns"
    REFUSED = "refused"
    """An address, port or folder that the guard does not let a probe into."""
    UNREACHED = "unreached"
    TLS = "tls"
    TIMEOUT = "timeout"
    AUTH = "auth"
    """Who asks is not let in: the secret is wrong, or may not see this."""
    STATUS = "status"
    """An HTTP status that tells of the server, not of the thing."""
    SQL = "sql"
    PLACE = "place"
    """The bucket, container or folder is not there: not the same as an object that is not."""
    ANSWER = "answer"
    """What came is too much, cut short, or not what the target says it is."""
    SETUP = "setup"
    """The secret, the target or this installation is not as the look needs it."""
    OTHER = "other"


class CannotLook(Exception):
    """The look did not happen, or what it saw cannot be trusted; the sentence is for the monitor's owner."""

    def __init__(self, sentence: str, obstacle: Obstacle = Obstacle.ANSWER) -> None:
        """The words may be those of a stranger's server."""
        super().__init__(storable(sentence))
        self.obstacle = obstacle


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """What the operator of this installation opens to probes, beside the public internet."""

    networks: tuple[str, ...] = ()
    """Private networks (CIDR)."""
    socket_folders: tuple[str, ...] = ()
    """Folders of unix sockets of PostgreSQL servers."""
    file_roots: tuple[str, ...] = ()
    """Folders that file:// may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look: where, with which secret, for which run."""

    target: Mapping[str, Any]
    permits: Permits
    now: datetime
    secret: str | None = field(default="", repr=False)
    """In clear; None when it cannot be read."""
    run_key: str | None = None
    """What `{run.key}` stands for; None when the look is about no run."""
    run_occurrence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was there. Absence that was looked at is seen, too: `exists: false`, `status: 404`, no rows."""

    payload: Any
    """JSON."""
    summary: str
    """One line for people."""
    fresh_as_of: datetime | None = None
    """How recent the content is."""
    ids: Mapping[str, str] = field(default_factory=dict)
    occurred_at: datetime | None = None
    """None: when it was looked at."""
