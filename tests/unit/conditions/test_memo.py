"""Known answers: for which values they are given again, and how many are kept."""

import pytest

from monitors.conditions.expressions import World, answers, compile_condition
from monitors.conditions.memo import Memo
from monitors.conditions.rules import Strength
from monitors.conditions.values import Evidence, Verdict
from tests.unit.conditions.instants import NOON

IS_YES = compile_condition("access.payload.n", ("access",))
IS_WHOLE = compile_condition("access.payload.n / 2 == 0", ("access",))


def says(condition, payload):
    access = Evidence(
        id="a",
        kind="access",
        strength=Strength.CLAIM,
        occurred_at=NOON,
        received_at=NOON,
        payload=payload,
    )
    return condition.judge(World({"access": access}, {}, {})).verdict


def test_values_that_python_calls_equal_are_asked_about_one_by_one():
    assert says(IS_YES, {"n": True}) is Verdict.MET
    assert says(IS_YES, {"n": 1}) is Verdict.BROKEN
    assert says(IS_WHOLE, {"n": 1}) is Verdict.MET
    assert says(IS_WHOLE, {"n": 1.0}) is not Verdict.MET
    assert says(IS_YES, {"n": None}) is not says(IS_YES, {"n": False})


def test_what_a_condition_does_not_read_is_no_part_of_what_is_known(monkeypatch):
    assert says(IS_YES, {"n": True, "at": 1}) is Verdict.MET

    monkeypatch.setattr(answers, "keep", pytest.fail)

    assert says(IS_YES, {"n": True, "at": 2}) is Verdict.MET


@pytest.mark.parametrize("value", ["x" * 1000, 2**70])
def test_long_values_and_numbers_beyond_64_bits_are_answered_without_being_kept(monkeypatch, value):
    monkeypatch.setattr(answers, "keep", pytest.fail)

    assert says(compile_condition("access.payload.n != 'y'", ("access",)), {"n": value})


def test_what_was_asked_for_lately_is_kept_and_the_rest_goes():
    memo = Memo[str, int](2)
    for number, key in enumerate("abcd"):
        memo.keep(key, number)
        assert memo.find("a") == 0
    memo.keep("e", 4)

    assert memo.find("a") == 0
    assert memo.find("b") is None


def test_forgetting_leaves_nothing():
    memo = Memo[str, int](2)
    memo.keep("a", 1)

    memo.forget()

    assert memo.find("a") is None
