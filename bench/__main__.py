"""`make bench`: each bench in a process of its own, on engines of its own in a temporary LUOTA_HOME.

`python -m bench ping tick` runs only those.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench import machine, serving
from luota import embedded

BENCHES = (
    "ping",
    "receivers",
    "signatures",
    "servers",
    "batch",
    "tick",
    "crowd",
    "expect",
    "memory",
    "fold",
)
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "luota.settings",
    "RATE_PER_MINUTE": "1000000",
    "RATE_PER_HOUR": "1000000",
    "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
    "EMAIL_URL": "dummymail://",
    "LOG_LEVEL": "WARNING",
    "DEMO": "0",
}


def main() -> int:
    print(machine.describe())
    return max(run(name) for name in sys.argv[1:] or BENCHES)


def run(name: str) -> int:
    """The exit code of one bench; its engines do not outlive it."""
    with tempfile.TemporaryDirectory(prefix="luota-bench-") as directory:
        Path(directory).chmod(0o711)
        home = Path(directory) / "home"
        named = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
        environment = {**named, **ENVIRONMENT, "LUOTA_HOME": str(home)}
        with embedded.using(home):
            migrate = [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity", "0"]
            subprocess.run(migrate, cwd=serving.PROJECT, env=environment, check=True)
            print(f"\n== {name}", flush=True)
            return _bench(name, environment)


def _bench(name: str, environment: Mapping[str, str]) -> int:
    command = [sys.executable, "-m", f"bench.{name}"]
    with subprocess.Popen(command, cwd=serving.PROJECT, env=environment) as child:
        try:
            return child.wait()
        finally:
            child.terminate()


if __name__ == "__main__":
    sys.exit(main())
