"""The drill's encryption: what was sealed opens as it was, and anything else does not open at all."""

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.restore_drill.vault import CHUNK, MAGIC, CannotOpen, find_or_make_key, seal, unseal

KEY = bytes(range(32))
HEADER = len(MAGIC) + 32
SEALED_CHUNK = CHUNK + 16


def sealed(place: Path, plain: bytes) -> Path:
    (place / "plain").write_bytes(plain)
    seal(KEY, place / "plain", place / "sealed")
    return place / "sealed"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_file_of_any_size_opens_as_it_was(tmp_path: Path, size: int) -> None:
    plain = secrets.token_bytes(size)
    digest = unseal(KEY, sealed(tmp_path, plain), tmp_path / "opened")

    assert (tmp_path / "opened").read_bytes() == plain
    assert digest == hashlib.sha256(plain).hexdigest()


def test_two_seals_of_one_file_have_nothing_in_common(tmp_path: Path) -> None:
    first = sealed(tmp_path, b"rows" * 100).read_bytes()
    second = sealed(tmp_path, b"rows" * 100).read_bytes()

    assert first[len(MAGIC) :][:64] != second[len(MAGIC) :][:64]
    assert b"rows" not in first


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda raw: raw[:-1], id="the last byte is lost"),
        pytest.param(lambda raw: raw[: HEADER + SEALED_CHUNK], id="the last chunk is lost"),
        pytest.param(lambda raw: raw[:HEADER], id="every chunk is lost"),
        pytest.param(lambda raw: raw + raw[-10:], id="something was added"),
        pytest.param(lambda raw: raw[:500] + b"\0\0\0\0" + raw[504:], id="bytes were changed"),
        pytest.param(lambda raw: b"PGDMP" + raw, id="another beginning"),
        pytest.param(
            lambda raw: raw[:HEADER] + raw[HEADER + SEALED_CHUNK :] + raw[HEADER:][:SEALED_CHUNK],
            id="chunks were swapped",
        ),
    ],
)
def test_a_damaged_file_does_not_open(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    file = sealed(tmp_path, secrets.token_bytes(2 * CHUNK))
    file.write_bytes(damage(file.read_bytes()))

    with pytest.raises(CannotOpen):
        unseal(KEY, file, tmp_path / "opened")


def test_another_key_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="another key"):
        unseal(secrets.token_bytes(32), sealed(tmp_path, b"rows"), tmp_path / "opened")


def test_the_key_in_the_safe_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "safe" / "backup.key"

    assert find_or_make_key(path) == find_or_make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
