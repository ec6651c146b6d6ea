"""Looks into a PostgreSQL database with one SELECT that can neither write nor last.

Read-only twice over (the session's default and the transaction), sent as one prepared statement, so that
a second one behind a semicolon is refused, and wrapped as a subquery, so that nothing but a query parses.
The real guard is the role that the database's owner made for it (docs/guides/probes.md).
"""

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import psycopg
from psycopg.conninfo import conninfo_to_dict

from evidence.probes.capped import CappedConnection, TooMuch
from evidence.probes.contract import (
    LOOK_SECONDS,
    PAYLOAD_BYTES,
    CannotLook,
    Look,
    Obstacle,
    Seen,
)
from evidence.probes.finding import PLACEHOLDER, ids_at, instant_at, named, path, run_word
from evidence.probes.obstacles import obstacle_of
from luota.lib.api import Problem, parse_json
from luota.lib.guard import AddressRefused, Unreachable, is_allowed, resolve
from monitors.conditions.reading import SpecInvalid, record

MOST_ROWS = 100
MOST_IDS = 20
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 5
LOCK_SECONDS = 1
_PARTS = {"host", "port", "dbname", "user", "sslmode"}
"""Of an address. All else (files to read or write, options, services) is the operator's, not the user's."""
_MODES = {"disable", "require", "verify-ca", "verify-full"}
_SESSION = (
    "-c default_transaction_read_only=on "
    f"-c statement_timeout={{statement_seconds}}s -c lock_timeout={LOCK_SECONDS}s "
    "-c idle_in_transaction_session_timeout=15s -c TimeZone=UTC -c DateStyle=ISO"
)
# The rows become text on the server, so that their size is known before they are sent.
_WRAPPED = """
SELECT count(*), coalesce(sum(octet_length(line)), 0),
    CASE WHEN coalesce(sum(octet_length(line)), 0) <= {bytes} THEN array_agg(line) END
FROM (
    SELECT row_to_json(looked)::text AS line FROM (
{query}
) AS looked LIMIT {limit}
) AS lines
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A database and the one question that it is asked."""

    dsn: Mapping[str, str]
    query: str
    ids: Mapping[str, str]
    fresh: str


def _dsn(value: object, where: str) -> dict[str, str]:
    try:
        parts = {k: str(v) for k, v in conninfo_to_dict(str(value)).items() if v is not None}
    except psycopg.ProgrammingError as error:
        raise SpecInvalid(where, f"This is no address of PostgreSQL: {error}") from error
    if "password" in parts:
        raise SpecInvalid(where, "Keep the password in a secret, not in the address.")
    if unknown := sorted(parts.keys() - _PARTS):
        raise SpecInvalid(where, f"`{unknown[0]}` may not stand in the address of a probe.")
    if not parts.get("host") or not parts.get("user") or not parts.get("dbname"):
        raise SpecInvalid(where, "Give postgresql://user@host:5432/database.")
    if "," in parts["host"] + parts.get("port", "") or "\x00" in "".join(parts.values()):
        raise SpecInvalid(where, "Name one host and one port.")
    if parts.get("sslmode", "require") not in _MODES:
        raise SpecInvalid(where, f"sslmode is one of {', '.join(sorted(_MODES))}.")
    return parts


def _query(value: object, where: str) -> str:
    words = value.strip().rstrip(";").rstrip() if isinstance(value, str) else ""
    if not words or len(words) > 10_000 or "\x00" in words:
        raise SpecInvalid(where, "Give one SELECT of at most 10,000 characters.")
    return words


PLACE = {"dsn": _dsn, "query": _query}
_TARGET = record(
    {**PLACE, "ids": named(path, MOST_IDS), "fresh": path},
    required=("dsn", "query"),
)


def read(target: Mapping[str, Any]) -> Target:
    """The target as it was written by a user. SpecInvalid names the field."""
    words = _TARGET(target, "")
    return Target(
        dsn=words["dsn"],
        query=words["query"],
        ids=words.get("ids", {}),
        fresh=words.get("fresh", ""),
    )


