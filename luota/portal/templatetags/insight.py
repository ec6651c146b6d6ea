"""How pages show what is found out about a spec: holes in words, values, what a piece of evidence is to a step."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from evidence.models import Evidence
from incidents import holes, reasons, wording
from monitors.conditions import why
from monitors.conditions.mutation import Mutant
from monitors.conditions.values import Move, StepStanding, Verdict
from monitors.conditions.why import Part, StepWhy
from monitors.models import Run, RunMove

register = template.Library()

_CODE = re.compile(r"`([^`]*)`")


@register.filter
def sentences(found: Iterable[Mutant]) -> list[tuple[SafeString, int]]:
    """The ends of "Nobody would notice if …", each once with how often; names are set as code."""
    counts = Counter(holes.hole_sentence(hole) for hole in found)
    return [
        (mark_safe(_CODE.sub(r"<code>\1</code>", escape(words))), times)  # noqa: S308 - escaped
        for words, times in counts.items()
    ]


@register.filter
def shown(value: object) -> str:
    return wording.shown(value)


@register.filter
def claim(step: StepWhy) -> str:
    return holes.claim_of(step)


@register.filter
def part(which: Part) -> str:
    return holes.PARTS[which]


@register.filter
def verdict_then(standing: StepStanding, at: datetime) -> str:
    """What was not there yet was no failure before it was due."""
    if standing.is_excused:
        return "dark"
    is_early = standing.due_at is not None and at < standing.due_at
    if standing.verdict is Verdict.NOT_YET and is_early:
        return Verdict.HOLDING.value
    return standing.verdict.value


@register.filter
def known_at(move: RunMove, evidence: Iterable[Evidence]) -> datetime:
    return why.known_at(move.at, evidence)


@register.filter
def reason_of(move: RunMove | Move | Run, claims: Mapping[str, str]) -> str:
    """Why a run moved, with the step in its own words where `claims`, {name of a step: claim}, knows them."""
    values = {} if isinstance(move, Run) else dict(move.values)
    if step := values.get("step"):
        values["step"] = claims.get(step, step)
    return reasons.reason_sentence(move.reason, values) if move.reason else ""
