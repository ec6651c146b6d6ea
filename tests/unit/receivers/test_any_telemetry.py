"""Whatever JSON lies in a mail provider's event, a message of SNS, a run event or a span: it is read or refused."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.receivers import mailgun, openlineage, otlp, postmark, sendgrid, ses
from evidence.receivers.contract import Cause, Refused
from tests.unit.receivers.test_any_body import VALUES, fits

WORDS = st.sampled_from(
    [
        "RecordType",
        "Type",
        "MessageID",
        "ID",
        "Recipient",
        "Email",
        "Metadata",
        "DeliveredAt",
        "Details",
        "SuppressSending",
        "run",
        "event",
        "sg_message_id",
        "sg_event_id",
        "email",
        "timestamp",
        "reason",
        "severity",
        "message",
        "headers",
        "message-id",
        "recipient",
        "to",
        "delivery-status",
        "user-variables",
        "eventType",
        "notificationType",
        "mail",
        "destination",
        "tags",
        "bounce",
        "delivery",
        "bouncedRecipients",
        "recipients",
        "emailAddress",
        "commonHeaders",
        "messageId",
        "feedbackId",
        "eventTime",
        "runId",
        "facets",
        "nominalTime",
        "nominalEndTime",
        "errorMessage",
        "parent",
        "job",
        "namespace",
        "name",
        "outputs",
        "outputFacets",
        "outputStatistics",
        "rowCount",
        "dataset",
        "traceId",
        "spanId",
        "attributes",
        "key",
        "value",
        "stringValue",
        "intValue",
        "arrayValue",
        "values",
        "status",
        "code",
        "endTimeUnixNano",
        "startTimeUnixNano",
        "events",
    ]
)
BODIES = st.dictionaries(WORDS, VALUES | st.dictionaries(WORDS, VALUES, max_size=4), max_size=12)
SIGNED = {"timestamp": "1", "token": "t", "signature": "s"}
RUN = {"run": {"runId": "r"}, "job": {"namespace": "n", "name": "j"}}
OURS = [{"key": "luota.kind", "value": {"stringValue": "x"}}]


def in_sns(body: Any) -> bytes:
    message = {"Type": "Notification", "MessageId": "m", "Message": orjson.dumps(body).decode()}
    return orjson.dumps(message)


def in_span(body: Any) -> bytes:
    span = {"traceId": "1" * 32, "spanId": "2" * 16} | body | {"attributes": OURS}
    return orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}], "resource": body}]})


READERS = {
    "postmark": lambda body: postmark.read(orjson.dumps({"RecordType": "Bounce"} | body), {}),
    "sendgrid": lambda body: sendgrid.read(orjson.dumps([body, body]), {}),
    "mailgun": lambda body: mailgun.read(
        orjson.dumps({"signature": SIGNED, "event-data": body}), {}
    ),
    "ses": lambda body: ses.read(in_sns({"eventType": "Bounce"} | body), {}),
    "sns": lambda body: ses.read(
        orjson.dumps(body | {"Type": "Notification", "MessageId": "m"}), {}
    ),
    "openlineage": lambda body: openlineage.read(orjson.dumps(RUN | body), {}),
    "openlineage, facets": lambda body: openlineage.read(
        orjson.dumps(RUN | {"run": {"runId": "r", "facets": body}, "outputs": [body]}), {}
    ),
    "otlp": lambda body: otlp.read(in_span(body), {"content-type": otlp.JSON}),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@given(body=BODIES)
def test_any_json_is_read_or_refused_as_unreadable(reader: Any, body: Any) -> None:
    try:
        delivery = reader(body)
    except Refused as refusal:
        assert refusal.cause == Cause.UNREADABLE  # noqa: PT017 - both ways are right
        return
    for found in delivery.found:
        fits(found)
        orjson.dumps(found.payload)
        assert len(found.summary) <= 1000
