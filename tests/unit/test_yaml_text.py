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
        ("TRUE", True),
        ("Null", None),
        ("0.99", 0.99),
        ("1e999", "1e999"),
        ("99999999999999999999", 99999999999999999999.0),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(text, meant):
    assert only(f"- {text}").value == [meant]


@pytest.mark.parametrize(
    ("text", "sentence", "place"),
    [
        ("a: &x [1]\nb: *x", "Anchors and aliases", (1, 4)),
        ("a: 1\nb: *x", "Anchors and aliases", (2, 4)),
        ("a: !!python/object/apply:os.system [ls]", "Tags are not read", (1, 4)),
        ("a: !!str 1", "Tags are not read", (1, 4)),
        ("a: 1\nb: {c: 1, c: 2}", "`c` stands in line 2 already", (2, 11)),
        ("? [1]\n: 2", "one word", (1, 3)),
        ("[" * (DEEPEST + 2), "levels", (1, 26)),
        ("a: [1\n\n", "This is not YAML: while parsing a flow sequence did not", (1, 6)),
        ("a: b: c", "mapping values are not allowed", (1, 5)),
        ("a: 1\n\tb: 2\n", "This is not YAML", (2, 1)),
        ("a: 1\nb: x\0y\n", "may not hold", (2, 5)),
    ],
)
def test_what_is_not_plain_data_is_refused_at_its_place(text, sentence, place):
    with pytest.raises(YamlUnreadable, match=sentence) as refused:
        read_documents(text.encode())

    assert (refused.value.spot.line, refused.value.spot.column) == place


def test_what_stands_twice_names_its_field():
    with pytest.raises(YamlUnreadable) as refused:
        read_documents(b"a: {b: 1, b: 2}")

    assert refused.value.field == "a.b"


def test_a_place_is_shown_with_a_caret_and_only_what_is_around_it():
    with pytest.raises(YamlUnreadable) as near:
        read_documents(b"a: 1\n\tb: *x\nc: *x")
    with pytest.raises(YamlUnreadable) as far:
        read_documents(b"a: " + b"x" * 300 + b": 1")

    assert near.value.spot.excerpt == " b: *x\n^"
    shown, caret = far.value.spot.excerpt.split("\n")
    assert len(shown) < 100
    assert shown[caret.index("^")] == ":"


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

    def place(spot):
        return spot.line, spot.column

    assert place(document.spot_of("spec.steps[0].check")) == (5, 7)
    assert place(document.spot_in("spec.steps[0].check", 1, 6)) == (6, 14)
    assert place(document.spot_of("spec.steps[0].kind")) == (4, 7)
    assert place(document.spot_of("spec.steps[7].kind")) == (3, 3)
    assert place(document.spot_of("promise")) == (1, 1)
