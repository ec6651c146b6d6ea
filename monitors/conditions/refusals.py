"""What the CEL library says of a condition, in our words: refused when it is saved, at fault when it is asked.

What it says otherwise is passed on as it is. Each text that is read here stands in a table of tests.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from monitors.conditions.condition_text import ConditionInvalid, excerpt_of

_REFUSED = re.compile(r"<input>:(?P<line>\d+):(?P<column>\d+): (?P<said>[^\n]*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)'")
_OVERLOAD = re.compile(
    r"(?:found no matching overload for '(?P<name>[^']+)' applied to '|"
    r"UNKNOWN: No matching overloads found : (?P<called>[^(]+))(?:\((?P<types>[^']*)\)'?)?"
)
_UNEXPECTED = re.compile(
    r"Syntax error: (?:mismatched|extraneous) input '(?P<word>.*)' expecting .*"
)
_MISSING = re.compile(r"Syntax error: missing '(?P<word>.*)' at .*")
_UNREADABLE = re.compile(r"Syntax error: token recognition error at: '(?P<word>.*)'")
_RESERVED = re.compile(r"reserved identifier: (?P<word>\w+)")
_STATUS = re.compile(r"[A-Z_]+: ")

_LONGEST = 200
"""Faults go into sentences, files and mails; what a payload holds may be thousands of times as long."""
_FUNCTIONS = re.findall(
    r"\w+",
    "all bool bytes contains double duration dyn endsWith exists exists_one filter getDate getDayOfMonth"
    " getDayOfWeek getDayOfYear getFullYear getHours getMilliseconds getMinutes getMonth getSeconds has"
    " int map matches size startsWith string timestamp type uint",
)
_TYPES = {
    "string": "a text",
    "int": "a whole number",
    "int64": "a whole number",
    "uint": "a whole number without sign",
    "uint64": "a whole number without sign",
    "double": "a decimal number",
    "bool": "yes or no",
    "bytes": "bytes",
    "dyn": "a value",
    "null": "null",
    "null_type": "null",
    "list": "a list",
    "map": "an object",
    "timestamp": "a timestamp",
    "google.protobuf.Timestamp": "a timestamp",
    "duration": "a duration",
    "google.protobuf.Duration": "a duration",
}
_OPERATORS = {"@in": "in", "_[_]": "[…]", "_?_:_": "? :", "<jump_condition>": "? :"}
_OTHER_LANGUAGES = {
    "and": "&&",
    "or": "||",
    "not": "!",
    "is": "==",
    "=": "==",
    ">": "!=",  # of <>
    "AND": "&&",
    "OR": "||",
    "NOT": "!",
}
_OTHER_QUOTES = frozenset("\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb`")
_PLAIN = {
    "invalid int literal": "A whole number has at most 64 bits; compare with a larger one as a text.",
    "INVALID_ARGUMENT: divide by zero": "a division by zero",
    "INVALID_ARGUMENT: modulus by zero": "a division by zero",
    "OUT_OF_RANGE: integer overflow": "a whole number grows beyond 64 bits",
    "INVALID_ARGUMENT: String to Timestamp conversion failed": "a text that is no timestamp",
    "INVALID_ARGUMENT: Applying SELECT to non-message type": "a value that has no fields is asked for one",
}


def refusal(
    text: str, said: str, offers: Mapping[str, Iterable[str]], *, what: str
) -> ConditionInvalid:
    """Of a text that does not compile. `offers` is {name: its fields}; `what` says what names are."""
    places = [
        (int(f["line"]), int(f["column"]), f["said"].replace(" (in container '')", ""))
        for f in _REFUSED.finditer(said)
    ]
    if not places:
        sentence = "It nests too deep." if "recursion depth" in said else said.partition("\n")[0]
        return ConditionInvalid(sentence, excerpt=excerpt_of(text, 1, 1))
    lines = text.split("\n")
    # The variable of a loop that is misspelt is unknown only because its function is.
    line, column, told = next((p for p in places if _is_call(lines, p)), places[0])
    row = lines[min(line, len(lines)) - 1]
    if undeclared := _UNDECLARED.search(told):
        sentence, column = _no_such(undeclared[1], row, column, offers, what)
    else:
        sentence = _syntax(told, row[: column - 1])
    return ConditionInvalid(
        sentence, line=line, column=column, excerpt=excerpt_of(text, line, column)
    )


def words_of(said: str) -> str:
    """What could not be judged, of a condition that was asked."""
    return _short(_PLAIN.get(said) or _overload(said) or _STATUS.sub("", said, count=1))


def no_answer(value: Any, kind: str) -> str:
    """Of a value that is neither true nor false, and the library's name of its type: a payload is not told whole."""
    if value is None or isinstance(value, int | float | str):
        told = _short(json.dumps(value, ensure_ascii=False))
    else:
        told = _TYPES.get(kind.lower().partition("<")[0], "a value")
    return f"{told} is neither yes nor no"


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def _is_call(lines: Sequence[str], place: tuple[int, int, str]) -> bool:
    line, column, said = place
    row = lines[min(line, len(lines)) - 1]
    return bool(_UNDECLARED.search(said)) and row[column - 1 : column] == "("


