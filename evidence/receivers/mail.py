"""The words that all mail providers share, so that a promise reads the same whoever carries the mail.

They are Resend's, which sends them as they are.
"""

from collections.abc import Mapping, Sequence

from evidence.receivers.contract import OTHER, Rule, find_rule
from evidence.receivers.reading import digest_of, kind_of

SENT = "email.sent"
"""The provider took it; nothing is known of the recipient yet."""
DELIVERED = "email.delivered"
"""The recipient's server took it."""
DELAYED = "email.delivery_delayed"
"""Not taken yet; the provider tries again."""
BOUNCED = "email.bounced"
COMPLAINED = "email.complained"
REJECTED = "email.rejected"
"""The provider would not try: suppressed, blocked or invalid address."""
FAILED = "email.failed"
"""There was nothing to send: a template or an API call broke."""
OPENED = "email.opened"
CLICKED = "email.clicked"
SUBSCRIBED = "email.subscribed"
UNSUBSCRIBED = "email.unsubscribed"
AUTORESPONDED = "email.autoresponded"

OBJECT = "email"
"""Of kinds made from a type that no rule names."""


def table(kinds: Mapping[str, str], ids: str) -> tuple[Rule, ...]:
    """The rules of a provider whose kinds all carry the same ids."""
    return tuple(Rule(match=match, kind=kind, ids=ids) for match, kind in kinds.items())


def kind_and_rule(rules: Sequence[Rule], word: str) -> tuple[str, str]:
    """What the provider's word for an event becomes, and by which rule."""
    rule = find_rule(rules, word)
    return (rule.kind, rule.match) if rule else (kind_of(OBJECT, word), OTHER)


def item_of(recipient: str) -> str:
    """Tells the events of one message apart by recipient, without the address itself: keys are kept in clear."""
    return digest_of(recipient.encode())[:16]


def line(kind: str, recipient: str, detail: str = "") -> str:
    """One line for people: "delivered to ann@example.com: 250 OK"."""
    done = kind.partition(".")[2].replace("_", " ")
    to = f" to {recipient}" if recipient else ""
    return f"{done}{to}{f': {detail}' if detail else ''}"[:300]
