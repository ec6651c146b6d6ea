"""Folds with conditions: five steps, the evidence of one changed; against the bare evaluations that a fold makes."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitors.conditions.expressions import compile_condition
from monitors.conditions.fold import fold
from monitors.conditions.rules import Mode, Spec, Step, Strength
from monitors.conditions.values import Evidence, RunFacts, State

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
STEPS, ROUNDS, FOLDS = 5, 7, 2_000
PLAN = {"plan": "pro", "seats": 5, "state": "active", "lines": [{"sku": "A-17", "count": 2}] * 5}


def main() -> None:
    spec = Spec(
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
    facts = RunFacts(opened_at=NOON, evidence=(_start(), *(_piece(n, 1) for n in range(STEPS))))
    changed = [replace(facts, evidence=(*facts.evidence, _piece(0, 2 + n))) for n in range(100)]
    assert fold(spec, changed[0], NOON + timedelta(minutes=5)).state is State.PROVEN
    condition = compile_condition(spec.steps[0].check, spec.kinds)
    values = {"kind_0.payload": PLAN, "expected": {"plan": "pro"}}
    folds, bare = [], []
    for _ in range(ROUNDS):
        folds.append(_rate(lambda n: fold(spec, changed[n % 100], NOON + timedelta(minutes=5))))
        bare.append(_rate(lambda _: condition.program.eval(data=values).value()))
    made = STEPS + 1  # a fold replays the run: one for each piece that a condition reads
    ratio = statistics.median(b / made / f for f, b in zip(folds, bare, strict=True))
    print(f"{FOLDS} folds of a run of {STEPS} steps, {ROUNDS} rounds, in turn\n")
    print("| | a second, median (most) |\n| - | - |")
    print(f"| folds after one step's evidence changed (aim 20,000) | {_shown(folds)} |")
    print(f"| one evaluation, bare | {_shown(bare)} |")
    print(
        f"a fold costs {ratio:.1f} times the {made} evaluations that it makes (target: at most 3)"
    )


def _start() -> Evidence:
    return Evidence(
        id="start", kind="start", strength=Strength.CLAIM, occurred_at=NOON, received_at=NOON,
        expected={"plan": "pro"},
    )  # fmt: skip


def _piece(step: int, minute: int) -> Evidence:
    at = NOON + timedelta(seconds=minute)
    return Evidence(
        id=f"{step} {minute}", kind=f"kind_{step}", strength=Strength.RECEIPT, occurred_at=at,
        received_at=at, payload=PLAN,
    )  # fmt: skip


def _rate(work: Callable[[int], object]) -> float:
    began = time.process_time()
    for n in range(FOLDS):
        work(n)
    return FOLDS / (time.process_time() - began)


def _shown(rates: list[float]) -> str:
    return f"{statistics.median(rates):,.0f} ({max(rates):,.0f})"


if __name__ == "__main__":
    main()
