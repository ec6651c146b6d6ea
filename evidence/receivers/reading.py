"""Pure: how receivers look into bodies whose shape nobody guarantees. Absent and odd parts read as empty."""

import hashlib
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import orjson

from evidence.receivers.contract import Cause, Refused
from monitors.conditions.rules import CLOSE, PING, START

MAX_DEPTH = 32
UNPACKED_MOST = 5 * 1024 * 1024
"""Bytes; what a few kilobytes of zeros unpack to is not for the sender to decide."""
_ID_CHARACTERS = 200
_KIND_CHARACTERS = 64
_NAMES_MOST = 20
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ODD = re.compile(r"[^a-z0-9]+")
_OURS = frozenset({START, CLOSE, PING})
_ID_NAME = re.compile(r"(\w+?)(?:_id|Id)")
_NUL = "\x00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = 2.0**53
"""From here on floats are not what was written; whole numbers of up to 64 bits are read as such."""
_MILLISECONDS = 100_000_000_000
"""Numbers from here on count milliseconds: as seconds they would lie beyond the year 5000."""


def unreadable(detail: str) -> Refused:
    return Refused(Cause.UNREADABLE, detail)


def unpacked(raw: bytes, headers: Mapping[str, str]) -> bytes:
    """The body without its gzip, which exporters of telemetry put on by default."""
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return raw
    if coding != "gzip":
        raise unreadable(f"The content encoding {coding[:40]!r} is not known; send gzip or none.")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(raw, UNPACKED_MOST)
    except zlib.error as error:
        raise unreadable(f"The body is not gzip: {error}.") from None
    if not unpacker.eof:
        raise unreadable(f"The gzip is cut off or unpacks to more than {UNPACKED_MOST} bytes.")
    if unpacker.unused_data:
        raise unreadable("Something follows the end of the gzip.")
    return body


def json_of(raw: bytes | str) -> Any:
    """Strict JSON that the database can keep: at most MAX_DEPTH deep, without NUL characters."""
    try:
        value = orjson.loads(raw)
    except ValueError as error:
        raise unreadable(f"The body is not JSON: {error}.") from None
    if _may_be_unstorable(raw.encode() if isinstance(raw, str) else raw):
        check_storable(value)
    return value


def _may_be_unstorable(raw: bytes) -> bool:
    """Looking at the bytes spares nearly every body the walk: JSON can only write a NUL as its escape."""
    return rb"\u0000" in raw or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH


def object_of(raw: bytes | str) -> dict[str, Any]:
    value = json_of(raw)
    if not isinstance(value, dict):
        raise unreadable("The body must be a JSON object.")
    return value


def check_storable(value: object, depth: int = MAX_DEPTH) -> None:
    """Refuse a JSON value that is nested too deep, or holds characters that the database does not take."""
    if isinstance(value, str) and _NUL in value:
        raise unreadable("NUL characters cannot be stored.")
    if not isinstance(value, dict | list):
        return
    if not depth:
        raise unreadable(f"The JSON is nested deeper than {MAX_DEPTH}.")
    inner = [*value, *value.values()] if isinstance(value, dict) else value
    for item in inner:
        check_storable(item, depth - 1)


def part(value: object, *path: str) -> Any:
    """What lies at the path through nested objects; None when anything on the way is missing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def parts(value: object, *path: str) -> list[dict[str, Any]]:
    """The objects of the list at the path; whatever else is in it is left out."""
    found = part(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text(value: object, *path: str) -> str:
    """The text or number at the path as text; "" for everything else.

    Also for whole numbers that were rounded when they were read: two different ids would read as one.
    """
    found = part(value, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    is_rounded = isinstance(found, float) and abs(found) >= _EXACT
    return "" if is_rounded else str(found)


def ids_of(**values: str) -> dict[str, str]:
    """The ids that are there and short enough to be one."""
    return {name: value for name, value in values.items() if 0 < len(value) <= _ID_CHARACTERS}


def event_id_of(*words: str) -> str:
    """The words as one idempotency key; long ones by their digest, because keys are bounded."""
    joined = ":".join(words)
    if len(joined) <= _ID_CHARACTERS:
        return joined
    return hashlib.sha256(joined.encode()).hexdigest()


def digest_of(value: object) -> str:
    """What stands in for the delivery id that a sender does not give: the same content, the same id."""
    raw = value if isinstance(value, bytes) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(raw).hexdigest()


def kind_of(*words: str) -> str:
    """`<object>.<type>` in [a-z0-9_.]: ("email", "SpamComplaint") is email.spam_complaint.

    "" when nothing is left. The lifecycle's own kinds are not for senders to write: "close" is event.close.
    """
    pieces = _HUMP.sub("_", ".".join(words)).lower().split(".")
    plain = (_ODD.sub("_", piece).strip("_") for piece in pieces)
    kind = ".".join(piece for piece in plain if piece)[:_KIND_CHARACTERS].rstrip("._")
    return f"event.{kind}"[:_KIND_CHARACTERS] if kind in _OURS or kind[:1].isdecimal() else kind


def time_of(value: object) -> datetime | None:
    """An ISO 8601 text with its offset, or (milli)seconds since 1970, in UTC; None when it is neither.

    None also in the first and the last year of the calendar: with an offset they lead out of it, and a row that
    holds such an instant cannot be read again.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        at = _instant(value)
    except (ValueError, OverflowError):
        return None
    return at if 1 < at.year < 9999 else None


def _instant(value: str | float) -> datetime:
    if isinstance(value, str) and not _is_number(value):
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    number = float(value)
    seconds = number / 1000 if abs(number) >= _MILLISECONDS else number
    return _EPOCH + timedelta(seconds=seconds)


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


def named_ids(value: object) -> dict[str, str]:
    """What people file under names of their own (metadata, tags), as ids; no addresses, which are personal."""
    pairs = islice(value.items(), _NAMES_MOST) if isinstance(value, dict) else ()
    words = {kind_of(str(name)).replace(".", "_"): text(item) for name, item in pairs}
    return ids_of(**{name: word for name, word in words.items() if name and "@" not in word})


def run_of(value: object) -> str:
    """The run's key, where people file it: under luota_run or run."""
    key = text(value, "luota_run") or text(value, "run")
    return key if len(key) <= _ID_CHARACTERS else ""


def ids_in(data: object, owner: str) -> dict[str, str]:
    """What a body calls an id: `id` is that of the owner, `customer_id` and `customerId` are the customer's."""
    pairs = data.items() if isinstance(data, dict) else ()
    named = {match[1]: item for name, item in pairs if (match := _ID_NAME.fullmatch(name))}
    return named_ids({owner or "id": part(data, "id")} | named)
