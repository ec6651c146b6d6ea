"""Standard Webhooks v1a: Ed25519, measured by the published signatures of the specification and of its libraries."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from evidence.receivers import public_keys, standard_webhooks
from evidence.receivers.contract import Cause
from tests.unit.receivers.deliveries import refused

MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
RAW = b'{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)
PUBLISHED = {
    "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=": "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5B"
    "dqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    "VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=": "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0"
    "mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==",
}
"""{private key: what it signs}: the example of the specification, and that of the Go library."""
SHARED = f"whsec_{base64.b64encode(b'a shared key of 24 bytes').decode()}"


def public_of(private: str) -> str:
    pair = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private))
    return f"whpk_{base64.b64encode(pair.public_key().public_bytes_raw()).decode()}"


KEYS = [public_of(private) for private in PUBLISHED]
SEALS = list(PUBLISHED.values())
CODE = Webhook(SHARED).sign(MESSAGE, AT, RAW.decode())


def check(
    signatures: str, *secrets: str, raw: bytes = RAW, now: datetime = AT, **headers: str
) -> None:
    sent = {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": signatures,
    }
    standard_webhooks.verify(raw, sent | headers, secrets, now=now)


@pytest.mark.parametrize(("key", "seal"), list(zip(KEYS, SEALS, strict=True)))
def test_the_published_signatures_are_taken(key: str, seal: str) -> None:
    check(seal, key)


@pytest.mark.parametrize(
    ("signatures", "secrets"),
    [
        (f"{SEALS[0]} {SEALS[1]}", [KEYS[1]]),
        (SEALS[1], KEYS),
        (f"{CODE} {SEALS[0]}", [KEYS[0]]),
        (f"{SEALS[0]} {CODE}", [SHARED]),
        (SEALS[0], [SHARED, KEYS[0]]),
        (f"v1,AAAA v2,x {SEALS[1]} {SEALS[0]}", [SHARED, KEYS[0]]),
        (SEALS[0], [f" {KEYS[0].rstrip('=')}\n"]),
    ],
)
def test_while_keys_and_versions_change_one_that_fits_is_enough(
    signatures: str, secrets: list[str]
) -> None:
    check(signatures, *secrets)


@pytest.mark.parametrize(
    ("signatures", "secrets", "cause"),
    [
        (SEALS[0], [KEYS[1]], Cause.BAD_SIGNATURE),
        (SEALS[0].replace("v1a", "v1"), KEYS, Cause.NO_SIGNATURE),
        (SEALS[0].replace("v1a", "v1"), [*KEYS, SHARED], Cause.BAD_SIGNATURE),
        (CODE.replace("v1,", "v1a,"), [SHARED, *KEYS], Cause.BAD_SIGNATURE),
        (CODE, KEYS, Cause.NO_SIGNATURE),
        (SEALS[0], [SHARED], Cause.NO_SIGNATURE),
        ("v1a,", KEYS, Cause.BAD_SIGNATURE),
        ("v1a,é", KEYS, Cause.BAD_SIGNATURE),
        (f"v1a,{'A' * 88}", KEYS, Cause.BAD_SIGNATURE),
        (" ".join([SEALS[1]] * 16 + [SEALS[0]]), KEYS[:1], Cause.BAD_SIGNATURE),
        (SEALS[0], ["whpk_", "whpk_AAAA"], Cause.NO_SECRET),
    ],
)
def test_what_no_key_of_the_receiver_signed_is_refused(
    signatures: str, secrets: list[str], cause: Cause
) -> None:
    with refused(cause):
        check(signatures, *secrets)


def test_a_public_key_is_never_a_shared_secret() -> None:
    """Who knows it, which is everybody, could else sign with it."""
    forged = Webhook(KEYS[0].removeprefix("whpk_")).sign(MESSAGE, AT, RAW.decode())
    with refused(Cause.NO_SIGNATURE):
        check(forged, KEYS[0])
    with refused(Cause.BAD_SIGNATURE):
        check(forged, KEYS[0], SHARED)


@pytest.mark.parametrize(
    "change", [{"raw": RAW + b" "}, {"webhook-id": "msg_2"}, {"webhook-timestamp": "1614265331"}]
)
def test_what_was_changed_is_refused(change: dict[str, str]) -> None:
    with refused(Cause.BAD_SIGNATURE):
        check(SEALS[0], KEYS[0], **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(("seconds", "cause"), [(301, Cause.TOO_OLD), (-301, Cause.FROM_FUTURE)])
def test_the_signed_time_is_bounded_in_both_directions(seconds: int, cause: Cause) -> None:
    with refused(cause):
        check(SEALS[0], KEYS[0], now=AT + timedelta(seconds=seconds))


P = 2**255 - 19
ORDER_EIGHT = (
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
)
LOW = [
    *(y.to_bytes(32, "little").hex() for y in (0, 1, P - 1, 1 << 255, 1 | 1 << 255)),
    *ORDER_EIGHT,
    *(hex_[:-2] + f"{int(hex_[-2:], 16) | 128:02x}" for hex_ in ORDER_EIGHT),
]


@pytest.mark.parametrize("key", LOW)
def test_a_key_of_low_order_is_refused_for_anybody_could_sign(key: str) -> None:
    secret = f"whpk_{base64.b64encode(bytes.fromhex(key)).decode()}"
    with refused(Cause.MISCONFIGURED, "low order"):
        standard_webhooks.check_secret(secret)
    assert list(public_keys.keys_in([secret])) == []


def test_the_forgery_that_a_key_of_low_order_would_let_in_is_refused() -> None:
    """The neutral point as key and as R, and S = 0, fit every message."""
    neutral = bytes([1]) + bytes(31)
    secret = f"whpk_{base64.b64encode(neutral).decode()}"
    forged = f"v1a,{base64.b64encode(neutral + bytes(32)).decode()}"
    check(SEALS[0] + f" {forged}", KEYS[0])
    with refused(Cause.NO_SECRET):
        check(forged, secret)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (f"whpk_{base64.b64encode(bytes(31)).decode()}", "32 bytes, not of 31"),
        (f"whpk_{base64.b64encode(bytes(33)).decode()}", "32 bytes, not of 33"),
        ("whpk_no base64!", "no base64"),
        (f"whpk_{base64.b64encode(bytes([2]) + bytes(31)).decode()}", "no point of the curve"),
        (
            f"whpk_{base64.b64encode((P + 3).to_bytes(32, 'little')).decode()}",
            "no point of the curve",
        ),
        (f"whpk_{base64.b64encode(bytes([1]) + bytes(31)).decode()}", "low order"),
        (f"whsk_{base64.b64encode(bytes(32)).decode()}", "private key"),
        ("whsec_no base64!", "whsec_ and base64"),
    ],
)
def test_a_wrong_key_is_refused_with_what_is_wrong(secret: str, said: str) -> None:
    with refused(Cause.MISCONFIGURED, said):
        standard_webhooks.check_secret(secret)


@pytest.mark.parametrize("secret", [*KEYS, SHARED, SHARED.removeprefix("whsec_"), f" {KEYS[0]} "])
def test_a_good_key_is_taken(secret: str) -> None:
    standard_webhooks.check_secret(secret)
