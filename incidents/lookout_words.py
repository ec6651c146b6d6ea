"""What is said of probes that cannot look and lists that cannot be pulled, in files and mails. Nothing is loaded."""

from collections.abc import Mapping
from typing import Any

from incidents.models import Incident

_NOT_BROKEN = {
    "probe": "Nothing is known against the promise: what waits for this probe is unknown until it looks again.",
    "pull": "Nothing was missed, and no half list was taken: which runs must happen is not known without the list.",
}
OBSTACLES = {
    "dns": "its name is not found",
    "refused": "its address is refused",
    "unreached": "nobody answers there",
    "tls": "TLS fails",
    "timeout": "no answer in time",
    "auth": "it is not let in",
    "status": "the server answers with an error",
    "sql": "the query fails",
    "place": "its bucket or folder is missing",
    "answer": "the answer cannot be used",
    "setup": "it is not set up for it",
    "other": "something else failed",
}
"""Why a probe cannot look (evidence.probes.contract.Obstacle); beside each stands the whole fault."""
_LONGEST = 200


def not_broken(quote: Mapping[str, Any]) -> str:
    """Empty for all files but those about a lookout."""
    return next((words for name, words in _NOT_BROKEN.items() if quote.get(name)), "")


def lookout_named(incident: Incident) -> str:
    """Whom a file about a lookout is about; empty for all other files."""
    probe, pull = incident.quote.get("probe"), incident.quote.get("pull")
    if pull:
        return f"{incident.monitor.name}, pulled list “{pull['name']}”"
    return f"{incident.monitor.name}, probe “{probe['name']}”" if probe else ""


def why_it_cannot(quote: Mapping[str, Any]) -> str:
    """The break of such a file; empty for all others.

    "the probe “Plan” cannot look: its name is not found (No answer: …)",
    "the list “Due 2026-11-24T05:00:00Z” could not be pulled (The answer is 503)".
    """
    if pull := quote.get("pull"):
        end = "was given up" if pull.get("is_given_up") else "could not be pulled"
        return f"the list “{pull['window']}” {end}{_fault(pull)}"
    if not (probe := quote.get("probe")):
        return ""
    why = OBSTACLES.get(str(probe.get("obstacle")), OBSTACLES["other"])
    return f"the probe “{probe['name']}” cannot look: {why}{_fault(probe)}"


def _fault(words: Mapping[str, Any]) -> str:
    fault = " ".join(str(words.get("fault") or "").split()).rstrip(".")[:_LONGEST]
    return f" ({fault})" if fault else ""
