"""Conditions in CEL over the latest evidence of each kind, answered as one of four verdicts.

The only module that knows the CEL library. It tells what is missing from what is wrong by the text of a
status alone: the library is pinned, and a golden table (tests/unit/conditions/test_expressions.py) holds
every text that is read here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from cel_expr_python import cel

from monitors.conditions.condition_text import (
    ConditionInvalid,
    check_bounds,
    place_of,
    terms_of,
)
from monitors.conditions.memo import Memo
from monitors.conditions.paths import (
    Reference,
    Tree,
    is_missing,
    project,
    references_of,
    tree_of,
)
from monitors.conditions.refusals import no_answer, refusal, words_of
from monitors.conditions.values import Evidence, Verdict

RUN, EXPECTED = "run", "expected"
_FIELDS = {
    "payload": cel.Type.DYN,
    "ids": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    "occurred_at": cel.Type.TIMESTAMP,
    "strength": cel.Type.STRING,
    "source": cel.Type.STRING,
}
"""What each kind of evidence offers: `entitlement.payload.status`, `entitlement.ids.customer`, …"""
_RUN_FIELDS = {
    "key": cel.Type.STRING,
    "occurrence": cel.Type.STRING,
    "environment": cel.Type.STRING,
    "opened_at": cel.Type.TIMESTAMP,
}
_ABSENT = re.compile(
    r"NOT_FOUND: Key not found in map : (?P<key>.*)"
    r"|UNKNOWN: No value with name \"(?P<name>[^\"]+)\" found in Activation"
    r"|UNKNOWN: Index error: .*",
    re.DOTALL,
)
_BELOW_SCALAR = "INVALID_ARGUMENT: Applying SELECT to non-message type"
_LONGEST_KEY = 500
"""Values that are longer as JSON are asked about anew: they seldom come again, and would fill the memory."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one condition says: met, violated, not_yet (with paths) or broken (with the fault)."""

    verdict: Verdict
    missing: tuple[str, ...] = ()
    fault: str = ""
    """What could not be judged, with line and column of the term."""


answers: "Memo[tuple[Condition, bytes], Answer]" = Memo(5_000)
"""What conditions said, by all that they read: asking again would cost ten times as much."""


