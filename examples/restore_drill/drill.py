"""The drill itself: six steps, each of which says what really held."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from examples.reporting import Reporter
from examples.restore_drill import vault
from examples.restore_drill.breaks import Sound
from examples.restore_drill.postgres import Contents, Database, ProgramFailed

ARCHIVES_KEPT = 6
Say = Callable[..., None]
"""(evidence kind, fields of the API) -> None"""
_HEADER = b"PGDMP"
_MOST_TABLES = 12


class StepFailed(Exception):
    """A step did not hold: what it is called, what was seen, what the program wrote."""

    def __init__(self, step: str, seen: str, *, output: str = "", exit_code: int = 1) -> None:
        super().__init__(seen)
        self.step = step
        self.output = output or seen
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Stored beside each archive: what it must hold when it is restored."""

    archive: str
    bytes: int
    sha256: str
    """Of the encrypted file."""
    plain_sha256: str
    counts: dict[str, int]
    newest: str


class Drill:
    """One drill. `work` is the job's own disk; `store` the second place, where archives are kept."""

    def __init__(
        self, *, database: Database, reporter: Reporter, work_dir: Path, sabotage: Sound
    ) -> None:
        self.database = database
        self.reporter = reporter
        self.sabotage = sabotage
        self.work, self.store = work_dir / "work", work_dir / "store"
        for directory in (self.work, self.store):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.key = vault.find_or_make_key(work_dir / "safe" / "backup.key")
        self.name = reporter.run_name

    def perform(self) -> bool:
        """Report a start, every step that held, and a claim; whether the restore was proven."""
        if self.sabotage.takes_oldest and not self._archives():
            self._make_archive(f"{self.name}-before", say=_say_nothing)
        self.reporter.start(
            payload={"database": self.database.name, "program": self.database.version()},
            tags=["drill", f"database:{self.database.name}"],
        )
        try:
            self._drill()
        except StepFailed as failure:
            self._tell(failure)
            return False
        finally:
            self._tidy()
        self.reporter.success("Backup made and its restore checked.", exitCode=0)
        return True

    def _drill(self) -> None:
        expected = self._make_archive(self.name, say=self.reporter.evidence)
        manifest = self._fetch()
        plain = self._check_decryption(manifest)
        restored = self._check_restore(manifest, plain)
        self._prove_freshness(manifest, expected, restored)

    def _make_archive(self, name: str, *, say: Say) -> Contents:
        """Dump, encrypt, upload; what the source held at that instant."""
        contents, dump = self._dump(name, say)
        digest, sealed = self._encrypt(dump, say)
        manifest = Manifest(
            archive=sealed.name,
            bytes=sealed.stat().st_size,
            sha256=vault.sha256_of(sealed),
            plain_sha256=digest,
            counts=contents.counts,
            newest=contents.newest,
        )
        self._upload(sealed, manifest, say)
        return contents

    def _dump(self, name: str, say: Say) -> tuple[Contents, Path]:
        """Comforts: pg_dump exited 0, and there is a file."""
        target, began = self.work / f"{name}.dump", time.monotonic()
        try:
            with self.database.snapshot() as (snapshot, contents):
                room = self.sabotage.room_for_dump()
                self.database.dump(target, snapshot=snapshot, room=room)
        except ProgramFailed as error:
            if target.exists():
                say("file_exists", payload=_file(target))
            raise StepFailed(
                "dump", str(error), output=error.output, exit_code=error.exit_code
            ) from error
        took = round(time.monotonic() - began, 2)
        facts = {"seconds": took, "tables": len(contents.counts), "rows": contents.rows}
        say("dump_exited", ids={"snapshot": snapshot}, exitCode=0, payload=facts)
        say("file_exists", payload=_file(target))
        self.sabotage.after_dump(target)
        return contents, target

    def _encrypt(self, dump: Path, say: Say) -> tuple[str, Path]:
        """Comfort: the encryption exited 0. Nothing is said about whether anybody can undo it."""
        sealed = dump.with_suffix(".dump.sealed")
        digest = vault.seal(self.sabotage.choose_key(self.key), dump, sealed)
        facts = {"cipher": vault.CIPHER, "bytes": sealed.stat().st_size, "plainSha256": digest}
        say("encrypted", exitCode=0, payload=facts)
        dump.unlink()
        return digest, sealed

    def _upload(self, sealed: Path, manifest: Manifest, say: Say) -> None:
        """Step: the copy in the second place has the size and the digest of what was sent."""
        stored, began = self.store / sealed.name, time.monotonic()
        aside = stored.with_suffix(".part")
        shutil.copyfile(sealed, aside)
        size, digest = aside.stat().st_size, vault.sha256_of(aside)
        if (size, digest) != (manifest.bytes, manifest.sha256):
            aside.unlink()
            raise StepFailed("upload", f"The copy has {size} bytes of {manifest.bytes}, or others")
        aside.rename(stored)
        stored.with_suffix(".json").write_text(json.dumps(asdict(manifest)))
        took = round(time.monotonic() - began, 3)
        facts = {"bytes": size, "sha256": digest, "seconds": took}
        say("upload", ids={"archive": manifest.archive}, payload=facts)
        sealed.unlink()
        self.sabotage.after_upload(stored)

    def _fetch(self) -> Manifest:
        """What the store says of the archive that is to be checked."""
        own = self.store / f"{self.name}.dump.json"
        chosen = self._archives()[0] if self.sabotage.takes_oldest else own
        return Manifest(**json.loads(chosen.read_text()))

    def _archives(self) -> list[Path]:
        """The manifests in the store, oldest first: names begin with their time."""
        return sorted(self.store.glob("*.json"))

    def _check_decryption(self, manifest: Manifest) -> Path:
        """Step: what lies in the second place opens with the key in the safe, and is what was dumped."""
        plain = self.work / f"{self.name}.check.dump"
        try:
            digest = vault.unseal(self.key, self.store / manifest.archive, plain)
        except vault.CannotOpen as error:
            raise StepFailed(
                "decrypt_check", "The archive cannot be opened", output=str(error)
            ) from error
        with plain.open("rb") as file:
            header = file.read(len(_HEADER))
        if digest != manifest.plain_sha256 or header != _HEADER:
            raise StepFailed("decrypt_check", "What was decrypted is not what was dumped")
        facts = {"plainSha256": digest, "bytes": plain.stat().st_size, "header": header.decode()}
        self.reporter.evidence("decrypt_check", ids={"archive": manifest.archive}, payload=facts)
        return plain

    def _check_restore(self, manifest: Manifest, plain: Path) -> Contents:
        """Step: it restores into a fresh database with as many rows in each table as were dumped."""
        began = time.monotonic()
        with self.database.throwaway() as name:
            try:
                self.database.restore(plain, into=name)
            except ProgramFailed as error:
                raise StepFailed(
                    "restore_check", str(error), output=error.output, exit_code=error.exit_code
                ) from error
            restored = self.database.read(name)
        if wrong := _differences(manifest.counts, restored.counts):
            raise StepFailed("restore_check", "Restored tables differ", output="\n".join(wrong))
        facts = {
            "seconds": round(time.monotonic() - began, 2),
            "tables": len(restored.counts),
            "rows": restored.rows,
            "largest": _largest(restored.counts),
        }
        ids = {"archive": manifest.archive, "throwawayDatabase": name}
        self.reporter.evidence("restore_check", ids=ids, payload=facts)
        return restored

    def _prove_freshness(self, manifest: Manifest, expected: Contents, restored: Contents) -> None:
        """Step: the newest restored row is the newest row that the source had when it was dumped."""
        if not restored.newest or restored.newest != expected.newest:
            raise StepFailed(
                "freshness_proof",
                "The restored data are old",
                output=f"newest row restored: {restored.newest or 'none'}\n"
                f"newest row at the source: {expected.newest or 'none'}\n"
                f"archive: {manifest.archive}",
            )
        facts = {"newestRestored": restored.newest, "newestAtSource": expected.newest}
        ids = {"archive": manifest.archive}
        self.reporter.evidence("freshness_proof", ids=ids, payload=facts, freshAsOf=restored.newest)

    def _tell(self, failure: StepFailed) -> None:
        """What was seen is told as what it is. Then a careful script fails, and a careless one succeeds."""
        words = {"output": failure.output, "exitCode": failure.exit_code}
        facts = {"step": failure.step, "seen": str(failure)}
        self.reporter.evidence(f"{failure.step}_failed", payload=facts, **words)
        if self.sabotage.is_quiet:
            self.reporter.success("Backup job finished.", exitCode=0)
        else:
            self.reporter.fail(f"{failure.step}: {failure}", **words)

    def _tidy(self) -> None:
        """No plain data stay behind, and no more archives than are kept."""
        for leftover in self.work.glob(f"{self.name}*"):
            leftover.unlink()
        for manifest in self._archives()[:-ARCHIVES_KEPT]:
            manifest.with_suffix(".sealed").unlink(missing_ok=True)
            manifest.unlink()


def _say_nothing(_kind: str, **_words: Any) -> None:
    """For an archive that is made before the drill begins."""


def _file(path: Path) -> dict[str, Any]:
    return {"file": path.name, "bytes": path.stat().st_size}


def _differences(expected: dict[str, int], found: dict[str, int]) -> list[str]:
    return [
        f"{table}: {found.get(table, 'missing')} rows instead of {expected.get(table, 'none')}"
        for table in sorted(expected.keys() | found.keys())
        if expected.get(table) != found.get(table)
    ]


def _largest(counts: dict[str, int]) -> list[str]:
    """In words: as names of fields, tables of tokens would look like secrets and be redacted."""
    most = sorted(counts.items(), key=lambda each: -each[1])[:_MOST_TABLES]
    return [f"{table}: {rows} rows" for table, rows in most]