def _no_such(
    name: str, row: str, column: int, offers: Mapping[str, Iterable[str]], what: str
) -> tuple[str, int]:
    """(sentence, column of the word that is meant). The library points at the last dot, or at the bracket."""
    if row[column - 1 : column] == "(":
        return _no_function(name), row.rfind(name, 0, column) + 1 or column
    column = row.rfind(name, 0, column + len(name)) + 1 or column
    first, _, rest = name.partition(".")
    fields = ", ".join(offers.get(first, ()))
    if fields and rest:
        asked = rest.partition(".")[0]
        return f"`{first}` offers {fields}; `{asked}` is none of them.", column + len(first) + 1
    if fields:
        return f"Say which part of `{first}` is meant: {fields}.", column
    return f"`{first}` is no {what}; {_known(first, offers)}", column


def _no_function(name: str) -> str:
    if name in _FUNCTIONS:
        return f"`{name}` does not take these values."
    close = get_close_matches(name, _FUNCTIONS, n=1)
    return f"`{name}` is no function" + (f"; did you mean `{close[0]}`?" if close else ".")


def _known(name: str, offers: Mapping[str, Iterable[str]]) -> str:
    close = get_close_matches(name, offers, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known are {', '.join(offers)}."


def _syntax(said: str, before: str) -> str:
    if found := _UNEXPECTED.fullmatch(said):
        return _unexpected(found["word"], before)
    if found := _MISSING.fullmatch(said):
        return f"A `{found['word']}` is missing."
    if found := _RESERVED.fullmatch(said):
        return f"`{found['word']}` is a word of the language, and no kind can be read by this name."
    if found := _UNREADABLE.fullmatch(said):
        return _unreadable(found["word"].strip())
    overload = _overload(said)
    return _PLAIN.get(said) or (f"{overload}." if overload else said)


def _unexpected(word: str, before: str) -> str:
    if word == "<EOF>":
        return "It ends where something is still to come."
    last = before.split()[-1:]
    foreign = word if word in _OTHER_LANGUAGES else last[0] if last else ""
    hint = _OTHER_LANGUAGES.get(foreign)
    return (
        f"`{foreign}` is not known here; write `{hint}`."
        if hint
        else f"`{word}` is not expected here."
    )


def _unreadable(word: str) -> str:
    if word[:1] in {"'", '"'}:
        return f"The text {word} does not end."
    hint = _OTHER_LANGUAGES.get(word, "")
    if word in _OTHER_QUOTES:
        return f"`{word}` cannot be read; texts stand between ' or \"."
    return f"`{word}` cannot be read" + (f"; write `{hint}`." if hint else ".")


def _overload(said: str) -> str:
    """`>` does not take a text and a whole number; the library does not always say what it was given."""
    found = _OVERLOAD.fullmatch(said)
    if found is None:
        return ""
    name = found["name"] or found["called"]
    operator = _OPERATORS.get(name, name.strip("_"))
    types = [_TYPES.get(each.split("(")[0].strip(), each) for each in _split(found["types"])]
    return f"`{operator}` does not take {' and '.join(types) or 'these values'}"


def _split(types: str | None) -> list[str]:
    """At the commas outside brackets."""
    return re.split(r",\s*(?![^(]*\))", types) if types else []
