"""The engines by hand: `python -m luota.embedded start | stop | status | exec -- COMMAND...`."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from luota import embedded

PROJECT = Path(__file__).resolve().parents[2]


def main() -> int:
    asked = _parse(sys.argv[1:])
    home = asked.home.resolve()
    try:
        match asked.action:
            case "start":
                embedded.start(home)
            case "stop":
                embedded.stop(home)
            case "exec":
                return _execute(home, asked.command, durable=not asked.throwaway)
            case _:
                pass
        return _status(home, wanted=asked.action != "stop")
    except embedded.EngineError as error:
        sys.stderr.write(f"luota: {error}\n")
        return 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m luota.embedded", description=__doc__)
    default = os.environ.get("LUOTA_HOME") or PROJECT / ".luota"
    parser.add_argument(
        "--home", type=Path, default=default, help="where the engines live (LUOTA_HOME)"
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("start", help="start both engines and keep them")
    actions.add_parser("stop", help="stop both engines")
    actions.add_parser("status", help="exit code 0 when both answer")
    run = actions.add_parser("exec", help="run a command with both engines, stop them after it")
    run.add_argument(
        "--throwaway", action="store_true", help="do not wait for the disk: tests only"
    )
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return parser.parse_args(arguments)


def _status(home: Path, *, wanted: bool) -> int:
    running = embedded.is_running(home)
    lines = [
        f"PostgreSQL  {embedded.database_url(home)}",
        f"Redis       {embedded.redis_url(home)}",
        "Both answer." if running else "They are not running.",
    ]
    sys.stdout.write("\n".join([*lines, ""]))
    return 0 if running is wanted else 1


def _execute(home: Path, command: list[str], *, durable: bool) -> int:
    command = command[1:] if command[:1] == ["--"] else command
    if not command:
        raise embedded.EngineError("There is no command to run: write it after `exec --`.")
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    with embedded.using(home, durable=durable):
        try:
            child = subprocess.Popen(command, env={**os.environ, "LUOTA_HOME": str(home)})  # noqa: S603 -- the caller's own command
        except OSError as error:
            raise embedded.EngineError(f"{command[0]} cannot be run ({error.strerror}).") from error
        return _wait_for(child)


def _wait_for(child: "subprocess.Popen[bytes]") -> int:
    """The command's exit code; a signal to us is passed on, and Ctrl-C reaches it from the terminal itself."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGHUP, pass_on)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
