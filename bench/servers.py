"""Which web server: the same pings through the product under granian and under gunicorn's two kinds of worker."""

import statistics

from bench.ping import LUOTA, Contestant, compare, report

SYNC = Contestant("Luota under gunicorn sync", server="gunicorn sync")
THREADS = Contestant("Luota under gunicorn gthread", server="gunicorn gthread")


def main() -> None:
    found = compare([LUOTA, SYNC, THREADS], (False,))[False]
    report(found, events=False)
    for each in (SYNC, THREADS):
        cpu = [a.cpu_ms / b.cpu_ms for a, b in zip(found[each], found[LUOTA], strict=True)]
        print(f"CPU of {each.name} against granian: {statistics.median(cpu):.2f}x")


if __name__ == "__main__":
    main()
