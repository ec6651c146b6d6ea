"""Pure: what every receiver speaks. verify() refuses or is silent, read() answers with a Delivery.

Each vendor's module has VENDOR, RULES, verify(raw, headers, secrets, *, now) and read(raw, headers); those that
a workspace configures take its settings, a mapping, besides. Header names are lower case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

from evidence.findings import Found

FINDINGS_MOST = 1_000
"""That one delivery may bring."""


class Cause(StrEnum):
    """Why a delivery was refused; listed beside it in the portal."""

    NO_SIGNATURE = "no_signature"
    BAD_SIGNATURE = "bad_signature"
    TOO_OLD = "too_old"
    FROM_FUTURE = "from_future"
    UNREADABLE = "unreadable"
    UNKNOWN_SENDER = "unknown_sender"
    NO_SECRET = "no_secret"  # noqa: S105 - a cause, no secret
    """The receiver's own fault: it has no secret that could be compared with."""
    MISCONFIGURED = "misconfigured"
    """The receiver's own fault: its settings cannot be followed."""
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    """What the sender named (a certificate, an address to confirm at) could not be fetched."""
    REPEATED = "repeated"
    """All that it brings was taken before: nothing is stored, and who tries again is told so."""

    @property
    def answer(self) -> int:
        """The status that the sender is told; where nothing else is said, it is not shown to be who it says."""
        return _ANSWERS.get(self, 401)


_ANSWERS = {
    Cause.REPEATED: 200,
    Cause.UNREADABLE: 400,
    Cause.TOO_LARGE: 413,
    # Ours to mend: senders come again after a 503, and nothing is lost meanwhile.
    Cause.NO_SECRET: 503,
    Cause.MISCONFIGURED: 503,
    Cause.UNREACHABLE: 503,
}


class Refused(Exception):
    """The delivery is not taken; `detail` is a sentence for the people who read the list."""

    def __init__(
        self, cause: Cause, detail: str, *, limit: int | None = None, actual: int | None = None
    ) -> None:
        """`limit` and `actual` of what is too large, in bytes or events."""
        super().__init__(detail)
        self.cause = cause
        self.detail = detail
        self.limit, self.actual = limit, actual


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a vendor's table: what becomes which kind, and which ids it carries.

    `match` is the vendor's word for the event, where `*` stands for anything; the first rule that fits counts.
    """

    match: str
    kind: str
    """With a `*`, the kind is the vendor's word itself, normalised."""
    ids: str = ""
    note: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The ids by name."""
        return _names_in(self.ids)


@lru_cache(maxsize=256)
def _names_in(ids: str) -> frozenset[str]:
    """Each rule's once: they are asked for at every delivery."""
    return frozenset(name.strip() for name in ids.split(",") if name.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One verified request, read."""

    id: str
    found: tuple[Found, ...]
    answer: bytes | None = None
    """What the sender expects as body, if special."""
    answer_type: str = ""
    """The media type of the answer, if special."""
    confirm_url: str = ""
    """Where the sender waits for a confirmation; checked here, fetched (if at all) elsewhere."""


OTHER = "other"
"""The rule of what no line of the table names."""


def find_rule(rules: Sequence[Rule], word: str) -> Rule | None:
    return next((rule for rule in rules if fnmatchcase(word, rule.match)), None)