def look(look: Look) -> Seen:
    """One query. CannotLook also when it gives more than a look may bring home: a part proves nothing."""
    target = read(look.target)
    place = place_of(target.dsn, look)
    ends_at = monotonic() + LOOK_SECONDS
    try:
        with closing(CappedConnection.open(place, ends_at=ends_at)) as connection:
            row = _ask(connection, target.query, look)
    except TooMuch as error:
        raise CannotLook(str(error), error.obstacle) from error
    except (psycopg.Error, UnicodeError) as error:
        obstacle = obstacle_of(error, otherwise=Obstacle.UNREACHED)
        raise CannotLook(f"The database says: {first_line(error)}", obstacle) from error
    rows = _rows(*row)
    payload = {"rows": rows, "count": len(rows)}
    return Seen(
        payload=payload,
        summary="1 row" if len(rows) == 1 else f"{len(rows)} rows",
        fresh_as_of=instant_at(payload, target.fresh) if target.fresh and rows else None,
        ids=ids_at(payload, target.ids) if rows else {},
    )


def place_of(
    dsn: Mapping[str, str], look: Look, *, statement_seconds: int = STATEMENT_SECONDS
) -> dict[str, Any]:
    """What libpq is given: the checked address, nothing from files, a mode of TLS that is never a maybe. CannotLook."""
    host = dsn["host"]
    place: dict[str, Any] = {
        **dsn,
        "password": look.secret or None,
        "passfile": f"{os.devnull}/none",  # not that of this machine, and libpq warns of one that is no file
        "sslcertmode": "disable",
        "gssencmode": "disable",
        "connect_timeout": CONNECT_SECONDS,
        "client_encoding": "UTF8",
        "application_name": "Luota probe",
        "options": _SESSION.format(statement_seconds=statement_seconds),
    }
    if host.startswith(("/", "@")):
        return {**place, "host": _socket_folder(host, look), "sslmode": "disable"}
    try:
        address = resolve(host, look.permits.networks)
    except AddressRefused as refusal:
        raise CannotLook(f"The address is refused: {refusal}", Obstacle.REFUSED) from refusal
    except Unreachable as error:
        raise CannotLook(f"{host} is not found: {error}", Obstacle.NAME) from error
    if dsn.get("sslmode") == "disable" and not is_allowed(address, look.permits.networks):
        sentence = "Outside OUTBOUND_ALLOWED_NETWORKS the database is asked by TLS only."
        raise CannotLook(sentence, Obstacle.SETUP)
    place["sslmode"] = dsn.get("sslmode", "require")
    if place["sslmode"].startswith("verify"):
        place["sslrootcert"] = "system"
    return {**place, "hostaddr": address}


def _socket_folder(host: str, look: Look) -> str:
    """The folder of a unix socket, its symlinks resolved. CannotLook."""
    allowed = [Path(folder).resolve() for folder in look.permits.socket_folders]
    folder = Path(host)
    if host.startswith("@") or folder.resolve() not in allowed:
        sentence = "A unix socket is used only in one of PROBE_SOCKET_FOLDERS."
        raise CannotLook(sentence, Obstacle.REFUSED)
    return str(folder.resolve())


def _ask(connection: CappedConnection, query: str, look: Look) -> tuple[int, int, list[str] | None]:
    """The number of rows, their bytes, and they themselves unless they are too many bytes."""
    words = {name: run_word(look, name) for name in PLACEHOLDER.findall(query)}
    asked = PLACEHOLDER.sub(r"%(\1)s", query.replace("%", "%%"))
    wrapped = _WRAPPED.format(query=asked, bytes=PAYLOAD_BYTES, limit=MOST_ROWS + 1)
    connection.read_only = True
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute(wrapped.encode(), words, prepare=True)
        row = cursor.fetchone()
    if row is None:
        raise CannotLook("The database gave no answer.")
    return row[0], int(row[1]), row[2]


def _rows(count: int, size: int, lines: list[str] | None) -> list[Any]:
    if count > MOST_ROWS:
        raise CannotLook(f"The query gives more than {MOST_ROWS} rows: count or limit them in it.")
    if size > PAYLOAD_BYTES:
        raise CannotLook(f"The rows have {size} bytes, more than {PAYLOAD_BYTES}: name columns.")
    try:
        rows = parse_json(b"[" + ",".join(lines or []).encode() + b"]")
    except Problem as problem:
        raise CannotLook(f"The rows cannot be kept. {problem.detail}") from problem
    if not isinstance(rows, list) or len(orjson.dumps(rows)) > 2 * PAYLOAD_BYTES:
        raise CannotLook("The rows cannot be kept.")
    return rows


def first_line(error: Exception) -> str:
    """What the server says, without what it adds."""
    words = " ".join((str(error).strip() or type(error).__name__).splitlines()[:1])
    return words[:300].rstrip(".") + "."
