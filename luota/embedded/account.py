"""As whom the engines run: PostgreSQL refuses root, so root lends them a system user that owns their files."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luota.embedded.layout import EngineError, Layout, pg_binary, redis_binary

SYSTEM_USER = "luota"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user that owns the engines' processes and files."""

    uid: int
    gid: int
    name: str

    @property
    def is_other(self) -> bool:
        return self.uid != os.geteuid()

    def run(self, command: list[str], *, cwd: Path) -> subprocess.CompletedProcess[bytes]:
        """Run a program as this account, in a session of its own so that Ctrl-C never reaches it.

        The output goes through a file: a server left behind would hold a pipe open for ever.
        """
        identity: dict[str, Any] = {}
        if self.is_other:
            identity = {"user": self.uid, "group": self.gid, "extra_groups": []}
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603 -- our own binaries, arguments made here
                command,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                start_new_session=True,
                umask=0o077,
                **identity,
            )
            output.seek(0)
            done.stdout = output.read()
        return done

    def own(self, directory: Path) -> None:
        """Make a directory that only this account (and root) can enter; refuse somebody else's."""
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {self.uid, os.geteuid()}:
            raise EngineError(
                f"{directory} belongs to somebody else: remove it or move LUOTA_HOME."
            )
        if found.st_uid != self.uid:
            os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)


def account_for(layout: Layout) -> Account:
    """Ourselves; for root the owner of LUOTA_HOME when that is a person, else the system user."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), name=_name_of(os.geteuid()))
    owner = layout.home.stat()
    if owner.st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid, name=_name_of(owner.st_uid))
    user = _find_or_make_system_user()
    return Account(uid=user.pw_uid, gid=user.pw_gid, name=user.pw_name)


def prepare_home(layout: Layout) -> Account:
    """Make LUOTA_HOME and what the engines need in it, owned so that nobody else can enter."""
    home = layout.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        owner = home.stat().st_uid
        if os.geteuid() not in {owner, 0} or not os.access(home, os.W_OK | os.X_OK):
            raise EngineError(
                f"{home} belongs to {_name_of(owner)}: run as that user or move LUOTA_HOME."
            )
        account = account_for(layout)
        if home.stat().st_uid == os.geteuid():
            home.chmod(0o711 if account.is_other else 0o700)
        _refuse_unreachable(layout, account)
        for directory in (layout.redis, layout.logs, layout.sockets):
            account.own(directory)
    except OSError as error:
        raise EngineError(
            f"{home} cannot be prepared ({error.strerror}: {error.filename}): make room there or move LUOTA_HOME."
        ) from error
    return account


def _refuse_unreachable(layout: Layout, account: Account) -> None:
    if not account.is_other:
        return
    for wanted in (layout.home, pg_binary("postgres"), redis_binary()):
        blocked = _find_blocked(wanted.resolve(), account)
        if blocked:
            raise EngineError(
                f"PostgreSQL may not run as root and the user {account.name} that stands in cannot pass {blocked}: "
                f"move {'LUOTA_HOME' if wanted == layout.home else 'the project'} to a place that every user can "
                "enter (/srv, /opt), or run as an ordinary user."
            )


def _find_blocked(path: Path, account: Account) -> Path | None:
    """The first directory above `path` that the account may not enter."""
    for directory in reversed(path.parents):
        found = directory.stat()
        if found.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif found.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not found.st_mode & needed:
            return directory
    return None


def _find_or_make_system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    command = [
        useradd or "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        SYSTEM_USER,
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False) if useradd else None  # noqa: S603 -- fixed arguments
    try:
        return pwd.getpwnam(SYSTEM_USER)  # also when another start was quicker
    except KeyError as error:
        why = made.stderr.strip() if made else "useradd is not installed"
        raise EngineError(
            f"PostgreSQL may not run as root and the system user {SYSTEM_USER} cannot be made ({why}): "
            "make it by hand or run as an ordinary user."
        ) from error


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
