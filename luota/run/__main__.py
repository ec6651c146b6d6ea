"""`make run`: engines, preparation, then web, workers, beat and demo until a signal, all ended in order."""

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
        _refuse_busy_port()
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


def _refuse_busy_port() -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, settings.PORT))
        except (OSError, OverflowError) as error:
            raise embedded.EngineError(
                f"Port {settings.PORT} cannot be used ({getattr(error, 'strerror', error)}): "
                f"stop what uses it, or choose another with `make run PORT={_other(settings.PORT)}`."
            ) from error


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
    command = [sys.executable, "-m", "luota.run.prepare", *(["--demo"] if settings.DEMO else [])]
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
        **read,
        "PATH": programs,
        "PYTHONUNBUFFERED": "1",
    }


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
