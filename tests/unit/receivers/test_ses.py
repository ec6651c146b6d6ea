"""Amazon SES by SNS: its signature, its certificates' addresses, its topics, and its events."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.receivers import mail, ses
from evidence.receivers.contract import OTHER, Cause, Refused
from tests.unit.receivers.anymail_words import KIND_OF

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-west-2:123456789012:MyTopic"
CERTIFICATE_URL = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"
CONFIRM_URL = (
    f"https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336"
)
KEY = generate_private_key(65537, 2048)
MAIL = {
    "timestamp": "2026-03-01T11:58:00.000Z",
    "messageId": "00000137860315fd-34208509-5b74-41f3-95c5-22c1edc3c924-000000",
    "source": "shop@example.com",
    "destination": ["ann@example.com", "bob@example.com"],
    "headers": [{"name": "From", "value": "shop@example.com"}],
    "commonHeaders": {"messageId": "<7307378.1629847661@example.com>", "subject": "Your report"},
    "tags": {"ses:source-ip": ["192.0.2.0"], "run": ["report-1"], "invoice": ["in_7"]},
}
DETAILS: dict[str, dict[str, Any]] = {
    "Send": {},
    "Delivery": {
        "timestamp": "2026-03-01T11:59:00.000Z",
        "recipients": ["ann@example.com"],
        "smtpResponse": "250 ok: Message 64111812 accepted",
    },
    "Bounce": {
        "timestamp": "2026-03-01T11:59:00.000Z",
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {"emailAddress": "ann@example.com", "diagnosticCode": "smtp; 550 unknown user"},
            {"emailAddress": "bob@example.com"},
        ],
        "feedbackId": "00000137860315fd-869464a4-8680-4114-98d3-716fe35851f9-000000",
    },
    "Complaint": {
        "timestamp": "2026-03-01T11:59:00.000Z",
        "complainedRecipients": [{"emailAddress": "ann@example.com"}],
        "complaintFeedbackType": "abuse",
    },
    "Reject": {"reason": "Bad content"},
    "Rendering Failure": {"errorMessage": "Attribute 'name' is not present", "templateName": "t"},
    "Open": {"timestamp": "2026-03-01T11:59:00.000Z", "userAgent": "x"},
    "Click": {"timestamp": "2026-03-01T11:59:00.000Z", "link": "https://example.com"},
}
DELAY = {
    "eventType": "DeliveryDelay",
    "mail": MAIL,
    "deliveryDelay": {
        "timestamp": "2026-03-01T11:59:00.000Z",
        "delayType": "TransientCommunicationFailure",
        "delayedRecipients": [
            {
                "emailAddress": "bob@example.com",
                "status": "4.4.1",
                "diagnosticCode": "smtp; 421 4.4.1",
            }
        ],
    },
}
CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "Message": "You have chosen to subscribe to the topic.",
    "SubscribeURL": CONFIRM_URL,
    "Token": "2336",
}


def certificate(
    key: RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY,
    since: timedelta = timedelta(days=-100),
    until: timedelta = timedelta(days=100),
) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW + since).not_valid_after(NOW + until)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


PEM = certificate()


def event(name: str) -> dict[str, Any]:
    key = {"Rendering Failure": "failure"}.get(name, name.lower())
    return {"eventType": name, "mail": MAIL, key: DETAILS[name]}


def envelope_of(message: object, **words: object) -> dict[str, Any]:
    """Signed as the documentation of SNS writes it: field by field, in this order."""
    envelope = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else orjson.dumps(message).decode(),
        "Timestamp": "2026-03-01T11:59:30.123Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    } | words
    lines = f"Message\n{envelope['Message']}\nMessageId\n{envelope['MessageId']}\n"
    if envelope["Type"] == "Notification":
        lines += f"Subject\n{envelope['Subject']}\n" if "Subject" in envelope else ""
        lines += f"Timestamp\n{envelope['Timestamp']}\n"
    else:
        lines += f"SubscribeURL\n{envelope['SubscribeURL']}\nTimestamp\n{envelope['Timestamp']}\n"
        lines += f"Token\n{envelope['Token']}\n"
    lines += f"TopicArn\n{envelope['TopicArn']}\nType\n{envelope['Type']}\n"
    algorithm = SHA1() if envelope["SignatureVersion"] == "1" else SHA256()  # noqa: S303
    signature = KEY.sign(lines.encode(), PKCS1v15(), algorithm)
    return envelope | {"Signature": base64.b64encode(signature).decode()}


def body_of(message: object, **words: object) -> bytes:
    return orjson.dumps(envelope_of(message, **words))


def refusal(raw: bytes, secrets: list[str]) -> Cause | None:
    try:
        ses.verify(raw, {}, secrets, now=NOW)
    except Refused as refused:
        return refused.cause
    return None


def read_cause(raw: bytes) -> Cause:
    with pytest.raises(Refused) as refused:
        ses.read(raw, {})
    return refused.value.cause


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


def test_a_delivery_says_which_message_and_when() -> None:
    (found,) = ses.read(body_of(event("Delivery")), {}).found
    assert found.kind == mail.DELIVERED
    assert found.ids == {
        "message": MAIL["messageId"],
        "smtp_message": "<7307378.1629847661@example.com>",
        "run": "report-1",
        "invoice": "in_7",
    }
    assert found.occurred_at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)
    assert (found.run, found.rule) == ("report-1", "Delivery")
    assert found.summary == "delivered to ann@example.com: 250 ok: Message 64111812 accepted"
    assert "headers" not in found.payload["mail"]
    assert found.payload["delivery"] == DETAILS["Delivery"]


def test_each_recipient_of_a_bounce_is_found_with_a_key_and_a_reason_of_its_own() -> None:
    delivery = ses.read(body_of(event("Bounce")), {})
    assert [found.summary for found in delivery.found] == [
        "bounced to ann@example.com: smtp; 550 unknown user",
        "bounced to bob@example.com: General",
    ]
    keys = [found.event_id for found in delivery.found]
    assert keys == [found.event_id for found in ses.read(body_of(event("Bounce")), {}).found]
    assert len(set(keys)) == 2
    assert not any("@" in key for key in keys)
    assert delivery.found[0].ids["feedback"].startswith("00000137860315fd-8694")


@pytest.mark.parametrize("name", DETAILS)
def test_anymail_reads_the_same_from_every_event(name: str) -> None:
    view = AmazonSESTrackingWebhookView.__new__(AmazonSESTrackingWebhookView)
    theirs = view.esp_to_anymail_events(event(name), envelope_of(event(name)))
    ours = ses.read(body_of(event(name)), {}).found
    assert [found.kind for found in ours] == [KIND_OF[each.event_type] for each in theirs]
    assert [found.ids["message"] for found in ours] == [each.message_id for each in theirs]
    assert all(each.recipient in found.summary for each, found in zip(theirs, ours, strict=True))


def test_a_delay_and_the_older_name_of_the_type_are_read() -> None:
    (found,) = ses.read(body_of(DELAY), {}).found
    assert (found.kind, found.summary) == (
        mail.DELAYED, "delivery delayed to bob@example.com: smtp; 421 4.4.1",
    )  # fmt: skip
    older = {"notificationType": "Delivery", "mail": MAIL, "delivery": DETAILS["Delivery"]}
    assert ses.read(body_of(older), {}).found[0].kind == mail.DELIVERED


def test_an_unknown_event_is_kept_under_its_own_name() -> None:
    found = ses.read(body_of({"eventType": "Subscription", "mail": MAIL}), {}).found
    assert [(each.kind, each.rule) for each in found] == [("email.subscription", OTHER)] * 2


@pytest.mark.parametrize("message", ["Successfully validated SNS topic.", "[]", "{}", "{", ""])
def test_what_is_no_event_of_ses_is_kept_as_a_message(message: str) -> None:
    (found,) = ses.read(body_of(message), {}).found
    assert (found.kind, found.rule, found.ids) == ("sns.notification", OTHER, {"topic": TOPIC})


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"{}", orjson.dumps(event("Delivery")), body_of("", MessageId=None),
     orjson.dumps({"Type": "Other", "MessageId": "1"}), orjson.dumps({"Type": [], "MessageId": "1"})],
)  # fmt: skip
def test_what_is_no_message_of_sns_is_unreadable(raw: bytes) -> None:
    assert read_cause(raw) is Cause.UNREADABLE
    assert refusal(raw, [PEM, TOPIC]) is Cause.UNREADABLE
    with pytest.raises(Refused):
        ses.certificate_url(raw)


@pytest.mark.parametrize("odd", [None, [], {}, 7, "x", [None], {"timestamp": []}])
@pytest.mark.parametrize("name", ["Delivery", "Bounce", "Send"])
def test_odd_parts_never_break_the_reading(name: str, odd: Any) -> None:
    for part in ("mail", name.lower()):
        assert ses.read(body_of(event(name) | {part: odd}), {}).found
