"""Encryption of archives: AES-256-GCM over chunks, a fresh key for each file derived from the one kept safe.

The STREAM construction (as in age and Tink): each chunk is sealed with its number and whether it is the
last one, so that a changed, swapped or missing chunk is noticed. Nothing larger than a chunk is in memory.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CIPHER = "AES-256-GCM, 1 MiB chunks"
MAGIC = b"LUOTADR1"
CHUNK = 1024 * 1024
_SALT, _TAG = 32, 16


class CannotOpen(Exception):
    """The file is not ours, was changed, is cut short, or was sealed with another key."""


def find_or_make_key(path: Path) -> bytes:
    """The key in the safe: made at first use, readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()


def seal(key: bytes, source: Path, target: Path) -> str:
    """Encrypt a file; the SHA-256 of what was read."""
    salt = secrets.token_bytes(_SALT)
    cipher, digest = _cipher(key, salt), hashlib.sha256()
    with source.open("rb") as plain, target.open("wb") as sealed:
        sealed.write(MAGIC + salt)
        for nonce, chunk in _numbered(plain, CHUNK):
            digest.update(chunk)
            sealed.write(cipher.encrypt(nonce, chunk, None))
    return digest.hexdigest()


def unseal(key: bytes, source: Path, target: Path) -> str:
    """Decrypt a file; the SHA-256 of what was written. CannotOpen."""
    digest = hashlib.sha256()
    with source.open("rb") as sealed, target.open("wb") as plain:
        if sealed.read(len(MAGIC)) != MAGIC:
            raise CannotOpen(f"{source.name} does not begin like an archive of ours.")
        cipher = _cipher(key, sealed.read(_SALT))
        for number, (nonce, chunk) in enumerate(_numbered(sealed, CHUNK + _TAG), start=1):
            try:
                opened = cipher.decrypt(nonce, chunk, None)
            except InvalidTag as error:
                raise CannotOpen(
                    f"{source.name}: authentication tag of chunk {number} does not match "
                    "(another key, or the file was changed)"
                ) from error
            digest.update(opened)
            plain.write(opened)
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=salt, info=MAGIC).derive(key)
    return AESGCM(derived)


def _numbered(file: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    """(nonce, chunk): the nonce is the chunk's number and, in its last byte, whether it is the last."""
    number, chunk = 0, file.read(size)
    while True:
        following = file.read(size)
        yield number.to_bytes(11, "big") + bytes([not following]), chunk
        if not following:
            return
        number, chunk = number + 1, following
