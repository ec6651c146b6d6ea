"""Looks at a stored object or file: is it there, how big, how new, how does it begin; the newest of many.

s3://, gs:// and az:// need the extra package of their name; file:// reads under PROBE_FILE_ROOTS only.
"""

import fnmatch
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from evidence.probes.contract import CannotLook, Look, Obstacle, Seen
from evidence.probes.finding import fill
from evidence.probes.measured import TooMuchSent
from evidence.probes.obstacles import obstacle_of, told_by
from evidence.probes.reach import Reach
from evidence.probes.storage import OPENERS
from luota.lib.outbound import storable
from monitors.conditions.reading import SpecInvalid, record

HEAD_BYTES = 64
MOST_HEAD = 4096
MOST_LISTED = 10_000
_WILD = re.compile(r"[*?\[]")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")
"""The names by which the stores call it; of the last one the first writing is meant."""
_TAGS = ("ETag", "etag", "md5Hash", "content_md5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An object, or with * ? [ ] in its last part, or a slash at the end, the newest of many."""

    url: str
    head: int
    """Bytes of the beginning that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    path: str
    size: int
    modified_at: datetime | None
    etag: str


def _url(value: object, where: str) -> str:
    url = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in OPENERS or not url.isprintable() or len(url) > 1000:
        raise SpecInvalid(where, f"Give an address that begins with one of {_schemes()}.")
    if "@" in parts.netloc:
        raise SpecInvalid(where, "Keep credentials in a secret, not in the address.")
    if _WILD.search(url.rpartition("/")[0]):
        raise SpecInvalid(where, "* ? [ ] may stand in the last part of the path only.")
    if parts.scheme != "file" and not (parts.netloc and parts.path.startswith("/")):
        raise SpecInvalid(where, "Name the bucket and a path in it.")
    if ".." in url.split("/") or "::" in url:
        raise SpecInvalid(where, "The path may not climb, and addresses are not chained.")
    return url


def _head(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_HEAD:
        raise SpecInvalid(where, f"Give a number of bytes from 0 to {MOST_HEAD}.")
    return value


_TARGET = record({"url": _url, "head": _head}, required=("url",))


def read(target: Mapping[str, Any]) -> Target:
    """The target as it was written by a user. SpecInvalid names the field."""
    words = _TARGET(target, "")
    return Target(url=words["url"], head=words.get("head", HEAD_BYTES))


def look(look: Look) -> Seen:
    """One listing or one glance, and the first bytes. CannotLook."""
    target = read(look.target)
    url = fill(target.url, look, _quoted)
    scheme, _, place = url.partition("://")
    try:
        with closing(Reach(scheme, OPENERS[scheme](look.secret or "", look.permits))) as reach:
            found = list(_matching(reach, place, look))
            newest = max(found, key=_age, default=None)
            return _seen(newest, len(found), _beginning(reach, newest, target.head, look))
    except CannotLook:
        raise
    except Exception as error:  # each store's library has errors of its own
        if too_much := told_by(error, TooMuchSent):
            raise CannotLook(str(too_much)) from error
        obstacle = obstacle_of(error, otherwise=Obstacle.OTHER)
        raise CannotLook(f"The store says: {_first_line(error)}", obstacle) from error


def _matching(reach: Reach, place: str, look: Look) -> Iterator[_Object]:
    """All objects that are meant, none of them in a deeper folder."""
    folder, _, name = place.rpartition("/")
    is_many = not name or _WILD.search(name)
    _refuse_outside(reach, folder if is_many else place, look)
    listed = reach.listed(folder, most=MOST_LISTED + 1) if is_many else reach.info(place)
    if len(listed) > MOST_LISTED:
        raise CannotLook(f"More than {MOST_LISTED} objects lie there: name a narrower place.")
    for entry in listed:
        path = str(entry["name"])
        if path.endswith("/"):  # some consoles mark a folder by an empty object
            continue
        fits = not is_many or fnmatch.fnmatchcase(path.rpartition("/")[2], name or "*")
        if fits and entry.get("type") == "file" and _is_inside(reach, path, look):
            yield _object(entry)


def _refuse_outside(reach: Reach, path: str, look: Look) -> None:
    if not _is_inside(reach, path, look):
        sentence = "Files are read under PROBE_FILE_ROOTS only, symlinks resolved."
        raise CannotLook(sentence, Obstacle.REFUSED)


def _is_inside(reach: Reach, path: str, look: Look) -> bool:
    """Of a file: does it really lie under a root, wherever its symlinks lead?"""
    if reach.scheme != "file":
        return True
    real = Path(path).resolve()
    roots = [Path(root).resolve() for root in look.permits.file_roots]
    return any(real.is_relative_to(root) for root in roots)


def _object(entry: Mapping[str, Any]) -> _Object:
    time = next((entry[name] for name in _TIMES if entry.get(name) is not None), None)
    tag = next((entry[name] for name in _TAGS if entry.get(name)), "")
    return _Object(
        path=str(entry["name"]),
        size=int(entry.get("size") or 0),
        modified_at=_instant(time),
        etag=storable(str(tag).strip('"')[:200]),
    )


def _instant(time: Any) -> datetime | None:
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if isinstance(time, int | float):
        return datetime.fromtimestamp(time, UTC)
    if not isinstance(time, datetime):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _age(found: _Object) -> tuple[float, str]:
    return (found.modified_at.timestamp() if found.modified_at else 0.0, found.path)


def _beginning(reach: Reach, found: _Object | None, length: int, look: Look) -> bytes:
    if found is None or not length or not found.size:
        return b""
    _refuse_outside(reach, found.path, look)  # again: it may have been replaced since it was listed
    return reach.beginning(found.path, min(length, found.size))


def _seen(found: _Object | None, count: int, head: bytes) -> Seen:
    if found is None:
        return Seen(payload={"exists": False, "count": 0}, summary="nothing is there")
    path = storable(found.path)
    payload = {
        "exists": True,
        "count": count,
        "name": path.rpartition("/")[2],
        "path": path,
        "size": found.size,
        "modified_at": found.modified_at.isoformat() if found.modified_at else None,
        "etag": found.etag,
        "head": {"hex": head.hex(), "text": _text(head)},
    }
    return Seen(
        payload=payload,
        summary=f"{payload['name']}: {found.size} bytes",
        fresh_as_of=found.modified_at,
        ids={"object": path[:200]},
    )


def _text(head: bytes) -> str:
    """As people read it: what is no text is a replacement character."""
    return storable(head.decode("utf-8", "replace"))


def _quoted(word: str) -> str:
    is_path = "/" in word or "\\" in word or word in {".", ".."} or "::" in word
    if is_path or _WILD.search(word) or not word.isprintable():
        raise CannotLook("A run of this name cannot be named in a path.", Obstacle.SETUP)
    return word


def _schemes() -> str:
    return ", ".join(f"{scheme}://" for scheme in OPENERS)


def _first_line(error: Exception) -> str:
    words = " ".join((str(error).strip() or type(error).__name__).splitlines()[:1])
    return words[:300].rstrip(".") + "."
