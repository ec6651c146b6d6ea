"""HMACs of keys, against the standard library and the published vectors."""

import hmac
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from evidence.list_keys import hasher

SECRET = "example-secret-do-not-use-0001"


def test_the_vector_of_the_guide() -> None:
    hashed = hasher(SECRET.encode())
    assert hashed("in_1") == "7c761a07c70762dc6c6ea72c334f1da1dd0ef96cd4468ed67185a607f17eaba0"
    assert hashed("kälte-7") == "da3befdaf6fb6916c4971d8621be54487a02da89ebd3258543b54fef8f1cb42d"


def test_the_second_case_of_rfc_4231() -> None:
    assert hasher(b"Jefe")("what do ya want for nothing?") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@given(
    secret=st.binary(min_size=1, max_size=200),
    key=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
)
def test_it_is_hmac_sha256_whatever_the_secret(secret: bytes, key: str) -> None:
    assert hasher(secret)(key) == hmac.digest(secret, key.encode(), "sha256").hex()


def test_the_guide_has_these_vectors_and_tells_how_to_make_them() -> None:
    guide = (Path(__file__).parents[2] / "docs/guides/expected-lists.md").read_text()
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \| `([0-9a-f]{64})` \|$", guide, re.MULTILINE)
    assert len(rows) == 2
    for secret, key, name in rows:
        assert hasher(secret.encode())(key) == name
