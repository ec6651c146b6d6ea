"""What is found out about a spec, in words: holes of a promise, steps without a name. Nothing is loaded."""

from incidents.payloads import IMPLICIT_CLAIMS
from incidents.wording import shown
from monitors.conditions.mutation import Change, Mutant
from monitors.conditions.why import Part, StepWhy

PARTS = {
    Part.SHOWN: "the step is judged by it",
    Part.READ: "read",
    Part.TOO_WEAK: "too weak to vouch",
    Part.MAY_NOT_VOUCH: "its source may not vouch",
    Part.NOT_GREEN: "proves nothing",
}
"""What a piece of evidence is to a step."""


def hole_sentence(hole: Mutant) -> str:
    """The end of "Nobody would notice if …": "`payload.rows` of `upload` were 0, not 42"."""
    what = f"`{hole.path}` of `{hole.kind}`"
    match hole.change:
        case Change.DROPPED:
            return f"{_which(hole)} never came"
        case Change.NONE_CAME:
            return f"none of {hole.among} `{hole.kind}` ever came"
        case Change.DELAYED:
            return f"{_which(hole)} came after every deadline"
        case Change.MEMBER_LOST:
            return f"no `{hole.kind}` of {hole.member or 'a member without a name'} ever came"
        case Change.GONE:
            return f"{what} were not there"
        case _:
            return f"{what} were {shown(hole.new)}, not {shown(hole.old)}"


def _which(hole: Mutant) -> str:
    return f"one of {hole.among} `{hole.kind}`" if hole.among > 1 else f"`{hole.kind}`"


def claim_of(step: StepWhy) -> str:
    """What the step claims, also one that the spec does not name."""
    name = step.standing.step
    return step.rule.claim if step.rule else IMPLICIT_CLAIMS.get(name, name)
