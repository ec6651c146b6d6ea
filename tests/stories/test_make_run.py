"""A newcomer's first command, as real processes: it serves, it refuses in one sentence, it leaves nothing behind."""

import json
import math
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.conf import settings

from luota.embedded.layout import layout_of
from luota.embedded.processes import engines_in
from luota.run.supervise import LEAST_LIFE_SECONDS

SERVING_SECONDS = 60
BEAT = "clockwork beat"
LEAVING_SECONDS = 60


class Product:
    """One `make run` in a LUOTA_HOME and on a port of its own."""

    def __init__(self, home: Path, port: int, **changes: str) -> None:
        self.home = home
        self.port = port
        self.log = home.with_suffix(f".{port}.log")
        unwanted = {"DATABASE_URL", "REDIS_URL", "MAKELEVEL", "MAKEFLAGS", "DJANGO_SETTINGS_MODULE"}
        environment = {name: value for name, value in os.environ.items() if name not in unwanted}
        environment |= {"LUOTA_HOME": str(home), "PORT": str(port), "DEMO": "false", **changes}
        with self.log.open("wb") as output:
            self.make = subprocess.Popen(
                # Who starts the tests in the background leaves interrupts ignored, also by what they start.
                ["env", "--default-signal=INT", "make", "run"],
                cwd=settings.BASE_DIR, env=environment, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def sentences(self) -> list[str]:
        return [line for line in self.said().splitlines() if line.startswith("luota: ")]

    def get(self, path: str) -> dict[str, Any]:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return dict(json.load(answer))

    def answers(self) -> bool:
        with suppress(URLError):
            return self.get("/livez") == {"status": "alive"}
        return False

    def part(self, name: str) -> dict[str, Any]:
        """What /readyz says of one part."""
        return dict(self.get("/readyz")[name])

    def wait_until_serving(self) -> None:
        wait_for(lambda: "Luota is at" in self.said(), seconds=SERVING_SECONDS, product=self)

    def processes(self) -> set[int]:
        """Whatever knows this home by its environment, its command line or its directory."""
        layout = layout_of(self.home)
        found = {*engines_in(layout.data), *engines_in(layout.redis)}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid() and self._knows_home(entry):
                found.add(int(entry.name))
        return found

    def _knows_home(self, process: Path) -> bool:
        try:
            known = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            return False
        return str(self.home).encode() in known

    def find(self, words: str) -> int:
        """The eldest process of this product whose command line holds the words; 0 when there is none."""
        for pid in sorted(self.processes(), key=born_at):
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
                if words in command and "/bin/sh" not in command:
                    return pid
        return 0

    def kill(self, words: str) -> int:
        """Its pid. Never 0: that would be the tests themselves and all that began them."""
        pid = self.find(words)
        assert pid, f"no process of the product has {words!r}"
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_gone(self) -> int:
        code = self.make.wait(timeout=LEAVING_SECONDS)
        wait_for(lambda: not self.processes(), seconds=5, product=self)
        return code


def wait_for(is_true: Callable[[], bool], *, seconds: float, product: Product) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, product.said()[-4000:]
        time.sleep(0.1)


def born_at(pid: int) -> float:
    """In ticks since the machine began: pids begin anew when they run out, so they tell no age."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:
        return math.inf  # it is gone
    return int(after_name.split()[19])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def home() -> Iterator[Path]:
    """Not tmp_path: its parents are closed to the user that stands in for root."""
    place = Path(tempfile.mkdtemp(prefix="luota-story-"))
    place.chmod(0o711)
    yield place / "home"
    shutil.rmtree(place)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(home: Path, port: int) -> Iterator[Callable[..., Product]]:
    products: list[Product] = []

    def start_one(**changes: str) -> Product:
        products.append(Product(home, port, **changes))
        return products[-1]

    yield start_one
    for product in products:
        product.make.terminate()
        product.make.wait(timeout=LEAVING_SECONDS)
    for pid in {pid for product in products for pid in product.processes()}:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_it_serves_stops_and_starts_again_on_what_it_left(start: Callable[..., Product]) -> None:
    """Once ended by SIGTERM, once by an interrupt that only make receives, as from `kill -INT`."""
    for number in (signal.SIGTERM, signal.SIGINT):
        product = start()
        product.wait_until_serving()
        assert product.get("/livez") == {"status": "alive"}
        product.make.send_signal(number)
        product.wait_until_gone()
        assert product.sentences() == []


def test_killed_engines_are_started_again_and_ctrl_c_ends_them_too(
    start: Callable[..., Product], home: Path
) -> None:
    product = start()
    product.wait_until_serving()
    for count, words in enumerate(["bin/postgres -D", "redis-server"], start=1):
        product.kill(words)
        wait_for(
            lambda wanted=count: product.said().count("was started again") == wanted,  # type: ignore[misc]
            seconds=30, product=product,
        )  # fmt: skip
    assert product.part("database")["ok"]
    assert product.part("redis")["ok"]
    second = start(PORT=str(free_port()))
    assert second.make.wait(timeout=LEAVING_SECONDS) != 0
    assert f"luota: Another `make run` uses {home}" in second.said()
    os.killpg(product.make.pid, signal.SIGINT)
    product.wait_until_gone()


def test_killed_programs_are_started_again(start: Callable[..., Product]) -> None:
    product = start()
    product.wait_until_serving()
    time.sleep(LEAST_LIFE_SECONDS)
    killed = {words: product.kill(words) for words in ["granian", "queues evaluate", BEAT]}
    wait_for(
        lambda: product.said().count("is started again") == len(killed), seconds=30, product=product
    )
    wait_for(product.answers, seconds=30, product=product)
    assert all(product.find(words) not in {0, pid} for words, pid in killed.items())
    product.make.send_signal(signal.SIGTERM)
    product.wait_until_gone()
    assert product.sentences() == []


def test_a_program_that_ends_at_once_stops_all_and_is_named(start: Callable[..., Product]) -> None:
    product = start()
    wait_for(lambda: product.find(BEAT) > 0, seconds=SERVING_SECONDS, product=product)
    product.kill(BEAT)
    assert product.wait_until_gone() != 0
    assert product.sentences() == [
        "luota: `beat` ended at once with exit code -9, so everything was stopped: its lines say why."
    ]


def test_a_signal_during_the_start_leaves_no_process(start: Callable[..., Product]) -> None:
    product = start()
    wait_for(lambda: "Preparing" in product.said(), seconds=SERVING_SECONDS, product=product)
    product.make.send_signal(signal.SIGTERM)
    product.wait_until_gone()


def test_a_busy_port_is_one_sentence(start: Callable[..., Product], port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        product = start()
        assert product.wait_until_gone() != 0
    (sentence,) = product.sentences()
    assert f"Port {port} cannot be used" in sentence
    assert "Traceback" not in product.said()


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"PORT": "http"}, "PORT is 'http' and must be a whole number."),
        ({"HOST": "300.1.1.1"}, "HOST is '300.1.1.1'"),
        ({"DATABASE_URL": "postgres://u@127.0.0.1:1/x"}, "(luota.E006)"),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "(luota.E006)"),
        ({"DATABASE_URL": "garbage"}, "(luota.E004)"),
        ({"REDIS_URL": "garbage"}, "(luota.E005)"),
        ({"SECRET_KEY": "abc"}, "(luota.E014)"),
        (
            {
                "DATABASE_URL": "postgres://u@127.0.0.1:1/x",
                "REDIS_URL": "redis://127.0.0.1:1",
                "SECRET_KEY": "x" * 50,
                "SECRETS_KEYS": "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=",
            },
            "The database of DATABASE_URL cannot be used: connection",
        ),
    ],
)
def test_a_wrong_setting_is_refused_in_sentences(
    start: Callable[..., Product], changes: dict[str, str], wanted: str
) -> None:
    product = start(**changes)
    assert product.wait_until_gone() != 0
    assert any(wanted in sentence for sentence in product.sentences())
    assert not {word for word in ("Traceback", "Warning") if word in product.said()}
