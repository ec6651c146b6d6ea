"""The bundled engines as real processes: started, shared, killed and recovered."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis

from luota import embedded
from luota.embedded import postgres
from luota.embedded.layout import layout_of
from luota.embedded.processes import engines_in, read_pid

AS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0,
    reason="engines give up root for a user of their own: without root there is nothing to give up",
)
COMMAND = [sys.executable, "-m", "luota.embedded"]


@pytest.fixture
def home() -> Iterator[Path]:
    """Not tmp_path: its parents are closed to the user that stands in for root."""
    place = Path(tempfile.mkdtemp(prefix="luota-test-"))
    place.chmod(0o711)
    yield place
    embedded.stop(place)
    shutil.rmtree(place)


def living(home: Path) -> list[int]:
    layout = layout_of(home)
    return engines_in(layout.data) + engines_in(layout.redis)


def postmaster(home: Path) -> int:
    pid = read_pid(layout_of(home).data / "postmaster.pid")
    assert pid is not None
    return pid


def ask(home: Path, question: str) -> object:
    with psycopg.connect(embedded.database_url(home), autocommit=True) as line:
        cursor = line.execute(question)
        return cursor.fetchone() if cursor.description else None


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--home", str(home), *words], capture_output=True, text=True, check=False
    )


def test_both_engines_answer_and_stopping_leaves_no_process(home: Path) -> None:
    embedded.start(home)
    assert ask(home, "select 1") == (1,)
    assert redis.Redis.from_url(embedded.redis_url(home)).ping()
    embedded.stop(home)
    assert living(home) == []
    assert not embedded.is_running(home)


def test_a_second_start_reuses_what_runs(home: Path) -> None:
    embedded.start(home)
    first = postmaster(home)
    embedded.start(home)
    assert postmaster(home) == first


def test_starts_at_the_same_moment_do_not_fight(home: Path) -> None:
    starts = [
        subprocess.Popen([*COMMAND, "--home", str(home), "start"], stdout=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [start.wait() for start in starts] == [0, 0, 0, 0]
    assert ask(home, "select 1") == (1,)


def test_commits_are_durable_and_sockets_are_the_only_way_in(home: Path) -> None:
    embedded.start(home)
    shown = [ask(home, f"show {name}") for name in ("fsync", "synchronous_commit")]
    assert shown == [("on",), ("on",)]
    assert ask(home, "show listen_addresses") == ("",)
    assert layout_of(home).sockets.stat().st_mode & 0o077 == 0
    assert layout_of(home).data.stat().st_mode & 0o077 == 0


def test_after_kill_9_of_everything_the_next_start_has_all_commits(home: Path) -> None:
    embedded.start(home)
    ask(home, "create table kept as select 42 as answer")
    for pid in living(home):
        with suppress(ProcessLookupError):  # the others leave when the first one is gone
            os.kill(pid, signal.SIGKILL)
    assert not embedded.is_running(home)
    embedded.start(home)
    assert ask(home, "select answer from kept") == (42,)
    assert redis.Redis.from_url(embedded.redis_url(home)).ping()


def test_backends_orphaned_by_a_killed_server_are_no_obstacle(home: Path) -> None:
    embedded.start(home)
    line = psycopg.connect(embedded.database_url(home))
    line.execute("create table uncommitted ()")
    backend = line.info.backend_pid
    os.kill(backend, signal.SIGSTOP)  # it cannot see that its server is gone
    os.kill(postmaster(home), signal.SIGKILL)
    embedded.start(home)
    assert backend not in living(home)
    assert ask(home, "select count(*) from pg_class where relname = 'uncommitted'") == (0,)
    line.close()


def test_a_pid_file_that_names_somebody_else_is_not_believed(home: Path) -> None:
    embedded.start(home)
    embedded.stop(home)
    remains = layout_of(home).data / "postmaster.pid"
    remains.write_text(f"{os.getpid()}\n{remains.parent}\n{int(time.time())}\n5432\n")
    embedded.start(home)
    assert ask(home, "select 1") == (1,)


def test_a_cluster_half_made_is_made_anew(home: Path) -> None:
    workshop = home / "postgres.new" / "data"
    workshop.mkdir(parents=True)
    (workshop / "PG_VERSION").write_text("18\n")
    embedded.start(home)
    assert ask(home, "select 1") == (1,)


def test_a_killed_redis_comes_back_empty_and_postgresql_stays(home: Path) -> None:
    embedded.start(home)
    first = postmaster(home)
    redis.Redis.from_url(embedded.redis_url(home)).set("message", "1")
    for pid in engines_in(layout_of(home).redis):
        os.kill(pid, signal.SIGKILL)
    embedded.revive(home)
    assert redis.Redis.from_url(embedded.redis_url(home)).get("message") is None
    assert postmaster(home) == first


def test_a_path_too_long_for_sockets_works_all_the_same(home: Path) -> None:
    long = home / ("deep" * 30)
    embedded.start(long)
    assert ask(long, "select 1") == (1,)
    embedded.stop(long)
    shutil.rmtree(layout_of(long).sockets)


def test_a_command_gets_the_engines_and_its_exit_code_comes_back(home: Path) -> None:
    code = "import os, sys; from luota import embedded; "
    code += "sys.exit(7 if embedded.is_running(os.environ['LUOTA_HOME']) else 1)"
    done = run(home, "exec", "--", sys.executable, "-c", code)
    assert (done.returncode, living(home)) == (7, [])


def test_the_last_of_two_sessions_stops_the_engines(home: Path) -> None:
    long = subprocess.Popen([*COMMAND, "--home", str(home), "exec", "--", "sleep", "60"])
    while not embedded.is_running(home):
        time.sleep(0.05)
    assert run(home, "exec", "--", "true").returncode == 0
    assert embedded.is_running(home)
    long.send_signal(signal.SIGTERM)
    assert long.wait() == 128 + signal.SIGTERM
    assert living(home) == []


def test_a_session_leaves_engines_alone_that_were_started_to_stay(home: Path) -> None:
    embedded.start(home)
    with embedded.using(home):
        pass
    assert embedded.is_running(home)


def test_a_second_program_of_the_same_kind_is_refused(home: Path) -> None:
    with (
        embedded.alone(home, what="`make run`"),
        pytest.raises(embedded.EngineError, match="Another `make run` uses"),
        embedded.alone(home, what="`make run`"),
    ):
        pass


def test_status_says_by_its_exit_code_whether_both_answer(home: Path) -> None:
    assert run(home, "status").returncode == 1
    embedded.start(home)
    assert run(home, "status").returncode == 0


def test_a_full_disk_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "ROOM_NEEDED", 2**62)
    with pytest.raises(embedded.EngineError, match=r"disk of .* is full .*move LUOTA_HOME"):
        embedded.start(home)


def test_a_cluster_of_another_version_is_refused(home: Path) -> None:
    embedded.start(home)
    embedded.stop(home)
    (layout_of(home).data / "PG_VERSION").write_text("15\n")
    with pytest.raises(embedded.EngineError, match="made by PostgreSQL 15, not 18"):
        embedded.start(home)
    (layout_of(home).data / "PG_VERSION").write_text("18\n")


def test_what_is_no_cluster_is_not_overwritten(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "letter").write_text("precious")
    done = run(home, "start")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is not a PostgreSQL cluster" in done.stderr
    assert (home / "postgres" / "letter").read_text() == "precious"


@AS_ROOT
def test_root_lends_the_engines_a_user_of_their_own(home: Path) -> None:
    embedded.start(home)
    owners = owners_of(living(home))
    assert len(owners) == 1
    assert 0 not in owners


@AS_ROOT
def test_root_is_told_which_directory_the_other_user_cannot_pass(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(embedded.EngineError, match=f"cannot pass {closed}: move LUOTA_HOME"):
        embedded.start(closed / "home")


def owners_of(pids: Iterable[int]) -> set[int]:
    """Of those that are still there: an engine's own workers come and go."""
    owners = set()
    for pid in pids:
        with suppress(FileNotFoundError):
            owners.add(Path(f"/proc/{pid}").stat().st_uid)
    return owners


@AS_ROOT
def test_an_ordinary_user_needs_nothing_from_root_and_root_may_use_the_same_home(
    home: Path,
) -> None:
    os.chown(home, 65534, 65534)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    command = [*as_nobody, *COMMAND, "--home", str(home)]
    assert subprocess.run([*command, "start"], check=False).returncode == 0
    assert owners_of(living(home)) == {65534}
    embedded.stop(home)
    embedded.start(home)
    assert owners_of(living(home)) == {65534}
    assert subprocess.run([*command, "stop"], check=False).returncode == 0
    assert living(home) == []


@AS_ROOT
def test_a_home_of_somebody_else_is_refused_by_name(home: Path) -> None:
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run(
        [*as_nobody, *COMMAND, "--home", str(home), "start"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"luota: {home} belongs to root: run as that user")
    assert done.stderr.count("\n") == 1
