"""The blueprints that come with Luota: files under blueprints/, one promise each, with what to send."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from luota.portal.blueprints.fields import Blueprint
from luota.portal.blueprints.files import read_file

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Whether a schedule still fires is asked when a monitor is made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """One file: its name without `.yaml`, the monitor, and its opening comment."""

    slug: str
    blueprint: Blueprint
    headline: str
    advice: str
    """Which evidence to send, from where."""


@cache
def shipped() -> dict[str, Shipped]:
    """{slug: blueprint}, read once: files do not change while a process runs."""
    paths = sorted((settings.BASE_DIR / "blueprints").glob("*.yaml"))
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> Shipped:
    raw = path.read_bytes()
    (entry,) = read_file(raw, source=path.name, now=_LONG_AGO)
    headline, advice = _comment(raw.decode())
    return Shipped(slug=path.stem, blueprint=entry.blueprint, headline=headline, advice=advice)


def _comment(text: str) -> tuple[str, str]:
    """The first paragraph of the opening comment, and the others as they are set."""
    lines = []
    for line in text.splitlines()[1:]:  # the first one is for editors: where the schema lies
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    headline, _, advice = "\n".join(lines).strip("\n").partition("\n\n")
    return headline, advice
