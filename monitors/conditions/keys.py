"""Keys in CEL: which run a piece of evidence from outside belongs to, read off the piece itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from monitors.conditions.condition_text import ConditionInvalid
from monitors.conditions.expressions import Program, compile_text

LONGEST_KEY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Facing:
    """What a key may be read from: one piece, as its sender sent it."""

    kind: str
    source: str
    subject: str
    run: str
    ids: Mapping[str, str]
    payload: Any


@dataclass(frozen=True, slots=True)
class Key:
    """A compiled key; `compile_key` makes it, once for each text."""

    program: Program

    def of(self, piece: Facing) -> str:
        """The key, or empty when the piece does not say it (or says what is no key)."""
        found = self.program.read(
            {
                "kind": piece.kind,
                "source": piece.source,
                "subject": piece.subject,
                "run": piece.run,
                "ids": dict(piece.ids),
                "payload": piece.payload,
            }
        )
        if isinstance(found, bool) or not isinstance(found, str | int):
            return ""
        return str(found)[:LONGEST_KEY]


@lru_cache(10_000)
def compile_key(text: str) -> Key:
    """Raises ConditionInvalid."""
    program = compile_text(text)
    if program.gives not in {"STRING", "INT", "DYN"}:
        raise ConditionInvalid(
            f"A key is a text or a number; this one gives {program.gives}.", excerpt=text
        )
    return Key(program)
