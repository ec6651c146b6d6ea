"""Refused conditions: what is wrong in plain words, the place, and a caret below the very word."""

import pytest

from monitors.conditions.condition_text import ConditionInvalid
from monitors.conditions.expressions import compile_condition

KINDS = ("access", "invoice.paid", "mail", "never")


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("acess.payload.x == 1", 1, 1, "did you mean `access`?"),
        ("access.paylod.x == 1", 1, 8, "`paylod` is none of them"),
        ("run.nothing == 1", 1, 5, "`run` offers key, occurrence"),
        ("true &&\n  nobody.payload == 1", 2, 3, "`nobody` is no evidence kind"),
        ("access.payload.x ==", 1, 20, "It ends where something is still to come"),
        ("access.payload.count > 9223372036854775808", 1, 24, "at most 64 bits"),
        ("1 + 1", 1, 1, "says yes or no; this one gives INT"),
        ("'text'", 1, 1, "gives STRING"),
        ("(" * 17 + "true" + ")" * 17, 1, 17, "At most 16 brackets"),
        ("access.payload.a.all(x, x.all(y, y.all(z, z)))", 1, 39, "At most 2 loops"),
        ("true" + " " * 2000, 1, 1, "at most 2000 characters"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_place(text, line, column, words):
    with pytest.raises(ConditionInvalid) as caught:
        compile_condition(text, KINDS)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.sentence


def test_the_excerpt_points_at_the_word_with_a_caret():
    with pytest.raises(ConditionInvalid) as caught:
        compile_condition("access.payload.yes && acess.payload.no", KINDS)

    assert caught.value.excerpt.splitlines() == [
        "access.payload.yes && acess.payload.no",
        "                      ^",
    ]


def test_the_caret_stands_below_the_word_also_after_tabs():
    with pytest.raises(ConditionInvalid) as caught:
        compile_condition("true &&\n\t\tacess.payload.no", KINDS)

    assert caught.value.excerpt.splitlines() == ["\t\tacess.payload.no", "\t\t^"]


@pytest.mark.parametrize(
    ("text", "column", "sentence"),
    [
        (
            "access.payload.rows.exist(r, r.ok)",
            21,
            "`exist` is no function; did you mean `exists`?",
        ),
        ("access.payload.s.upper() == 'A'", 18, "`upper` is no function."),
        ("size(access.payload.rows, 1)", 1, "`size` does not take these values."),
        ("access", 1, "Say which part of `access` is meant: payload, ids, occurred_at,"),
        ("mail.payload.ok and true", 17, "`and` is not known here; write `&&`."),
        ("not mail.payload.ok", 5, "`not` is not known here; write `!`."),
        ("mail.payload.ok = true", 17, "`=` cannot be read; write `==`."),
        ("mail.payload.ok == “yes”", 20, "texts stand between ' or \""),
        ("mail.payload.ok == 'yes", 20, "The text 'yes does not end."),
        ("(mail.payload.ok", 17, "A `)` is missing."),
        ("mail.payload.ok)", 16, "`)` is not expected here."),
        ("mail.payload" + ".a" * 40, 1, "It nests too deep."),
        ("if mail.payload.ok", 1, "`if` is a word of the language"),
        ("mail.ids.n == 1", 12, "`==` does not take a text and a whole number."),
        ("mail.occurred_at > '2026'", 18, "`>` does not take a timestamp and a text."),
        (
            "mail.payload.a ? true : 1",
            16,
            "does not take a value and yes or no and a whole number.",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_in_plain_words_and_where(text, column, sentence):
    with pytest.raises(ConditionInvalid) as caught:
        compile_condition(text, KINDS)

    assert (caught.value.line, caught.value.column) == (1, column)
    assert sentence in caught.value.sentence
    assert caught.value.excerpt.splitlines()[1] == " " * (column - 1) + "^"
