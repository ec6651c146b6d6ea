"""What is said of a probe that cannot look: in the file about it, in its mail, on its page. Nothing is loaded."""

from collections.abc import Mapping
from typing import Any

from incidents.models import Incident

NOT_THE_PROMISE = "Nothing is known against the promise: what waits for this probe is unknown until it looks again."
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


def blind_probe(incident: Incident) -> str:
    """Whom a file about a probe is about; empty for all other files."""
    probe = incident.quote.get("probe") or {}
    return f"{incident.monitor.name}, probe “{probe['name']}”" if probe else ""


def cannot_look(probe: Mapping[str, Any]) -> str:
    """The break of such a file: "the probe “Plan” cannot look: its name is not found (No answer: …)"."""
    why = OBSTACLES.get(str(probe.get("obstacle")), OBSTACLES["other"])
    fault = " ".join(str(probe.get("fault") or "").split()).rstrip(".")[:_LONGEST]
    return f"the probe “{probe['name']}” cannot look: {why}" + (f" ({fault})" if fault else "")
