"""What django-anymail makes of the mail providers' events, in our words: an opinion that is not ours."""

from anymail.signals import EventType

from evidence.receivers import mail

KIND_OF = {
    EventType.QUEUED: mail.SENT,
    EventType.SENT: mail.SENT,
    EventType.DELIVERED: mail.DELIVERED,
    EventType.DEFERRED: mail.DELAYED,
    EventType.BOUNCED: mail.BOUNCED,
    EventType.REJECTED: mail.REJECTED,
    EventType.COMPLAINED: mail.COMPLAINED,
    EventType.FAILED: mail.FAILED,
    EventType.OPENED: mail.OPENED,
    EventType.CLICKED: mail.CLICKED,
    EventType.SUBSCRIBED: mail.SUBSCRIBED,
    EventType.UNSUBSCRIBED: mail.UNSUBSCRIBED,
    EventType.AUTORESPONDED: mail.AUTORESPONDED,
}
