"""The ways in which a drill is broken on purpose, one class each. All that is green before the break stays true."""

import secrets
from pathlib import Path

FULL_DISK_BYTES = 16 * 1024


class Sound:
    """Nothing is broken: where a break would interfere, things stay as they are."""

    is_quiet = False
    """The script is one of the many that do not look at the exit code of their check: it claims success."""
    takes_oldest = False
    """Of the archives in the store not the one just made is fetched, but the oldest."""

    def room_for_dump(self) -> int | None:
        """Bytes that the disk still takes; None for enough."""
        return None

    def after_dump(self, dump: Path) -> None:
        """pg_dump has exited 0."""

    def choose_key(self, key: bytes) -> bytes:
        """The key that the host encrypts with; `key` is the one in the safe."""
        return key

    def after_upload(self, stored: Path) -> None:
        """The copy was compared with the original."""


class FullDisk(Sound):
    """The disk is full in the middle of the dump. pg_dump says so, and there is a file all the same."""

    def room_for_dump(self) -> int | None:
        return FULL_DISK_BYTES


class WrongKey(Sound):
    """The key was rotated on the host and never put into the safe: it encrypts just as well."""

    is_quiet = True

    def choose_key(self, key: bytes) -> bytes:
        return secrets.token_bytes(len(key))


class BitRot(Sound):
    """The disk of the store changes a byte of a file that nobody has read since it was compared."""

    def after_upload(self, stored: Path) -> None:
        with stored.open("r+b") as file:
            file.seek(stored.stat().st_size // 2)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 1]))


class CutShort(Sound):
    """The end of the dump is lost after pg_dump has gone; what is left is encrypted and stored well."""

    is_quiet = True

    def after_dump(self, dump: Path) -> None:
        with dump.open("r+b") as file:
            file.truncate(dump.stat().st_size * 6 // 10)


class OldArchive(Sound):
    """The store is listed the wrong way round: an old archive is restored, and restores perfectly."""

    is_quiet = True
    takes_oldest = True


SILENT = "silent"
"""The drill never starts; there is nothing to do for it."""
BREAKS: dict[str, Sound] = {
    "dump": FullDisk(),
    "encrypt": WrongKey(),
    "decrypt": BitRot(),
    "restore": CutShort(),
    "stale": OldArchive(),
}
