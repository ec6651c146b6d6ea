"""The envelope of SNS: its signature, the addresses of its certificates, its topics and confirmations."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from evidence.receivers import ses, sns
from evidence.receivers.contract import Cause, Refused
from tests.unit.receivers.sns_messages import (
    CERTIFICATE_URL,
    CONFIRM_URL,
    CONFIRMATION,
    NOW,
    PEM,
    TOPIC,
    body_of,
    certificate,
    envelope_of,
    event,
    read_cause,
    refusal,
)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    "words", [{}, {"Subject": "Amazon SES Email Event Notification"}, CONFIRMATION,
              CONFIRMATION | {"Type": "UnsubscribeConfirmation"}],
)  # fmt: skip
def test_what_amazon_signed_for_the_topic_is_taken(version: str, words: dict[str, Any]) -> None:
    raw = body_of(event("Delivery"), **({"SignatureVersion": version} | words))
    assert refusal(raw, [PEM, TOPIC]) is None
    assert refusal(raw, ["arn:aws:sns:us-west-2:1:Other", TOPIC, certificate(), PEM]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"Message": "{}"},
        {"MessageId": "another"},
        {"Subject": "added"},
        {"Timestamp": "2026-03-01T11:59:31.123Z"},
        {"Type": "SubscriptionConfirmation"},
        {"Signature": "AAAA"},
        {"Signature": "%%%"},
        {"SignatureVersion": "1"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": None},
    ],
)
def test_a_tampered_envelope_is_refused(change: dict[str, Any]) -> None:
    raw = orjson.dumps(envelope_of(event("Delivery")) | change)
    assert refusal(raw, [PEM, TOPIC]) is Cause.BAD_SIGNATURE


@pytest.mark.parametrize("name", ["SubscribeURL", "Token"])
def test_the_address_to_confirm_at_is_signed_too(name: str) -> None:
    raw = orjson.dumps(envelope_of("", **CONFIRMATION) | {name: f"{CONFIRM_URL}1"})
    assert refusal(raw, [PEM, TOPIC]) is Cause.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("secrets", "cause"),
    [
        ([PEM, "arn:aws:sns:us-west-2:666:Theirs"], Cause.UNKNOWN_SENDER),
        ([PEM], Cause.NO_SECRET),
        ([], Cause.NO_SECRET),
        ([TOPIC], Cause.BAD_SIGNATURE),
        ([TOPIC, certificate(generate_private_key(65537, 2048))], Cause.BAD_SIGNATURE),
        ([TOPIC, certificate(ec.generate_private_key(ec.SECP256R1()))], Cause.BAD_SIGNATURE),
        ([TOPIC, certificate(until=timedelta(seconds=-1))], Cause.BAD_SIGNATURE),
        ([TOPIC, certificate(since=timedelta(seconds=1))], Cause.BAD_SIGNATURE),
        ([TOPIC, "-----BEGIN CERTIFICATE-----\nx"], Cause.BAD_SIGNATURE),
    ],
)
def test_amazon_signs_for_everybody_so_topic_and_certificate_must_fit(
    secrets: list[str], cause: Cause
) -> None:
    assert refusal(body_of(event("Delivery")), secrets) is cause


@pytest.mark.parametrize("name", ["Signature", "SigningCertURL"])
def test_without_a_signature_it_is_refused(name: str) -> None:
    envelope = envelope_of(event("Delivery"))
    del envelope[name]
    assert refusal(orjson.dumps(envelope), [PEM, TOPIC]) is Cause.NO_SIGNATURE


@pytest.mark.parametrize(
    ("late", "cause"),
    [
        (timedelta(hours=23), None),
        (timedelta(hours=25), Cause.TOO_OLD),
        (timedelta(seconds=-299), None),
        (timedelta(seconds=-301), Cause.FROM_FUTURE),
    ],
)
def test_an_hour_of_repetitions_is_taken_and_the_future_is_not(
    late: timedelta, cause: Cause | None
) -> None:
    raw = body_of(event("Delivery"), Timestamp=(NOW - late).isoformat())
    assert refusal(raw, [PEM, TOPIC]) is cause


HOSTS = [
    "http://sns.us-west-2.amazonaws.com/{}",
    "https://evil.example/{}",
    "https://sns.us-west-2.amazonaws.com.evil.example/{}",
    "https://sns.us-west-2.amazonaws.com@evil.example/{}",
    "https://evil.example#@sns.us-west-2.amazonaws.com/{}",
    "https://evil.example\\@sns.us-west-2.amazonaws.com/{}",
    "https://evil.example/https://sns.us-west-2.amazonaws.com/{}",
    "https://user:pass@sns.us-west-2.amazonaws.com/{}",
    "https://sns.us-west-2.amazonaws.com:8443/{}",
    "https://sns.us-west-2.amazonaws.com./{}",
    "https://sns.us-west-2xamazonaws.com/{}",
    "https://xsns.us-west-2.amazonaws.com/{}",
    "https://s3.us-west-2.amazonaws.com/{}",
    "https://evil.s3.us-west-2.amazonaws.com/{}",
    "https://sns.us-west-2.s3.amazonaws.com/{}",
    "https://sns.amazonaws.com/{}",
    "https://sns.evil.amazonaws.com/{}",
    "https://sns..amazonaws.com/{}",
    "https://sns.us-west-2.amazonaws.com.cn/{}",
    "https://SNS.US-WEST-2.AMAZONAWS.COM/{}",
    "https://sns.us-west-٢.amazonaws.com/{}",
    "https://sns.us-west-2.amazonаws.com/{}",  # noqa: RUF001 - a Cyrillic letter in the host
    "https://169.254.169.254/{}",
    "file:///{}",
    "//sns.us-west-2.amazonaws.com/{}",
    " https://sns.us-west-2.amazonaws.com/{}",
    "https://sns.us-west-2.amazonaws.com/{}\n",
    "https://sns.us-west-2.amazonaws.com/{}\r\nHost: evil.example",
]
PATHS = [
    "evil.pem",
    "../SimpleNotificationService-f3ec.pem",
    "SimpleNotificationService-f3ec.pem?x=1",
    "SimpleNotificationService-f3ec.pem#x",
    "SimpleNotificationService-f3ec.pem/../evil",
    "SimpleNotificationService-%2e%2e.pem",
    "SimpleNotificationService-.pem",
    "SimpleNotificationService-f3ec.crt",
    f"SimpleNotificationService-{'f' * 65}.pem",
    "?Action=Publish&x=SimpleNotificationService-f3ec.pem",
    "",
]


@pytest.mark.parametrize(
    "url",
    [host.format("SimpleNotificationService-f3ec.pem") for host in HOSTS]
    + [f"https://sns.us-west-2.amazonaws.com/{path}" for path in PATHS],
)
def test_a_certificate_is_taken_from_nowhere_but_amazon_sns(url: str) -> None:
    raw = body_of(event("Delivery"), SigningCertURL=url)
    with pytest.raises(Refused) as refused:
        ses.certificate_url(raw)
    assert refused.value.cause is Cause.UNKNOWN_SENDER
    assert refusal(raw, [PEM, TOPIC]) is Cause.UNKNOWN_SENDER


@pytest.mark.parametrize("odd", [None, 7, [], {}, ["https://sns.us-west-2.amazonaws.com/"]])
def test_an_odd_certificate_address_is_refused(odd: object) -> None:
    with pytest.raises(Refused):
        ses.certificate_url(body_of(event("Delivery"), SigningCertURL=odd))


@pytest.mark.parametrize("region", ["us-west-2", "eu-central-1", "us-gov-east-1", "ap-southeast-5"])
def test_the_certificates_of_every_region_are_taken(region: str) -> None:
    url = CERTIFICATE_URL.replace("us-west-2", region)
    assert ses.certificate_url(body_of(event("Delivery"), SigningCertURL=url)) == url


def test_a_confirmation_is_reported_and_not_fetched() -> None:
    delivery = ses.read(body_of("", **CONFIRMATION), {})
    assert (delivery.found, delivery.confirm_url) == ((), CONFIRM_URL)


@pytest.mark.parametrize(
    "url",
    [host.format("?Action=ConfirmSubscription&Token=1") for host in HOSTS]
    + [CONFIRM_URL.replace("Confirm", "Delete"), f"{CONFIRM_URL} x", CERTIFICATE_URL, ""],
)
def test_a_confirmation_anywhere_else_is_refused(url: str) -> None:
    raw = body_of("", **(CONFIRMATION | {"SubscribeURL": url}))
    assert read_cause(raw) is Cause.UNKNOWN_SENDER


def test_the_end_of_a_subscription_is_kept_and_not_undone() -> None:
    raw = body_of("", **(CONFIRMATION | {"Type": "UnsubscribeConfirmation"}))
    delivery = ses.read(raw, {})
    assert delivery.confirm_url == ""
    assert delivery.found[0].kind == "sns.unsubscribe_confirmation"


def test_a_subject_cannot_be_folded_into_a_new_message_id() -> None:
    """Both spellings are signed as the same lines: the second would be a replay under a key of its own."""
    signed = envelope_of(event("Delivery"), Subject="Mail")
    folded = signed | {"MessageId": f"{signed['MessageId']}\nSubject\nMail"}
    del folded["Subject"]

    assert sns.string_to_sign(folded) == sns.string_to_sign(signed)
    assert refusal(orjson.dumps(signed), [PEM, TOPIC]) is None
    assert refusal(orjson.dumps(folded), [PEM, TOPIC]) is Cause.BAD_SIGNATURE


def test_a_message_of_several_lines_is_taken() -> None:
    assert refusal(body_of("first\nsecond"), [PEM, TOPIC]) is None
