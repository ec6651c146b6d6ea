"""Loads what was known of a run, to say why it stood as it did at an instant."""

from copy import copy
from datetime import datetime

from incidents.past import facts_of, spec_of
from monitors.conditions.why import Why, explain
from monitors.models import Run


def explain_run(*, run: Run, at: datetime) -> Why:
    """By the version that opened it; needs `monitor` selected. RulesUnreadable.

    Evidence past its retention is not known any more, and the tree is as if it had never come.
    """
    whole = copy(run)
    whole.judged_at = None  # content that lives on is loaded from its first judgement, not its last
    spec = spec_of(run.spec_id)
    return explain(spec, facts_of([whole], [spec])[run.pk], at)
