"""What verifying alone costs of a delivery of each vendor: the same bytes again and again, so that keys are known."""

import statistics
import time
from collections.abc import Callable

import django

django.setup()

from bench import vendors  # noqa: E402
from bench.vendors import SENDERS, TOPIC, Sender  # noqa: E402
from evidence.receivers.catalogue import VENDORS  # noqa: E402
from luota.lib import clock  # noqa: E402

ROUNDS, CALLS = 9, 500


def main() -> None:
    print(
        f"\n{CALLS} of each in {ROUNDS} rounds\n\n| | bytes | CPU ms each (least) |\n| - | - | - |"
    )
    for name, sender in SENDERS.items():
        length, verify = verifier(sender)
        spent = [measure(verify) for _ in range(ROUNDS)]
        print(f"| {name} | {length} | {statistics.median(spent):.3f} ({min(spent):.3f}) |")


def verifier(sender: Sender) -> tuple[int, Callable[[], None]]:
    """Bytes of the body, and the call that the door makes; it raises what is refused."""
    now = clock.now()
    headers, text = sender.make(int(now.timestamp()))
    named = {name.lower(): value for name, value in headers.items()}
    secrets = [sender.secret] if sender.secret else [TOPIC, vendors.certificate()]
    verify, raw = VENDORS[sender.vendor].verify_with, text.encode()
    return len(raw), lambda: verify(raw, named, secrets, now, sender.settings)


def measure(verify: Callable[[], None]) -> float:
    began = time.process_time()
    for _ in range(CALLS):
        verify()
    return (time.process_time() - began) / CALLS * 1000


if __name__ == "__main__":
    main()
