"""The whole product as real processes on engines of its own: what stories and faults stand on.

    with Product() as product:
        monitor = product.api("POST", "/v1/monitors", {...}).json()
        product.kill("worker")
        product.wait_for(lambda: product.files(monitor["id"]), seconds=30)

Programs are those of the Procfile; `postgres` and `redis` can be killed and started like them.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
import requests
from honcho.environ import parse_procfile

from luota import embedded
from luota.embedded.layout import layout_of
from luota.embedded.processes import engines_in, read_pid
from luota.lib.yaml_text import read_documents, write_document
from luota.portal.demo.pace import hurried

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("web", "worker", "notifier", "beat")
ENGINES = ("postgres", "redis")
SERVING_SECONDS = 60
ENDING_SECONDS = 15
Found = TypeVar("Found")
_FOREIGN = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "MAKELEVEL", "MAKEFLAGS"}


class Product:
    """One running product; `settings` are variables of its environment (.env.example)."""

    def __init__(self, *, programs: Iterable[str] = PROGRAMS, **settings: str) -> None:
        # Not pytest's tmp_path: its parents are closed to the user that stands in for root.
        self.place = Path(tempfile.mkdtemp(prefix="luota-product-"))
        self.place.chmod(0o711)
        self.home = self.place / "home"
        self.port = _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.database_url = embedded.database_url(self.home)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._programs = tuple(programs)
        self._commands = parse_procfile((ROOT / "Procfile").read_text()).processes
        self._settings = settings

    def __enter__(self) -> Self:
        try:
            embedded.start(self.home)
            seeded = self._seed()
            self.workspace_id: str = seeded["workspace_id"]
            self.management_token: str = seeded["management_token"]
            self.ingest_token: str = seeded["ingest_token"]
            for name in self._programs:
                self.start(name)
            if "web" in self._programs:
                self.wait_until_serving()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def environment(self) -> dict[str, str]:
        """What its programs run in, and what a program beside them (a drill) may be given."""
        kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {
            **kept,
            "PATH": programs,
            "PYTHONUNBUFFERED": "1",
            "LUOTA_HOME": str(self.home),
            "PORT": str(self.port),
            "WEB_WORKERS": "2",
            "WORKER_PROCESSES": "1",
            "RATE_PER_MINUTE": "1000000",
            "RATE_PER_HOUR": "1000000",
            "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            **self._settings,
        }

    def start(self, name: str) -> None:
        """A program of the Procfile in a session of its own, or an engine that was killed."""
        if name in ENGINES:
            embedded.start(self.home)
            return
        with self.log_of(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                ["/bin/sh", "-c", self._commands[name]],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str, sign: signal.Signals = signal.SIGKILL) -> None:
        """SIGKILL takes a program with all its processes, as a machine would; other signals its leader alone.

        Returns when the leader is gone (SIGKILL, SIGTERM, SIGINT); an engine's data stay as they were,
        and Redis keeps none.
        """
        if name in ENGINES:
            self._kill_engine(name, sign)
            return
        leader = self.running[name]
        if sign is signal.SIGKILL:
            os.killpg(leader.pid, sign)
        else:
            leader.send_signal(sign)
        if sign in {signal.SIGKILL, signal.SIGTERM, signal.SIGINT}:
            leader.wait(timeout=ENDING_SECONDS)

    def children(self, name: str) -> list[int]:
        """The processes that a program keeps below its leader, for a kill of one of them alone."""
        leader = self.running[name].pid
        tasks = Path(f"/proc/{leader}/task").glob("*/children")
        return sorted({int(pid) for task in tasks for pid in task.read_text().split()})

    def end(self) -> None:
        """Everything is stopped and its files are gone, whatever state it is in."""
        for process in reversed(self.running.values()):
            if process.poll() is None:
                process.terminate()
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=ENDING_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a leader killed alone leaves children
            process.wait()
        embedded.stop(self.home)
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.rmtree(layout_of(self.home).sockets, ignore_errors=True)

    def api(
        self, method: str, path: str, body: Any = None, *, token: str | None = None
    ) -> requests.Response:
        """One call of the public API, by the management token unless another is given."""
        return requests.request(
            method,
            f"{self.base_url}{path}",
            json=body,
            headers={"X-Luota-Key": token or self.management_token},
            timeout=30,
        )

    def tell(self, path: str, body: Any = None) -> requests.Response:
        """One signal, by the ingest token."""
        return self.api("POST", path, body or {}, token=self.ingest_token)

    def read(self, path: str) -> Any:
        """What the management API tells; raises requests.HTTPError while it cannot."""
        answer = self.api("GET", path)
        answer.raise_for_status()
        return answer.json()

    def create_monitor(self, name: str, mode: str, spec: dict[str, Any], **fields: Any) -> str:
        """The id of a new monitor; `spec` in the camelCase of the API."""
        body = {"promise": f"{name}.", **fields, "name": name, "mode": mode, "spec": spec}
        answer = self.api("POST", "/v1/monitors", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def apply_blueprint(
        self, slug: str, names: Mapping[str, Mapping[str, Any]], owner: str
    ) -> dict[str, str]:
        """{name: id} of monitors made of a shipped blueprint by `manage.py apply`, one for each name.

        Only the times are others: `names` are {name: words of `hurried`, and rules in their place}.
        """
        written = [self._renamed(slug, name, words, owner) for name, words in names.items()]
        file = self.place / f"{slug}-{len(list(self.place.glob('*.yaml')))}.yaml"
        file.write_text("---\n".join(map(write_document, written)))
        self.manage("apply", str(file))
        listed = self.read("/v1/monitors?limit=200")["items"]
        return {each["name"]: each["id"] for each in listed if each["name"] in names}

    def manage(self, *arguments: str) -> str:
        """What a command of manage.py prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment | {"DJANGO_SETTINGS_MODULE": "luota.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def seed_demo(self) -> dict[str, Any]:
        """What stands in demo.json."""
        self.manage("seed_demo")
        return dict(json.loads((self.home / "demo.json").read_text()))

    @staticmethod
    def _renamed(slug: str, name: str, words: Mapping[str, Any], owner: str) -> dict[str, Any]:
        (document,) = read_documents((ROOT / "blueprints" / f"{slug}.yaml").read_bytes())
        times = {word: words[word] for word in ("within", "stays") if word in words}
        rules = {word: value for word, value in words.items() if word not in times}
        spec = hurried(document.value["spec"], **times) | rules
        return document.value | {"name": name, "owner": owner, "spec": spec}

    def files(self, monitor_id: str, state: str | None = None) -> list[dict[str, Any]]:
        """The whole incident files about one monitor, the last broken first."""
        query = f"monitor={monitor_id}" + (f"&state={state}" if state else "")
        listed = self.read(f"/v1/incidents?{query}")["items"]
        return [self.read(f"/v1/incidents/{each['id']}") for each in listed]

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows straight from the product's database, for what no API tells."""
        with psycopg.connect(self.database_url, connect_timeout=5) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def wait_for(self, look: Callable[[], Found], *, seconds: float) -> Found:
        """What `look` returns as soon as it is true; servers that are away are looked for again."""
        deadline = time.monotonic() + seconds
        refusal: Exception | None = None
        while True:
            try:
                if found := look():
                    return found
            except (requests.RequestException, psycopg.OperationalError) as error:
                refusal = error
            assert time.monotonic() < deadline, (
                f"not within {seconds} s ({refusal})\n{self.last_words()}"
            )
            time.sleep(0.1)

    def wait_until_serving(self) -> None:
        self.wait_for(self._serves, seconds=SERVING_SECONDS)

    def log_of(self, name: str) -> Path:
        return self.place / f"{name}.log"

    def last_words(self) -> str:
        """The ends of all logs, for a test that failed."""
        logs = sorted(self.place.glob("*.log"))
        return "\n".join(
            f"── {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in logs
        )

    def _serves(self) -> bool:
        assert self.running["web"].poll() is None, self.last_words()
        return requests.get(f"{self.base_url}/livez", timeout=5).ok

    def _seed(self) -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.seeding"],
            cwd=ROOT,
            env={**self.environment, "DJANGO_SETTINGS_MODULE": "luota.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def _kill_engine(self, name: str, sign: signal.Signals) -> None:
        layout = layout_of(self.home)
        directory = layout.data if name == "postgres" else layout.redis
        leader = read_pid(layout.data / "postmaster.pid") if name == "postgres" else None
        pids = engines_in(directory)
        for pid in pids if sign is signal.SIGKILL or leader is None else [leader]:
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
        self.wait_for(lambda: not engines_in(directory), seconds=ENDING_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
