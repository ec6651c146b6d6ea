"""The words that all mail providers share, so that a promise reads the same whoever carries the mail.

They are Resend's, which sends them as they are.
"""

SENT = "email.sent"
"""The provider took it; nothing is known of the recipient yet."""
DELIVERED = "email.delivered"
"""The recipient's server took it."""
DELAYED = "email.delivery_delayed"
"""Not taken yet; the provider tries again."""
BOUNCED = "email.bounced"
COMPLAINED = "email.complained"
REJECTED = "email.rejected"
"""The provider would not try: suppressed, blocked, invalid."""
FAILED = "email.failed"
"""There was nothing to send: a template or an API call broke."""
OPENED = "email.opened"
CLICKED = "email.clicked"
SUBSCRIBED = "email.subscribed"
UNSUBSCRIBED = "email.unsubscribed"
AUTORESPONDED = "email.autoresponded"

OBJECT = "email"
"""Of kinds made from a type that no rule names."""
OTHER = "other"
"""The rule of such kinds."""


def line(kind: str, recipient: str, detail: str = "") -> str:
    """One line for people: "delivered to ann@example.com: 250 OK"."""
    done = kind.partition(".")[2].replace("_", " ")
    to = f" to {recipient}" if recipient else ""
    return f"{done}{to}{f': {detail}' if detail else ''}"[:300]
