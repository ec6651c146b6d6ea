"""Pure: all vendors behind one face. Some modules take a receiver's settings, some tell their strength themselves."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import ModuleType
from typing import Any

from evidence.receivers import (
    cloudevents,
    generic_hmac,
    github,
    mailgun,
    openlineage,
    otlp,
    postmark,
    public_keys,
    resend,
    sendgrid,
    ses,
    shared_secrets,
    standard_webhooks,
    stripe,
)
from evidence.receivers.contract import Cause, Delivery, Refused, Rule
from monitors.conditions.rules import Strength

Headers = Mapping[str, str]
Settings = Mapping[str, Any]

TOPIC = "topic_arn"
"""The one setting of SES: the topic that is listened to."""
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]+:[\w-]{1,256}(\.fifo)?", re.ASCII)
_SIGNING = tuple(generic_hmac.Settings.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """What the door, the API and the pages need to know of one vendor."""

    name: str
    label: str
    rules: tuple[Rule, ...]
    secret: str
    """What its secret is, and where it is found; empty when there is none to give."""
    place: str
    """Where at the vendor the address is pasted."""
    tail: str = ""
    """What the vendor's own clients put behind the address."""
    makes_secret: bool = False
    """The vendor takes a secret of ours, so that Luota can make one."""
    takes_batches: bool = False
    counts_alone: bool = False
    """Nobody says that its delivery ids are unique beyond one sender: another receiver's delivery 1 is another."""
    verify_with: Callable[[bytes, Headers, Sequence[str], datetime, Settings], None]
    read_with: Callable[[bytes, Headers, Settings], Delivery]
    strength_of: Callable[[Headers, Settings], Strength]
    settings_known: tuple[str, ...] = ()
    check_with: Callable[[Settings], None] | None = None
    check_secret_with: Callable[[str], None] | None = None
    is_public: Callable[[str], bool] = lambda _secret: False
    """Which of its secrets are public keys, and may be shown."""

    def check_settings(self, settings: Settings) -> None:
        """Raises Refused(misconfigured) with the sentence for the person who wrote them."""
        for name in settings.keys() - set(self.settings_known):
            known = ", ".join(self.settings_known)
            told = f"known are {known}" if known else "this vendor has none"
            raise Refused(Cause.MISCONFIGURED, f"The setting {name[:60]} is unknown; {told}.")
        if self.check_with:
            self.check_with(settings)

    def check_secret(self, secret: str) -> None:
        """Raises Refused(misconfigured) with the sentence for the person who pasted it."""
        if self.check_secret_with:
            self.check_secret_with(secret)

    @property
    def strength(self) -> Strength:
        """The most that its evidence is worth."""
        return max(self.strength_of({"content-type": _STRUCTURED}, given) for given in _ANY)


_STRUCTURED = "application/cloudevents+json"
_ANY: tuple[Settings, ...] = ({}, {"header": "x"})


def _vendor(
    module: ModuleType,
    label: str,
    *,
    secret: str,
    place: str,
    strength: Strength = Strength.ATTESTED,
    **words: Any,
) -> Vendor:
    """A vendor without settings; its module's own STRENGTH counts where it has one."""
    worth: Strength = getattr(module, "STRENGTH", strength)
    plain: dict[str, Any] = {
        "verify_with": partial(_verify, module),
        "read_with": partial(_read, module),
        "strength_of": lambda _headers, _settings: worth,
    }
    known = {"name": module.VENDOR, "label": label, "rules": module.RULES}
    return Vendor(**(plain | known | {"secret": secret, "place": place} | words))


def _verify(
    module: ModuleType,
    raw: bytes,
    headers: Headers,
    secrets: Sequence[str],
    now: datetime,
    settings: Settings,  # noqa: ARG001 - it has none
) -> None:
    module.verify(raw, headers, secrets, now=now)


def _read(module: ModuleType, raw: bytes, headers: Headers, settings: Settings) -> Delivery:  # noqa: ARG001 - it has none
    read: Delivery = module.read(raw, headers)
    return read


def _check_signing(settings: Settings) -> None:
    generic_hmac.settings_of(settings)


def _check_topic(settings: Settings) -> None:
    topic = settings.get(TOPIC)
    if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
        raise Refused(
            Cause.MISCONFIGURED, f"Give {TOPIC} whole, such as arn:aws:sns:eu-west-1:1234:mail."
        )


def _verify_generic(
    raw: bytes, headers: Headers, secrets: Sequence[str], now: datetime, settings: Settings
) -> None:
    generic_hmac.verify(raw, headers, secrets, now=now, settings=settings)


