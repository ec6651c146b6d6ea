"""What distinguishes one failure from another of the same step: the same fault reads the same."""

import re

from monitors.conditions.values import Evidence

LONGEST = 120

_CHANGING = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"  # UUIDs
    r"|\b0x[0-9a-f]+\b"
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b"  # digests, commit ids, tokens of an address
    r"|\d+"
)
_BLANKS = re.compile(r"\s+")


def fingerprint(claim: Evidence) -> str:
    """Exit code and first line of the summary, without what changes from failure to failure."""
    parts = [] if claim.exit_code is None else [f"exit {claim.exit_code}"]
    if line := normalised(claim.summary):
        parts.append(line)
    return ": ".join(parts)


def normalised(summary: str) -> str:
    """The first line in lower case; numbers, hexadecimal words and UUIDs become `#`."""
    first = summary.strip().partition("\n")[0].lower()
    return _BLANKS.sub(" ", _CHANGING.sub("#", first)).strip()[:LONGEST]
