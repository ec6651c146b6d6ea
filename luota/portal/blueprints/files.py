"""Files of monitors as code, read: bytes in, one entry for each document out. No database is asked.

All that is wrong is told at once, each with file, line and field.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from luota.lib.yaml_text import Document, Spot, YamlUnreadable, read_documents
from luota.portal.blueprints.fields import MONITOR, Blueprint
from monitors.conditions.document import SPEC, SpecInvalid, parse_spec, to_document
from monitors.conditions.reading import read_all
from monitors.conditions.rules import Mode
from monitors.conditions.sense import check_fires
from monitors.rules_text import spot_of

MOST_TOLD = 100
"""Refusals in words: who mends these applies the files again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is wrong with a file, and where."""

    source: str
    spot: Spot | None
    """None where the whole file is meant."""
    field: str
    sentence: str

    @property
    def place(self) -> tuple[int, int]:
        """(line, column); a file as a whole comes before its lines."""
        return (self.spot.line, self.spot.column) if self.spot else (0, 0)

    def __str__(self) -> str:
        """`billing.yaml:12:7: spec.within: …`, then the line with a caret."""
        place = f"{self.source}:{self.spot.line}:{self.spot.column}" if self.spot else self.source
        first = ": ".join(filter(None, (place, self.field, self.sentence)))
        excerpt = self.spot.excerpt.splitlines() if self.spot else []
        return "\n".join([first, *(f"    {line}" for line in excerpt)])


class FilesRefused(Exception):
    """At least one refusal; nothing of the files was applied."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = tuple(refusals)
        told = [str(each) for each in self.refusals[:MOST_TOLD]]
        if left := len(self.refusals) - len(told):
            told.append(f"… and {left} more.")
        super().__init__("\n".join(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One document of a file that was understood."""

    source: str
    blueprint: Blueprint
    document: Document

    def refuse(self, field: str, sentence: str) -> Refusal:
        return _refusal(self.source, self.document, SpecInvalid(field, sentence))


@dataclass(slots=True)
class Reading:
    """What files say: the documents that were understood, and all that is wrong with the others."""

    entries: list[Entry] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, raw: bytes, *, source: str, now: datetime) -> None:
        """One more file; `source` is what refusals call it. Of what is no YAML only the first fault can be told."""
        try:
            documents = read_documents(raw)
        except YamlUnreadable as error:
            self.refusals.append(
                Refusal(source=source, spot=error.spot, field=error.field, sentence=error.sentence)
            )
            return
        for document in documents:
            try:
                blueprint = _read(document, now=now)
            except SpecInvalid as error:
                found = (_refusal(source, document, each) for each in error.every)
                self.refusals += sorted(found, key=lambda each: each.place)
            else:
                self.entries.append(Entry(source=source, blueprint=blueprint, document=document))


def read_file(raw: bytes, *, source: str, now: datetime) -> list[Entry]:
    """One file alone. Raises FilesRefused."""
    reading = Reading()
    reading.add(raw, source=source, now=now)
    if reading.refusals:
        raise FilesRefused(reading.refusals)
    return reading.entries


def _read(document: Document, *, now: datetime) -> Blueprint:
    """SpecInvalid with all faults, of the monitor and of its rules."""
    value = document.value
    found, rules = read_all([("", MONITOR, value), ("spec", partial(_read_rules, now=now), value)])
    return Blueprint(**{**found, "spec": rules})


def _read_rules(value: object, path: str, *, now: datetime) -> Mapping[str, Any]:
    """Of a whole document, in their shortest form. Without a mode only their shape can be told."""
    given = value if isinstance(value, Mapping) else {}
    mode, rules = given.get("mode"), given.get("spec")
    written = {} if rules is None else rules
    try:
        if mode not in list(Mode):
            return dict(SPEC(written, ""))
        spec = parse_spec(Mode(mode), written)
        check_fires(spec, now=now)
    except SpecInvalid as error:
        raise error.below(path) from error
    return to_document(spec)


def _refusal(source: str, document: Document, error: SpecInvalid) -> Refusal:
    spot = spot_of(document, error.field, error)
    return Refusal(source=source, spot=spot, field=error.field, sentence=error.sentence)
