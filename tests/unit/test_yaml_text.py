"""YAML of strangers: plain data, places for refusals, and nothing that a text could make us do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luota.lib.yaml_text import DEEPEST, MOST_BYTES, YamlUnreadable, read_documents, write_document

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
HARD = st.sampled_from(
    [
        "",
        "~",
        "null",
        "yes",
        "no",
        "10:30",
        "1e3",
        "0o7",
        "1_0",
        "=",
        "<<",
        "-",
        "a: b",
        "2026-01-01",
    ]
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(0.001, 1) | ANY_TEXT | HARD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT | HARD, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def only(text):
    (document,) = read_documents(text.encode())
    return document


@given(DATA.filter(lambda data: data is not None))
def test_what_is_written_is_read_as_the_same(data):
    assert only(write_document(data)).value == data


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("10:30", "10:30"),
        ("2026-11-24", "2026-11-24"),
        ("0644", 644),
        ("true", True),
        ("~", None),
        ("'true'", "true"),
        ("0.99", 0.99),
        ("99999999999999999999", 99999999999999999999.0),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(text, meant):
    assert only(f"- {text}").value == [meant]


@pytest.mark.parametrize(
    ("text", "sentence", "line"),
    [
        ("a: &x [1]\nb: *x", "Anchors and aliases", 1),
        ("a: 1\nb: *x", "Anchors and aliases", 2),
        ("a: !!python/object/apply:os.system [ls]", "Tags are not read", 1),
        ("a: !!str 1", "Tags are not read", 1),
        ("a: 1\na: 2", "twice", 2),
        ("? [1]\n: 2", "one word", 1),
        ("[" * (DEEPEST + 2), "levels", 1),
        ("a: [1", "Did not find expected", 1),
        ("a: 1\nb:\tc: d", "not allowed", 2),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_line(text, sentence, line):
    with pytest.raises(YamlUnreadable, match=sentence) as refused:
        read_documents(text.encode())

    assert refused.value.line >= line


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a: \x07", b" " * (MOST_BYTES + 1)])
def test_what_is_no_text_or_too_much_is_refused(raw):
    with pytest.raises(YamlUnreadable):
        read_documents(raw)


@pytest.mark.parametrize(
    "text", ["0\u2028 0", "a\x85b", "a\r\nb", "a\u2029", " \n x\n", "x\n\n", "\tx \n y", "\ufeffx"]
)
def test_breaks_of_all_kinds_survive(text):
    assert only(write_document({"a": text})).value == {"a": text}


def test_a_bomb_of_aliases_is_refused_before_it_goes_off():
    bomb = "a: &a [x]\n" + "\n".join(
        f"{k}: &{k} [*{p}, *{p}]" for p, k in zip("abcdefgh", "bcdefghi", strict=True)
    )

    with pytest.raises(YamlUnreadable, match="aliases"):
        read_documents(bomb.encode())


def test_documents_that_say_nothing_are_left_out():
    assert [each.value for each in read_documents(b"---\n# nothing\n---\na: 1\n---\n")] == [
        {"a": 1}
    ]


def test_a_field_has_the_place_of_its_key_and_what_is_missing_that_of_its_surroundings():
    document = only("name: x\nspec:\n  steps:\n    - name: a\n      check: |\n        x == 1\n")

    assert document.place_of("spec.steps[0].check") == (5, 7)
    assert document.place_of("spec.steps[0].kind") == (4, 7)
    assert document.place_of("spec.steps[7].kind") == (3, 3)
    assert document.place_of("promise") == (1, 1)
