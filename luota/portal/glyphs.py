"""The marks of states and verdicts: one shape each, so that colour is never the only sign."""

_CHECK = '<path class="on" d="m5 8.2 2.1 2.1L11 6"/>'
_CROSS = '<path class="on" d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/>'
_FULL = '<circle class="fill" cx="8" cy="8" r="7"/>'
_RING = '<circle class="ring" cx="8" cy="8" r="6.25"/>'
_SQUARE = '<rect class="fill" x="1.5" y="1.5" width="13" height="13" rx="3"/>'

GLYPHS: dict[str, str] = {
    "proven": _FULL + _CHECK,
    "failed": _SQUARE + _CROSS,
    "overdue": _SQUARE + '<path class="on" d="M8 4.6V8l2.2 1.6"/>',
    "contradicted": _SQUARE + '<path class="on" d="M4.8 6.4h6.4M4.8 9.6h6.4M6.4 11.6l3.2-7.2"/>',
    "at_risk": '<path class="fill" d="M8 1.2 15.2 14H.8Z"/><path class="on" d="M8 6v3.4m0 2v.1"/>',
    "open": _RING + '<path class="fill" d="M8 4a4 4 0 0 1 0 8Z"/>',
    "expected": '<circle class="ring dashed" cx="8" cy="8" r="6.25"/>',
    "unknown": '<circle class="ring dashed" cx="8" cy="8" r="6.25"/>'
    '<path class="line" d="M6.2 6.4a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.8.6-.8 1.2m0 1.7v.1"/>',
    "waived": _RING + '<path class="line" d="m4 12 8-8"/>',
    "superseded": _RING + '<path class="line" d="M5 8h6m-2.4-2.4L11 8l-2.4 2.4"/>',
    "comfort": _RING + '<path class="line" d="m5.2 8.2 2 2 3.6-4"/>',
    "paused": _RING + '<path class="line" d="M6.4 5.6v4.8m3.2-4.8v4.8"/>',
    "waiting": '<circle class="ring dashed" cx="8" cy="8" r="6.25"/>'
    '<circle class="fill" cx="8" cy="8" r="2"/>',
    "dark": '<circle class="ring" cx="8" cy="8" r="6.25"/><path class="line" d="M5.4 8h5.2"/>',
    "acknowledged": _RING + '<circle class="fill" cx="8" cy="6.4" r="1.9"/>'
    '<path class="fill" d="M4.6 11.6a3.5 3.5 0 0 1 6.8 0Z"/>',
    "note": _RING + '<path class="line" d="M5.4 6.6h5.2M5.4 9.4h3.4"/>',
}
GLYPHS |= {
    "met": GLYPHS["proven"],
    "violated": GLYPHS["failed"],
    "broken": '<path class="fill" d="M8 .6 15.4 8 8 15.4.6 8Z"/><path class="on" d="M8 4.6v3.8m0 2.1v.1"/>',
    "not_yet": GLYPHS["overdue"],
    "holding": GLYPHS["open"],
    "blind": GLYPHS["unknown"],
    "resolved": GLYPHS["proven"],
    "opened": GLYPHS["failed"],
    "reopened": GLYPHS["failed"],
    "noted": GLYPHS["note"],
    "joined": GLYPHS["at_risk"],
    "kept": GLYPHS["proven"],
    "beat": GLYPHS["proven"],
}

WORDS: dict[str, str] = {
    "at_risk": "at risk",
    "not_yet": "not proven",
    "holding": "not due yet",
    "blind": "Luota was blind",
    "comfort": "looked healthy",
    "dark": "not seen",
    "waiting": "waiting for the first signal",
    "noted": "said",
    "joined": "run joined",
}

UNKNOWN_WORDS: dict[str, str] = {
    "condition_broken": "unknown, the rules are at fault",
    "probe_was_blind": "unknown, a probe could not look",
    "we_were_blind": "unknown, Luota was blind",
}
"""Of a run that nobody can judge, by the reason of its state; `unknown_because` says more."""

_UNKNOWN_BECAUSE = {
    "condition_broken": "the rules are at fault: it cannot be judged",
    "probe_was_blind": "the probe that tells of it could not look at the deadline",
    "we_were_blind": "Luota was blind at the deadline",
}
CLOSINGS: dict[str, str] = {
    "by_person": "a person closed it",
    "evidence_arrived": "evidence arrived",
    "can_be_judged": "the check can be judged again",
    "looks_again": "the probe looks again",
    "probe_changed": "the probe is another one now",
    "pulled_again": "a list was pulled again",
    "pull_changed": "the pull is another one now",
    "superseded": "a newer run made it moot",
    "waived": "a person waived it",
}
"""What closed a file."""


def unknown_because(reason: str) -> str:
    """Why nobody can say how a run stands, by the reason of its state."""
    return _UNKNOWN_BECAUSE.get(reason, "it could not be judged")
