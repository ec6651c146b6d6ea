"""Parsed specs by their id: versions are immutable, so each is parsed once in a process."""

import json
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from monitors.conditions.document import parse_spec
from monitors.conditions.values import Mode, Spec
from monitors.models import Spec as SpecRow

_MOST = 20_000
_parsed: dict[UUID, Spec | Exception] = {}


def parsed_specs(spec_ids: Iterable[UUID]) -> dict[UUID, Spec | Exception]:
    """{spec id: rules}, or the error that made them unreadable: its monitor is the poisoned one."""
    wanted = set(spec_ids)
    missing = wanted - _parsed.keys()
    if missing:
        if len(_parsed) + len(missing) > _MOST:
            _parsed.clear()
            missing = wanted
        rows = SpecRow.objects.filter(pk__in=missing).values_list("pk", "monitor__mode", "document")
        for pk, mode, document in rows:
            _parsed[pk] = _parse(mode, json.dumps(document, sort_keys=True))
    return {pk: _parsed[pk] for pk in wanted if pk in _parsed}


@lru_cache(_MOST)
def _parse(mode: str, document: str) -> Spec | Exception:
    """Monitors made from one blueprint share their rules: a thousand of them due at once are parsed once."""
    try:
        return parse_spec(Mode(mode), json.loads(document))
    except Exception as error:
        return error
