"""Loads what was known of a run, to say why it stood as it did at an instant."""

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incidents.past import facts_of, spec_of
from incidents.payloads import comforts_of
from monitors.conditions.why import Why, explain
from monitors.models import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The tree, and what looked healthy by then, as in Run.standing."""

    why: Why
    comforts: list[dict[str, Any]]


def explain_run(*, run: Run, at: datetime) -> Explanation:
    """By the version that judges it; needs `monitor` selected. RulesUnreadable.

    Evidence past its retention is not known any more, and the tree is as if it had never come.
    """
    whole = copy(run)
    whole.judged_at = None  # content that lives on is loaded from its first judgement, not its last
    spec = spec_of(run.spec_id)
    facts = facts_of([whole], [spec])[run.pk]
    why = explain(spec, facts, at)
    known = [piece for piece in facts.evidence if piece.received_at <= at]
    return Explanation(why=why, comforts=comforts_of(spec, why.judgement, known))