def _verify_event(
    raw: bytes, headers: Headers, secrets: Sequence[str], now: datetime, settings: Settings
) -> None:
    cloudevents.verify(raw, headers, secrets, now=now, settings=settings)


_OURS = "One that Luota makes, or your own."
_BEARER = f"{_OURS} It is sent as `Authorization: Bearer …` or as `X-Luota-Key`."

_VENDORS = (
    _vendor(
        stripe,
        "Stripe",
        secret="The signing secret of the endpoint, whsec_…",  # noqa: S106 - where it is found
        place="Workbench → Webhooks → Add destination → Webhook endpoint. Stripe shows the signing secret afterwards.",
    ),
    _vendor(
        github,
        "GitHub",
        secret=_OURS,
        place="Repository or organisation → Settings → Webhooks → Add webhook, content type application/json; "
        "choose workflow runs, workflow jobs, deployment statuses.",
        makes_secret=True,
    ),
    _vendor(
        standard_webhooks,
        "Standard Webhooks, Svix",
        secret="The secret of the endpoint, whsec_…, or the sender's public key, whpk_… (Ed25519).",  # noqa: S106
        place="The sender's page of webhook endpoints.",
        counts_alone=True,
        check_secret_with=standard_webhooks.check_secret,
        is_public=public_keys.is_public,
    ),
    _vendor(
        resend,
        "Resend",
        secret="The signing secret of the webhook, whsec_…",  # noqa: S106
        place="Webhooks → Add webhook; choose the email events.",
        check_secret_with=standard_webhooks.check_secret,
        is_public=public_keys.is_public,
    ),
    _vendor(
        postmark,
        "Postmark",
        secret=f"{_OURS} It is the password of HTTP Basic, or the header X-Luota-Key.",
        place="Server → message stream → Webhooks → Add webhook, with basic auth or a custom header.",
        makes_secret=True,
    ),
    _vendor(
        sendgrid,
        "Twilio SendGrid",
        secret="The verification key of the signed event webhook (a public key).",  # noqa: S106
        place="Settings → Mail Settings → Event Webhook; turn Signed Event Webhook on.",
        takes_batches=True,
        check_secret_with=sendgrid.check_secret,
        is_public=lambda _secret: True,
    ),
    _vendor(
        mailgun,
        "Mailgun",
        secret="The HTTP webhook signing key of the account.",  # noqa: S106
        place="Sending → Webhooks → Add webhook, for each type of event.",
    ),
    _vendor(
        ses,
        "Amazon SES",
        secret="",
        place="SES → Configuration set → Event destination → Amazon SNS; then at the topic: Create subscription, "
        "protocol HTTPS, raw message delivery off. Luota confirms it.",
        settings_known=(TOPIC,),
        check_with=_check_topic,
    ),
    _vendor(
        cloudevents,
        "CloudEvents",
        secret=_BEARER,
        place="The sink or subscription of the sender; its OPTIONS handshake is answered.",
        makes_secret=True,
        check_secret_with=shared_secrets.check_secret,
        takes_batches=True,
        verify_with=_verify_event,
        strength_of=cloudevents.strength_of,
        settings_known=_SIGNING,
        check_with=_check_signing,
    ),
    _vendor(
        openlineage,
        "OpenLineage",
        secret=f"{_OURS} It is the api_key of the client's HTTP transport.",
        place="OPENLINEAGE_URL (transport http); the client appends /api/v1/lineage.",
        tail="/api/v1/lineage",
        makes_secret=True,
        check_secret_with=shared_secrets.check_secret,
    ),
    _vendor(
        otlp,
        "OpenTelemetry (OTLP/HTTP)",
        secret=f"{_OURS} OTEL_EXPORTER_OTLP_HEADERS=x-luota-key=…",
        place="OTEL_EXPORTER_OTLP_ENDPOINT; the exporter appends /v1/traces.",
        tail="/v1/traces",
        makes_secret=True,
        check_secret_with=shared_secrets.check_secret,
        takes_batches=True,
    ),
    _vendor(
        generic_hmac,
        "Any sender with an HMAC",
        secret=_OURS,
        place="Wherever the sender takes a webhook address and a secret; the settings say how it signs.",
        makes_secret=True,
        counts_alone=True,
        verify_with=_verify_generic,
        read_with=generic_hmac.read,
        settings_known=_SIGNING,
        check_with=_check_signing,
    ),
)
VENDORS: dict[str, Vendor] = {vendor.name: vendor for vendor in _VENDORS}
