"""Certificates of SNS: fetched once a day by the guarded client, not asked for again at once when there was none."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest import MonkeyPatch  # noqa: PT013 - a type

from evidence import certificates
from evidence.certificates import Certificates
from evidence.receivers.contract import Cause, Refused
from luota.lib.guard import AddressRefused, Unreachable
from luota.lib.outbound import Answer, Client

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a.pem"


class Amazon:
    """Answers as told; an exception is raised."""

    def __init__(self, *script: int | Exception) -> None:
        self.script, self.asked = list(script), []

    def fetch(self, url: str, *, most_bytes: int) -> Answer:
        self.asked.append((url, most_bytes))
        said = self.script.pop(0)
        if isinstance(said, Exception):
            raise said
        return Answer(status=said, reason="", head="PEM", retry_after="", location="")


@pytest.fixture
def amazon(monkeypatch: MonkeyPatch) -> Amazon:
    told = Amazon()
    monkeypatch.setattr(Client, "fetch", told.fetch)
    return told


def test_a_certificate_is_kept_for_a_day(amazon: Amazon) -> None:
    amazon.script = [200, 200]
    kept = Certificates()

    instants = (NOON, NOON + certificates.KEPT_FOR - SECOND, NOON + certificates.KEPT_FOR)
    assert {kept.get(URL, now=at) for at in instants} == {"PEM"}
    assert amazon.asked == [(URL, certificates.MOST_BYTES)] * 2


@pytest.mark.parametrize("said", [404, 302, AddressRefused("inner"), Unreachable("nobody")])
def test_an_address_that_gave_nothing_is_left_alone_for_a_minute(
    amazon: Amazon, said: int | Exception
) -> None:
    amazon.script = [said, 200]
    kept = Certificates()

    for at in (NOON, NOON + certificates.FAILED_FOR - SECOND):
        with pytest.raises(Refused) as refused:
            kept.get(URL, now=at)
        assert refused.value.cause is Cause.UNREACHABLE
    assert kept.get(URL, now=NOON + certificates.FAILED_FOR) == "PEM"


def test_the_least_lately_fetched_go_first(amazon: Amazon, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "MOST_KEPT", 2)
    amazon.script = [200] * 4
    kept = Certificates()

    for name in ("a", "b", "c", "c", "a"):
        kept.get(f"{URL}{name}", now=NOON)

    assert [url[-1] for url, _ in amazon.asked] == ["a", "b", "c", "a"]


def test_a_confirmation_that_is_not_taken_is_no_confirmation(amazon: Amazon) -> None:
    amazon.script = [403, 200]

    with pytest.raises(Refused):
        certificates.confirm(URL)
    certificates.confirm(URL)


def test_names_that_were_made_up_push_out_no_certificate(amazon: Amazon) -> None:
    made_up = [URL.replace("0a", f"{n:x}b") for n in range(certificates.MOST_KEPT + 20)]
    amazon.script = [200, *[404] * len(made_up)]
    kept = Certificates()
    kept.get(URL, now=NOON)

    for each in made_up:
        with pytest.raises(Refused):
            kept.get(each, now=NOON)

    assert kept.get(URL, now=NOON) == "PEM"
