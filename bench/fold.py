"""Folds with conditions: five steps, the evidence of one changed; against the bare evaluations that a fold stands on.

A fold replays the run: each piece that a condition reads is one evaluation, six in all. The yardstick is those six,
bare, each really made. Of the fold, the answers of the first five are known and that of the changed piece, which says
what no piece before it said, is not; a second line has all of them forgotten before each fold.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from monitors.conditions.expressions import answers, compile_condition
from monitors.conditions.fold import fold
from monitors.conditions.rules import Mode, Spec, Step, Strength
from monitors.conditions.values import Evidence, RunFacts, State

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
STEPS, ROUNDS, FOLDS = 5, 7, 2_000
PLAN = {"plan": "pro", "seats": 5, "state": "active", "lines": [{"sku": "A-17", "count": 2}] * 5}
SPEC = Spec(
    mode=Mode.RUN,
    within=timedelta(hours=1),
    steps=tuple(
        Step(
            name=f"step {n}",
            claim="",
            kind=f"kind_{n}",
            check=f"kind_{n}.payload.plan == expected.plan && kind_{n}.payload.seats > 1",
        )
        for n in range(STEPS)
    ),
)


def main() -> None:
    condition = compile_condition(SPEC.steps[0].check, SPEC.kinds)
    values = {"kind_0.payload": PLAN, "expected": {"plan": "pro"}}
    changes = changed_facts()
    folds, forgetful, bare = [], [], []
    for _ in range(ROUNDS):
        folds.append(_rate(_fold, changes))
        forgetful.append(_rate(_fold_anew, changes))
        bare.append(_rate(lambda _: condition.program.eval(data=values).value(), changes))
    made = STEPS + 1
    print(f"{FOLDS} folds of a run of {STEPS} steps, {ROUNDS} rounds, in turn\n")
    print("| | a second, median (most) | times the six bare evaluations |\n| - | - | - |")
    print(f"| folds after one step's evidence changed | {_shown(folds)} | {_times(folds, bare)} |")
    print(f"| the same, no answer known | {_shown(forgetful)} | {_times(forgetful, bare)} |")
    print(f"| one evaluation, bare | {_shown(bare)} | 1/{made} |")
    print("(aim: 20,000 folds a second; target: at most 3 times)")


def changed_facts() -> Iterator[RunFacts]:
    """One run again and again, each time with a piece for its first step whose value is new."""
    facts = RunFacts(opened_at=NOON, evidence=(_start(), *(_piece(n, 1) for n in range(STEPS))))
    for number in count(2):
        changed = _piece(0, 2, {**PLAN, "seats": number})
        yield replace(facts, evidence=(*facts.evidence, changed))


def _fold(facts: RunFacts) -> None:
    assert fold(SPEC, facts, LATER).state is State.PROVEN


def _fold_anew(facts: RunFacts) -> None:
    answers.forget()
    _fold(facts)


def _times(rates: list[float], bare: list[float]) -> str:
    ratio = statistics.median(b / (STEPS + 1) / f for f, b in zip(rates, bare, strict=True))
    return f"{ratio:.1f}"


def _start() -> Evidence:
    return Evidence(
        id="start", kind="start", strength=Strength.CLAIM, occurred_at=NOON, received_at=NOON,
        expected={"plan": "pro"},
    )  # fmt: skip


def _piece(step: int, minute: int, payload: Any = PLAN) -> Evidence:
    at = NOON + timedelta(seconds=minute)
    return Evidence(
        id=f"{step} {minute}", kind=f"kind_{step}", strength=Strength.RECEIPT, occurred_at=at,
        received_at=at, payload=payload,
    )  # fmt: skip


def _rate(work: Callable[[RunFacts], object], changes: Iterator[RunFacts]) -> float:
    batch = [next(changes) for _ in range(FOLDS)]
    began = time.process_time()
    for facts in batch:
        work(facts)
    return FOLDS / (time.process_time() - began)


def _shown(rates: list[float]) -> str:
    return f"{statistics.median(rates):,.0f} ({max(rates):,.0f})"


if __name__ == "__main__":
    main()
