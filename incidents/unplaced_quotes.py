"""Pure: what a file about evidence without a run quotes, in the shape that all files have."""

from collections.abc import Mapping, Sequence
from typing import Any

from evidence.models import UnplacedEvidence
from evidence.unplaced import advice
from monitors.conditions.placing import PlacingBreak
from monitors.conditions.rules import Strength
from monitors.conditions.values import Verdict


def words_of_left(
    *, source: str, kinds: Mapping[str, PlacingBreak], examples: Sequence[UnplacedEvidence]
) -> dict[str, Any]:
    """Of Incident.quote: the strip has one mark for each kind; the payload is that of the latest piece."""
    last = examples[0] if examples else None
    counts = [_count(kind, kinds[kind]) for kind in _worst_first(kinds)]
    return {
        "sentence_values": {"source": source, **counts[0]},
        "steps": [_mark(each, examples) for each in counts],
        "comforts": [_light(source, last)],
        "missing": sorted({name for each in examples for name in _wanted(each)})[:20],
        "payload": last.signal.get("payload") if last else None,
        "ids": dict(last.ids) if last else {},
        "retry": _retry(last),
        "unplaced": {
            "source": source,
            "kinds": counts,
            "examples": [_example(each) for each in examples],
            "advice": sorted({advice(each) for each in examples}),
        },
    }


def _worst_first(kinds: Mapping[str, PlacingBreak]) -> list[str]:
    return sorted(kinds, key=lambda kind: (-kinds[kind].counted.waiting, kind))


def _count(kind: str, found: PlacingBreak) -> dict[str, Any]:
    return {
        "kind": kind,
        "waiting": found.counted.waiting,
        "total": found.counted.total,
        "usual_waiting": found.usual.waiting,
        "usual_total": found.usual.total,
    }


def _mark(count: Mapping[str, Any], examples: Sequence[UnplacedEvidence]) -> dict[str, Any]:
    """One mark of the strip: does what comes of this kind find its run?"""
    latest = next((each for each in examples if each.kind == count["kind"]), None)
    return {
        "step": count["kind"],
        "claim": f"Evidence “{count['kind']}” finds its run",
        "verdict": Verdict.VIOLATED.value,
        "evidence_id": None,
        "at": latest.received_at.isoformat() if latest else None,
        "strength": Strength(latest.strength).name.lower() if latest else None,
        "due_at": None,
        "missing": [],
    }


def _light(source: str, last: UnplacedEvidence | None) -> dict[str, Any]:
    """What looked healthy: the sender was told that all went well, and it did, for him."""
    return {
        "comfort": source,
        "claim": f"Deliveries from {source} were taken and answered with success",
        "evidence_id": None,
        "at": last.received_at.isoformat() if last else None,
    }


def _wanted(piece: UnplacedEvidence) -> list[str]:
    """What would place it, without the monitor's id: `message m-1`, `key in_7`."""
    return [name.split(" ", 1)[1] for name in piece.names]


def _retry(last: UnplacedEvidence | None) -> dict[str, Any]:
    return {
        "hint": "Nothing need be sent again: what waits is placed once its run or its id is known, for three days.",
        "attempts": 0,
        "external_ids": dict(last.ids) if last else {},
        "deploy_sha": "",
        "host": "",
    }


def _example(piece: UnplacedEvidence) -> dict[str, Any]:
    return {
        "id": str(piece.pk),
        "kind": piece.kind,
        "reason": piece.reason,
        "why": piece.get_reason_display(),
        "received_at": piece.received_at.isoformat(),
        "ids": piece.ids,
        "summary": piece.signal.get("summary") or "",
    }
