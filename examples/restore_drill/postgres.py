"""The database under drill, by PostgreSQL's own programs: snapshot, dump, throw-away restore, counts."""

import os
import resource
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

THROWAWAY = "luota_drill"
LEFTOVER_SECONDS = 3600
"""A throw-away database this old belongs to a drill that was killed."""
_END = "end of answer"
_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "sslmode": "PGSSLMODE"}
_COUNTS = r"""
select format('select %L, count(*) from only %I.%I', nspname || '.' || relname, nspname, relname)
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where relkind = 'r' and nspname not like 'pg\_%' and nspname <> 'information_schema' order by 1
\gexec
"""
_NEWEST = """
select to_char(max({column}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') from {table};
"""


class ProgramFailed(Exception):
    """One of PostgreSQL's programs ended with an error; what it wrote is the message."""

    def __init__(self, program: str, exit_code: int, output: str) -> None:
        super().__init__(f"{program} ended with exit code {exit_code}")
        self.exit_code = exit_code
        self.output = output


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in a database at one instant."""

    counts: dict[str, int]
    """Rows of each table, partitions apart."""
    newest: str
    """The newest row's instant in UTC; empty when there is no row."""

    @property
    def rows(self) -> int:
        return sum(self.counts.values())


class Database:
    """One database and the programs that reach it. The password never stands on a command line."""

    def __init__(self, url: str, *, pg_bin: Path | None, newest: str) -> None:
        """`newest` names the column that says how recent the data are: table.column."""
        self.name = unquote(urlsplit(url).path.lstrip("/"))
        self._bin = pg_bin
        self._environment = {**os.environ, **_connection(url), "PGAPPNAME": "restore drill"}
        table, _, column = newest.rpartition(".")
        self._newest = _NEWEST.format(table=table, column=column)

    @contextmanager
    def snapshot(self) -> Iterator[tuple[str, Contents]]:
        """Its name for pg_dump, and what it holds: rows written meanwhile are in neither."""
        command = self._psql(self.name)
        with subprocess.Popen(
            command,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as session:
            begin = (
                "begin isolation level repeatable read read only;\nselect pg_export_snapshot();\n"
            )
            (name,) = _ask(session, begin)
            yield name, _contents(_ask(session, _COUNTS), _ask(session, self._newest))

    def dump(self, target: Path, *, snapshot: str, room: int | None = None) -> None:
        """An archive in the custom format; the disk has `room` for so many bytes."""
        self._run(
            [
                self._program("pg_dump"),
                *("--format=custom", f"--snapshot={snapshot}", f"--file={target}"),
                self.name,
            ],
            room=room,
        )

    @contextmanager
    def throwaway(self) -> Iterator[str]:
        """A fresh, empty database that is gone afterwards, whatever happens."""
        self._drop_leftovers()
        name = f"{THROWAWAY}_{int(time.time())}_{secrets.token_hex(4)}"
        self._execute(f'create database "{name}" template template0;')
        try:
            yield name
        finally:
            self._execute(f'drop database if exists "{name}" with (force);')

    def restore(self, archive: Path, *, into: str) -> None:
        options = ("--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={into}")
        self._run([self._program("pg_restore"), *options, str(archive)])

    def read(self, name: str) -> Contents:
        """What a (throw-away) database holds now."""
        return _contents(self._execute(_COUNTS, name), self._execute(self._newest, name))

    def version(self) -> str:
        return self._run([self._program("pg_dump"), "--version"]).strip()

    def _drop_leftovers(self) -> None:
        found = self._execute(
            rf"select datname from pg_database where datname ~ '^{THROWAWAY}_\d+_[0-9a-f]+$';"  # noqa: S608 -- our own name
        )
        for name in found:
            if int(name.split("_")[2]) < time.time() - LEFTOVER_SECONDS:
                self._execute(f'drop database if exists "{name}" with (force);')

    def _execute(self, sql: str, database: str | None = None) -> list[str]:
        return self._run(self._psql(database or self.name), stdin=sql).splitlines()

    def _psql(self, database: str) -> list[str]:
        options = ("-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1")
        return [self._program("psql"), *options, "-d", database]

    def _program(self, name: str) -> str:
        return str(self._bin / name) if self._bin else name

    def _run(self, command: list[str], *, stdin: str = "", room: int | None = None) -> str:
        done = subprocess.run(
            command,
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=(lambda: _limit_files(room)) if room else None,
        )
        if done.returncode != 0:
            program = Path(command[0]).name
            raise ProgramFailed(program, done.returncode, done.stderr.strip())
        return done.stdout


def _connection(url: str) -> dict[str, str]:
    """libpq's variables for an address such as postgres://user:password@host:5432/name?sslmode=require."""
    parts = urlsplit(url)
    given = {
        "host": parts.hostname or "",
        "port": str(parts.port or ""),
        **dict(parse_qsl(parts.query)),
    }
    variables = {_VARIABLES[name]: value for name, value in given.items() if name in _VARIABLES}
    variables |= {
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
    }
    return {name: value for name, value in variables.items() if value}


def _ask(session: "subprocess.Popen[str]", sql: str) -> list[str]:
    """The lines of the answer, from a session that stays open."""
    if session.stdin is None or session.stdout is None:
        raise TypeError("the session has no pipes")
    session.stdin.write(f"{sql}\n\\echo {_END}\n")
    session.stdin.flush()
    lines: list[str] = []
    for line in session.stdout:
        if line.strip() == _END:
            return lines
        lines.append(line.rstrip("\n"))
    raise ProgramFailed("psql", session.wait(), "\n".join(lines))


def _contents(counts: list[str], newest: list[str]) -> Contents:
    pairs = (line.split("\t") for line in counts)
    return Contents(counts={table: int(rows) for table, rows in pairs}, newest=newest[0])


def _limit_files(room: int) -> None:
    """Writing beyond it fails like a full disk, instead of killing the program."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
