"""Why a run entered a state, as a sentence: codes and values in, words out."""

from collections.abc import Callable, Mapping
from typing import Any

from incidents.wording import length, span_of
from monitors.conditions.values import Reason

Sentence = Callable[[Mapping[str, Any]], str]


def reason_sentence(reason: str, values: Mapping[str, Any]) -> str:
    """Why a run entered a state. An unknown code is said as it is, never hidden."""
    template = _REASONS.get(reason)
    if template is None:
        return f"{reason.replace('_', ' ').capitalize()}."
    return template(values)


def _named(values: Mapping[str, Any], otherwise: str) -> str:
    return f"“{values['step']}”" if values.get("step") else otherwise


def _reported_fail(values: Mapping[str, Any]) -> str:
    code = values.get("exit_code")
    return "The work reported that it failed" + (f" (exit code {code})." if code else ".")


def _too_short(values: Mapping[str, Any]) -> str:
    took = span_of(values.get("seconds"))
    return (
        f"Success came after {length(took)}: too soon to be believed."
        if took is not None
        else ("Success came too soon to be believed.")
    )


def _waived(values: Mapping[str, Any]) -> str:
    return (
        f"A person waived it: {values['reason']}."
        if values.get("reason")
        else "A person waived it."
    )


def _too_often(values: Mapping[str, Any]) -> str:
    if not values.get("times"):
        return "nothing to do, too often in a row"
    return f"nothing to do, {values['times']} times in a row; at most {values['most']} are allowed"


def _too_long(values: Mapping[str, Any]) -> str:
    lasted, longest = span_of(values.get("seconds")), span_of(values.get("most_seconds"))
    if lasted is None or longest is None:
        return "nothing to do for too long"
    return f"nothing to do for {length(lasted)}; at most {length(longest)} are allowed"


IDLE: dict[str, Sentence] = {
    Reason.NOTHING_TOO_OFTEN.value: _too_often,
    Reason.NOTHING_TOO_LONG.value: _too_long,
}
"""Runs that had nothing to do beyond the bounds of their spec, by the fingerprint of the break."""


def _plain(sentence: str) -> Sentence:
    return lambda _values: sentence


_REASONS: dict[str, Sentence] = {
    Reason.FIRST_EVIDENCE.value: _plain("The first evidence came."),
    Reason.WARN_AFTER_PASSED.value: lambda v: f"{_named(v, 'The proof')} is later than usual.",
    Reason.NEVER_STARTED.value: _plain("It was expected and did not start in time."),
    Reason.STEP_NOT_MET.value: lambda v: f"{_named(v, 'A step')} was not met in time.",
    Reason.NOTHING_NEW.value: lambda v: (
        "Nothing new came before the deadline" + (f" of {_named(v, '')}." if v.get("step") else ".")
    ),
    Reason.CONTENT_OLD.value: _plain("The content is older than it may be."),
    Reason.ALL_STEPS_MET.value: _plain("Every required step is met."),
    Reason.REPORTED_FAIL.value: _reported_fail,
    Reason.TOO_SHORT.value: _too_short,
    Reason.RETRY_PROVED.value: _plain("A later attempt proved it."),
    Reason.PROOF_WITHDRAWN.value: _plain("Later evidence says otherwise."),
    Reason.PROOF_RETURNED.value: _plain("Later evidence proves it again."),
    Reason.STEP_VIOLATED.value: lambda v: f"The evidence says no to {_named(v, 'a step')}.",
    Reason.MEMBERS_MISSING.value: lambda v: f"{_named(v, 'A step')} was not met by all in time.",
    Reason.CONDITION_BROKEN.value: lambda v: (
        f"The check of {_named(v, 'a step')} cannot be judged: that is the monitor's fault."
    ),
    Reason.WAIVED_BY_PERSON.value: _waived,
    Reason.NEWER_OCCURRENCE.value: _plain("A newer occurrence makes it moot."),
    Reason.WE_WERE_BLIND.value: _plain(
        "Luota could not see at the deadline, so silence proves nothing."
    ),
    Reason.PROBE_WAS_BLIND.value: lambda v: (
        f"The probe that tells of {_named(v, 'the content')} could not look at the deadline, so silence"
        " proves nothing."
    ),
    Reason.CAUGHT_UP.value: _plain("Luota has caught up on what it could not see."),
    Reason.WAIVER_EXPIRED.value: _plain("The waiver ended."),
    Reason.NOTHING_TO_DO.value: _plain(
        "There was nothing to do, and the rules allow that: no step is needed."
    ),
    Reason.NOTHING_TOO_OFTEN.value: lambda v: f"{_too_often(v).capitalize()}.",
    Reason.NOTHING_TOO_LONG.value: lambda v: f"{_too_long(v).capitalize()}.",
}
