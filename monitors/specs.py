"""Parsed specs by their id: versions are immutable, so each is parsed once in a process."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from uuid import UUID

from monitors.conditions.document import parse_spec
from monitors.conditions.rules import Mode, Spec

_MOST = 20_000
_parsed: dict[UUID, Spec | Exception] = {}


def read_specs(cursor: Any, spec_ids: Iterable[UUID]) -> dict[UUID, Spec | Exception]:
    """{spec id: rules}, or the error that made them unreadable: its monitor is the poisoned one.

    `cursor` is a psycopg cursor or Django's.
    """
    wanted = set(spec_ids)
    missing = wanted - _parsed.keys()
    if missing:
        if len(_parsed) + len(missing) > _MOST:
            _parsed.clear()
            missing = wanted
        for pk, mode, document in _load(cursor, missing):
            _parsed[pk] = _parse(mode, document)
    return {pk: _parsed[pk] for pk in wanted if pk in _parsed}


def _load(cursor: Any, spec_ids: set[UUID]) -> list[tuple[UUID, str, str]]:
    """(id, mode, document as text): jsonb has one text for one value, in which equal rules are found again."""
    cursor.execute(
        "SELECT s.id, m.mode, s.document::text FROM monitors_spec s"
        " JOIN monitors_monitor m ON m.id = s.monitor_id WHERE s.id = ANY(%s)",
        [list(spec_ids)],
    )
    return [(pk, mode, document) for pk, mode, document in cursor.fetchall()]


@lru_cache(_MOST)
def _parse(mode: str, document: str) -> Spec | Exception:
    """Monitors made from one blueprint share their rules: a thousand of them due at once are parsed once."""
    try:
        return parse_spec(Mode(mode), json.loads(document))
    except Exception as error:
        return error