class Input(NamedTuple):
    """One variable of the library, such as `access.payload`: whose field it is, and what is read of it."""

    variable: str
    kind: str
    """Of the evidence; empty for `expected` and for what the run says of itself."""
    field: str
    tree: Tree | None


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One compiled condition; `compile_condition` makes it, once for each text and set of kinds."""

    text: str
    names: Mapping[str, str]
    """{variable: kind}."""
    references: tuple[Reference, ...]
    program: Any
    inputs: tuple[Input, ...]
    kinds: frozenset[str]
    """The evidence kinds that it reads."""

    def judge(self, world: "World") -> Answer:
        """The verdict on the latest evidence. Never raises."""
        values = world.values(self)
        key = _key_of(values)
        if key is None:
            return self._ask(values)
        known = answers.find((self, key))
        if known is None:
            known = self._ask(values)
            answers.keep((self, key), known)
        return known

    def _ask(self, values: Mapping[str, Any]) -> Answer:
        try:
            found = self.program.eval(data=values)
        except RuntimeError as error:  # its budget of steps is spent
            return Answer(Verdict.BROKEN, fault=f"line 1, column 1: {words_of(str(error))}")
        says = found.value()
        if says is True:
            return _MET
        if says is False:
            return _VIOLATED
        kind = found.type().name()
        if kind != "ERROR":
            return Answer(Verdict.BROKEN, fault=f"line 1, column 1: {no_answer(says, kind)}")
        return self._explain(str(says), values)

    def _explain(self, said: str, values: Mapping[str, Any]) -> Answer:
        missing = _outermost(str(each) for each in self.references if _is_absent(each, values))
        absent = _ABSENT.fullmatch(said)
        if missing and (absent or said.startswith(_BELOW_SCALAR)):
            return Answer(Verdict.NOT_YET, missing=missing)
        if absent:
            return Answer(Verdict.NOT_YET, missing=(absent["key"] or absent["name"] or "an entry",))
        line, column = self._place_of(said, values)
        return Answer(Verdict.BROKEN, fault=f"line {line}, column {column}: {words_of(said)}")

    def _place_of(self, said: str, values: Mapping[str, Any]) -> tuple[int, int]:
        """Where the first term begins that fails like the whole: the library does not say."""
        env = _environment(tuple(sorted(set(self.names.values()))))
        for at, term in terms_of(self.text):
            try:
                alone = env.compile(term).eval(data=values).value()
            except RuntimeError:
                continue  # a part of a bracket, no term by itself
            if str(alone) == said:
                return place_of(self.text, at)
        return 1, 1


_MET, _VIOLATED = Answer(Verdict.MET), Answer(Verdict.VIOLATED)


@dataclass(slots=True)
class World:
    """What conditions look at: the latest evidence of each kind, what was expected, the run itself."""

    latest: Mapping[str, Evidence]
    expected: Mapping[str, Any]
    run: Mapping[str, Any]

    def with_latest(self, piece: Evidence) -> "World":
        """The same world in which this is the latest piece of its kind."""
        if self.latest.get(piece.kind) is piece:
            return self
        return World({**self.latest, piece.kind: piece}, self.expected, self.run)

    def values(self, condition: Condition) -> dict[str, Any]:
        """What the library is given: only what the condition reads."""
        found: dict[str, Any] = {}
        for variable, kind, field, tree in condition.inputs:
            if kind:
                piece = self.latest.get(kind)
                if piece is not None:
                    found[variable] = project(_READ[field](piece), tree)
            elif variable == EXPECTED:
                found[EXPECTED] = project(self.expected, tree)
            elif self.run.get(field) is not None:
                found[variable] = self.run[field]
        return found


_READ: dict[str, Callable[[Evidence], Any]] = {
    **{field: attrgetter(field) for field in _FIELDS},
    "strength": lambda piece: piece.strength.name.lower(),
}


def _key_of(values: Mapping[str, Any]) -> bytes | None:
    """The values as one text: 1, 1.0 and true are three. None where a memory would not pay.

    They are JSON themselves, and instants: nothing that JSON would blur.
    """
    try:
        key = orjson.dumps(values)
    except TypeError:  # a number beyond 64 bits
        return None
    return key if len(key) <= _LONGEST_KEY else None


def _outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """Of what is missing, not what lies below it."""
    found: list[str] = []
    for path in paths:
        if not any(path.startswith((f"{other}.", f"{other}[")) for other in found):
            found.append(path)
    return tuple(found)


def _is_absent(reference: Reference, values: Mapping[str, Any]) -> bool:
    keys = reference.keys[:-1] if reference.is_asked else reference.keys
    head = EXPECTED if keys[0] == EXPECTED else ".".join(keys[:2])
    if head not in values:
        return True
    return is_missing(values[head], keys[head.count(".") + 1 :])


def names_of(kinds: Iterable[str]) -> dict[str, str]:
    """{variable: kind}; dots become `_`. Raises ConditionInvalid when two kinds get one name."""
    names: dict[str, str] = {}
    for kind in sorted(set(kinds)):
        name = kind.replace(".", "_")
        if name in {RUN, EXPECTED}:
            raise ConditionInvalid(f"In conditions `{name}` is something else: rename this kind.")
        if name in names:
            raise ConditionInvalid(
                f"The kinds `{names[name]}` and `{kind}` would have one name, `{name}`: rename one."
            )
        names[name] = kind
    return names


@lru_cache(10_000)
def compile_condition(text: str, kinds: tuple[str, ...]) -> Condition:
    """A condition over these evidence kinds, sorted. Raises ConditionInvalid."""
    names = names_of(kinds)
    check_bounds(text)
    try:
        program = _environment(kinds).compile(text)
    except RuntimeError as error:
        raise refusal(text, str(error), _offers(names), what="evidence kind of this spec") from None
    kind_of_answer = program.return_type().name()
    if kind_of_answer not in {"BOOL", "DYN"}:
        raise ConditionInvalid(
            f"A condition says yes or no; this one gives {kind_of_answer}.", excerpt=text
        )
    references = tuple(
        each for each in references_of(text) if each.keys[0] in {*names, RUN, EXPECTED}
    )
    read = frozenset(names[each.keys[0]] for each in references if each.keys[0] in names)
    return Condition(text, names, references, program, tuple(_inputs(references, names)), read)


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression over one piece of evidence (monitors.conditions.keys)."""

    gives: str
    """The library's name of its type: STRING, INT, DYN, …"""
    _compiled: Any

    def read(self, values: Mapping[str, Any]) -> Any:
        """What it gives, or None when something is missing or wrong. Never raises."""
        try:
            found = self._compiled.eval(data=values)
        except RuntimeError:
            return None
        return None if found.type().name() == "ERROR" else found.value()


_PIECE = {
    "kind": cel.Type.STRING,
    "source": cel.Type.STRING,
    "subject": cel.Type.STRING,
    "run": cel.Type.STRING,
    "ids": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    "payload": cel.Type.DYN,
}
_piece_environment = cel.NewEnv(variables=_PIECE)


def compile_text(text: str) -> Program:
    """An expression over one piece. Raises ConditionInvalid."""
    check_bounds(text)
    try:
        compiled = _piece_environment.compile(text)
    except RuntimeError as error:
        raise refusal(
            text, str(error), dict.fromkeys(_PIECE, ()), what="field of evidence"
        ) from None
    return Program(compiled.return_type().name(), compiled)


def _inputs(references: Iterable[Reference], names: Mapping[str, str]) -> Iterator[Input]:
    """`expected` is one variable of the library; of a kind, and of the run, each field is one."""
    for name, fields in tree_of(each.keys for each in references).items():
        if name == EXPECTED:
            yield Input(EXPECTED, "", "", fields)
        else:
            for field, tree in (fields or {}).items():
                yield Input(f"{name}.{field}", names.get(name, ""), field, tree)


def _offers(names: Iterable[str]) -> dict[str, Iterable[str]]:
    """{what a condition may name: its fields}."""
    return {**dict.fromkeys(names, _FIELDS), EXPECTED: (), RUN: _RUN_FIELDS}


@lru_cache(1_000)
def _environment(kinds: tuple[str, ...]) -> Any:
    variables = {
        f"{name}.{field}": kind for name in names_of(kinds) for field, kind in _FIELDS.items()
    }
    variables |= {f"{RUN}.{field}": kind for field, kind in _RUN_FIELDS.items()}
    return cel.NewEnv(variables=variables | {EXPECTED: cel.Type.DYN})
