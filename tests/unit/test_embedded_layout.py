"""Addresses and keys of the bundled engines: functions of the path that start nothing."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from stat import S_IMODE

import psycopg
import pytest
from cryptography.fernet import Fernet

from luota import embedded
from luota.embedded.layout import LONGEST_SOCKET_PATH, layout_of


def test_asking_for_addresses_makes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    embedded.database_url(home)
    embedded.redis_url(home)
    assert not home.exists()


def test_a_database_url_is_understood_by_libpq_whatever_the_path_holds() -> None:
    home = Path("/srv/a home & more")
    asked = psycopg.conninfo.conninfo_to_dict(embedded.database_url(home))
    assert asked == {"user": "luota", "dbname": "luota", "host": str(home / "run")}


def test_the_longest_socket_fits_however_long_the_path_is(tmp_path: Path) -> None:
    for length in range(1, 240):
        sockets = layout_of(tmp_path / ("x" * length)).sockets
        assert len(str(sockets / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH


def test_two_long_paths_never_share_their_sockets(tmp_path: Path) -> None:
    first, second = (layout_of(tmp_path / ("x" * 150) / name) for name in ("one", "two"))
    assert first.sockets != second.sockets


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    key = embedded.find_or_make_key(tmp_path, "secret-key")
    Fernet(key)
    assert embedded.find_or_make_key(tmp_path, "secret-key") == key
    assert embedded.find_or_make_key(tmp_path, "other-key") != key
    assert S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600


def test_makers_at_the_same_moment_agree_on_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(max_workers=8) as pool:
        made = set(pool.map(embedded.find_or_make_key, [tmp_path] * 64, ["key"] * 64))
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_key_file_left_empty_by_a_full_disk_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    Fernet(embedded.find_or_make_key(tmp_path, "key"))


def test_a_key_that_cannot_be_made_names_its_place_and_the_cure(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the directory should be")
    with pytest.raises(embedded.EngineError, match=r"home.key.*move LUOTA_HOME"):
        embedded.find_or_make_key(tmp_path / "home", "key")


def test_the_wheels_bring_the_programs_that_are_used() -> None:
    for name in ("postgres", "initdb", "pg_ctl", "pg_dump", "pg_restore", "psql", "createdb"):
        assert embedded.pg_binary(name).is_file()
