"""Deliveries through the real server: raw bytes, chunked bodies, group commit, what the vendors' packages sign."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
import requests

from luota.lib import clock
from tests.factories import deliveries as of
from tests.factories.deliveries import Delivery
from tests.processes import Product

COMMITTED_WITHIN_SECONDS = 10


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with Product(programs=("web",)) as product:
        yield product


@pytest.fixture(scope="module")
def job(product: Product) -> str:
    return product.create_monitor("Renewal", "run", {"within": "1h", "opensOn": list(of.KINDS)})


def enrol(product: Product, job: str, vendor: str, delivery: Delivery, name: str) -> dict[str, Any]:
    body = {"vendor": vendor, "name": name, "secret": delivery.secret, "monitorId": job}
    answer = product.api("POST", "/v1/receivers", body | {"settings": dict(delivery.settings)})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def deliver(receiver: dict[str, Any], delivery: Delivery, *, chunked: bool = False) -> Any:
    """A body that is an iterator goes out in chunks, without a length."""
    pieces = [delivery.raw[at : at + 100] for at in range(0, len(delivery.raw), 100)]
    return requests.post(
        receiver["address"],
        data=iter(pieces) if chunked else delivery.raw,
        headers={**delivery.headers, "Content-Type": delivery.content_type},
        timeout=10,
    )


def stored(product: Product, receiver: dict[str, Any]) -> list[tuple[Any, ...]]:
    return product.sql(
        "SELECT kind, source, strength, rule FROM evidence_evidence WHERE receiver_id = %s",
        receiver["id"],
    )


@pytest.mark.parametrize("vendor", ["stripe", "github"])
def test_what_a_vendor_signed_is_stored_once_when_it_is_answered(
    product: Product, job: str, vendor: str
) -> None:
    delivery = of.VENDORS[vendor](clock.now())
    receiver = enrol(product, job, vendor, delivery, f"{vendor} whole")

    first = deliver(receiver, delivery)
    kept = stored(product, receiver)
    again = deliver(receiver, delivery, chunked=True)

    assert [(each.status_code, each.text) for each in (first, again)] == [(200, "OK")] * 2
    assert kept == [(delivery.kind, vendor, 4, delivery.rule)]
    assert stored(product, receiver) == kept


def test_a_chunked_body_is_verified_as_the_bytes_that_came(product: Product, job: str) -> None:
    delivery = of.stripe(clock.now(), event="evt_chunked")
    receiver = enrol(product, job, "stripe", delivery, "chunked")

    answer = deliver(receiver, delivery, chunked=True)

    assert answer.status_code == 200
    assert len(stored(product, receiver)) == 1


def test_a_forged_delivery_is_refused_listed_and_not_stored(product: Product, job: str) -> None:
    delivery = of.stripe(clock.now(), event="evt_forged")
    receiver = enrol(product, job, "stripe", delivery, "forged")
    forged = of.stripe(clock.now(), event="evt_forged", secret="whsec_of_a_stranger")

    answer = deliver(receiver, forged)

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert stored(product, receiver) == []
    (listed,) = product.read(f"/v1/receivers/{receiver['id']}/refused")["items"]
    assert (listed["cause"], listed["digest"]) == (
        "bad_signature",
        sha256(forged.raw).hexdigest(),
    )


def test_a_body_over_every_limit_is_refused_before_it_is_read(product: Product, job: str) -> None:
    delivery = of.stripe(clock.now(), event="evt_long")
    receiver = enrol(product, job, "stripe", delivery, "too long")

    answers = [
        requests.post(receiver["address"], data=b"x" * size, timeout=30)
        for size in (300 * 1024, 6 * 1024 * 1024)
    ]

    assert [each.status_code for each in answers] == [413, 413]
    assert answers[1].json()["limit"] == 5 * 1024 * 1024


def test_neither_cookies_nor_pages_stand_before_a_receiver(product: Product, job: str) -> None:
    """It has the short way of the API: nothing that only pages need."""
    answer = requests.post(f"{product.base_url}/in/{'0' * 8}-0000-0000-0000-{'0' * 12}", timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (
        404,
        "application/problem+json",
    )
    assert "Content-Security-Policy" not in answer.headers
    assert "X-Request-Id" in answer.headers


def test_secrets_are_in_no_log(product: Product, job: str) -> None:
    delivery = of.stripe(clock.now(), event="evt_log", secret="whsec_nowhere_to_be_seen")
    receiver = enrol(product, job, "stripe", delivery, "log")

    deliver(receiver, delivery)
    deliver(receiver, of.stripe(clock.now(), secret="whsec_of_a_stranger"))

    log = product.log_of("web").read_text()
    assert "receiver.refused" in log
    assert "whsec_" not in log
