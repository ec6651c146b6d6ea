"""Files of monitors as code, read: bytes in, one entry for each document out. No database is asked.

All that is wrong is told at once, each with file, line and field.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from luota.lib.yaml_text import Document, Spot, YamlUnreadable, read_documents
from luota.portal.blueprints.fields import MONITOR, Blueprint
from monitors.conditions.document import SpecInvalid, parse_spec, to_document
from monitors.conditions.sense import check_fires
from monitors.rules_text import spot_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is wrong with a file, and where."""

    source: str
    spot: Spot | None
    """None where the whole file is meant."""
    field: str
    sentence: str

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
        super().__init__("\n".join(map(str, self.refusals)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One document of a file that was understood."""

    source: str
    blueprint: Blueprint
    document: Document

    def refuse(self, field: str, sentence: str) -> Refusal:
        return _refusal(self.source, self.document, SpecInvalid(field, sentence))


def read_file(raw: bytes, *, source: str, now: datetime) -> list[Entry]:
    """`source` is what the file is called in refusals. Raises FilesRefused."""
    try:
        documents = read_documents(raw)
    except YamlUnreadable as error:
        refusal = Refusal(
            source=source, spot=error.spot, field=error.field, sentence=error.sentence
        )
        raise FilesRefused([refusal]) from error
    entries: list[Entry] = []
    refusals: list[Refusal] = []
    for document in documents:
        try:
            blueprint = _read(document, now=now)
        except SpecInvalid as error:
            refusals.append(_refusal(source, document, error))
        else:
            entries.append(Entry(source=source, blueprint=blueprint, document=document))
    if refusals:
        raise FilesRefused(refusals)
    return entries


def _read(document: Document, *, now: datetime) -> Blueprint:
    found = Blueprint(**MONITOR(document.value, ""))
    try:
        spec = parse_spec(found.mode, found.spec)
        check_fires(spec, now=now)
    except SpecInvalid as error:
        field = ".".join(filter(None, ("spec", error.field)))
        raise SpecInvalid(field, error.sentence, place=error.place) from error
    return replace(found, spec=to_document(spec))


def _refusal(source: str, document: Document, error: SpecInvalid) -> Refusal:
    spot = spot_of(document, error.field, error)
    return Refusal(source=source, spot=spot, field=error.field, sentence=error.sentence)
