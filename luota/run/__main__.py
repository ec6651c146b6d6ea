"""`make run`: engines, preparation, then web, workers, beat and demo until a signal, all ended in order."""

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from django.conf import settings
from honcho.environ import parse_procfile

from luota import embedded
from luota.run import kinship, supervise
from luota.run.vigil import Vigil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _leave)
    vigil = Vigil()
    kinship.adopt_orphans()
    try:
        _run("luota.checks")  # before an engine is started or a server asked
        _refuse_wrong_address()
        with embedded.alone(settings.LUOTA_HOME, what="`make run`"), _engines():
            _prepare()
            vigil.wrong = _serve(vigil) or vigil.wrong
    except embedded.EngineError as error:
        vigil.wrong = str(error)
    except subprocess.CalledProcessError:
        return 1  # the preparation has said why
    finally:
        kinship.bury_descendants()
    if vigil.wrong:
        sys.stderr.write(f"luota: {vigil.wrong}\n")
    return 1 if vigil.wrong else 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    for ignored in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)  # one is enough: what follows is the cleaning up
    raise SystemExit(0)


def _refuse_wrong_address() -> None:
    """Bind once where the web server will: who is to blame, HOST or PORT, only the attempt tells."""
    with socket.socket(socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, settings.PORT))
        except OSError as error:
            is_host = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
            raise embedded.EngineError(_no_host() if is_host else _no_port(error)) from error


def _no_host() -> str:
    return (
        f"HOST is {settings.HOST!r}, which is no address of this machine: "
        "set it to 127.0.0.1, or to 0.0.0.0 to be reached from elsewhere."
    )


def _no_port(error: OSError) -> str:
    return (
        f"Port {settings.PORT} cannot be used ({error.strerror}): "
        f"stop what uses it, or choose another with `make run PORT={_other(settings.PORT)}`."
    )


def _other(port: int) -> int:
    return port + 1 if 1024 <= port < 65535 else 8000


@contextmanager
def _engines() -> Iterator[None]:
    """The bundled engines, when the environment names no servers."""
    if not settings.IS_BUNDLED:
        yield
        return
    _say("Starting PostgreSQL and Redis ...")
    with embedded.using(settings.LUOTA_HOME):
        yield


def _prepare() -> None:
    _say("Preparing the database ...")
    _run("luota.run.prepare", *(["--demo"] if settings.DEMO else []))


def _run(module: str, *arguments: str) -> None:
    command = [sys.executable, "-m", module, *arguments]
    # In a session of its own: Ctrl-C reaches us alone, and we end it.
    subprocess.run(command, cwd=settings.BASE_DIR, check=True, start_new_session=True)  # noqa: S603 -- our own module


def _serve(vigil: Vigil) -> str:
    _say("Starting web, workers and beat ...")
    commands = parse_procfile((settings.BASE_DIR / "Procfile").read_text()).processes
    if not settings.DEMO:
        commands.pop("demo")
    return supervise.run(commands, cwd=settings.BASE_DIR, env=_environment(), watch=vigil.look)


def _environment() -> dict[str, str]:
    """The Procfile's variables as the settings read them, whether from the environment or from .env."""
    names = ("HOST", "PORT", "LUOTA_HOME", "WEB_WORKERS", "WEB_THREADS", "WORKER_PROCESSES")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    read = {name: str(getattr(settings, name)) for name in names}
    # Celery warns root on each start; the engines, which matter more, are not run by root.
    quiet = "ignore:You're running the worker with superuser privileges"
    return {
        "PYTHONWARNINGS": quiet,
        **os.environ,
        **_reach(),
        **read,
        "PATH": programs,
        "PYTHONUNBUFFERED": "1",
    }


def _reach() -> dict[str, str]:
    """A probe of the demo looks at a page of the demo; where others come in, the operator says what may be seen."""
    is_ours = settings.DEMO and settings.HOST in {"127.0.0.1", "localhost", "::1"}
    if settings.OUTBOUND_ALLOWED_NETWORKS or not is_ours:
        return {}
    return {"OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8"}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
