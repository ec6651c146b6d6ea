"""What each `code` of a problem document means and what its caller does next: the anchors of /docs/api.

A test walks the code and the vocabularies behind it, so that no problem's `type` points nowhere.
"""

from typing import NamedTuple


class ProblemType(NamedTuple):
    """One code; `type` of its problem documents is /docs/api#problem-<code>."""

    code: str
    status: int
    meaning: str
    remedy: str


_AGAIN = "Nothing was stored. Send it again"

PROBLEM_TYPES = (
    ProblemType(
        "bad_json",
        400,
        "The body is no JSON, no object, nested too deep, or holds NUL characters.",
        "Nothing was stored. Send strict JSON.",
    ),
    ProblemType(
        "unauthorised",
        401,
        "The token is missing, or it does not open this; also when what it asks for is not there.",
        "Check the token, its kind and the ids. The same answer is given for both, so that nothing can be guessed.",
    ),
    ProblemType(
        "forbidden",
        403,
        "A token of this kind may not do that.",
        "Signals want an ingest token, reading a read token, changes a write token.",
    ),
    ProblemType(
        "not_found", 404, "There is nothing at this address.", "Compare it with the calls above."
    ),
    ProblemType(
        "method_not_allowed",
        405,
        "The address does not know this method.",
        "The header Allow names those that it knows.",
    ),
    ProblemType(
        "not_acceptable",
        406,
        "There is no such form of the answer.",
        "Answers are JSON; leave out Accept.",
    ),
    ProblemType(
        "already_succeeded",
        409,
        "The run was reported as a success before; this failure came later.",
        "It is kept as evidence. Give a new attempt a higher `attempt`; `winningClaim` names the success.",
    ),
    ProblemType(
        "name_taken", 409, "Another one of this workspace has this name.", "Choose another name."
    ),
    ProblemType(
        "already_paused",
        409,
        "The monitor is paused already.",
        "Resume it first, if another reason or end is meant.",
    ),
    ProblemType(
        "already_proven",
        409,
        "The run is proven, so there is nothing to waive.",
        "Nothing was changed.",
    ),
    ProblemType(
        "channel_in_use",
        409,
        "A route names this channel.",
        "Change the route first, then delete the channel.",
    ),
    ProblemType(
        "default_route_needed",
        409,
        "A workspace needs a default route.",
        "Make another route the default first.",
    ),
    ProblemType(
        "secret_in_use",
        409,
        "A receiver or probe uses this secret.",
        "Give it another secret first.",
    ),
    ProblemType(
        "list_key_in_use",
        409,
        "Expected lists are kept under this key.",
        "Delete it when they are forgotten.",
    ),
    ProblemType(
        "not_confirmed",
        409,
        "The monitor has runs, evidence or files that would be lost with it.",
        "`files` and `runs` count them. Repeat it with `?confirm=` and the name of the monitor.",
    ),
    ProblemType(
        "token_not_live",
        409,
        "The token is revoked, expired or rotated already.",
        "Make a new token.",
    ),
    ProblemType(
        "illegal_transition",
        409,
        "The incident file is in a state that does not allow this.",
        "Read the file again; its state says what is possible.",
    ),
    ProblemType(
        "somebody_was_quicker",
        409,
        "What was to be changed was changed meanwhile.",
        "Read it again, and decide anew.",
    ),
    ProblemType(
        "rules_unreadable",
        409,
        "The rules that are kept cannot be read any more.",
        "Save the monitor again with rules that this version knows.",
    ),
    ProblemType(
        "nothing_proven",
        409,
        "No retained run is proven by these rules, so there is no proof to spoil.",
        "Ask again after the first proven run.",
    ),
    ProblemType("disabled", 410, "This receiver is switched off.", "Switch it on in the portal."),
    ProblemType(
        "body_too_large",
        413,
        "The body is over the limit of its address; it was not read.",
        "`limit` and `actual` are bytes. Shorten the output, or send in parts.",
    ),
    ProblemType(
        "payload_too_large",
        413,
        "The payload is over its limit.",
        "Send what the rules ask about, and a link to the rest.",
    ),
    ProblemType(
        "too_many_items", 413, "The list has too many entries.", "Send it in parts of `limit`."
    ),
    ProblemType(
        "too_large", 413, "The delivery is over the receiver's limit.", "Let the sender send less."
    ),
    ProblemType(
        "unsupported_media_type",
        415,
        "The body is of a kind that is not read here.",
        "Send application/json.",
    ),
    ProblemType(
        "invalid_field",
        422,
        "A field has the wrong type, an unknown value or no sense; `field` names it.",
        "`detail` says what is allowed. In a condition `line`, `column` and `excerpt` show the place.",
    ),
    ProblemType(
        "not_storable",
        422,
        "The database does not take this signal.",
        "Its other signals were stored. Tell us the request id: this should have been refused by name.",
    ),
    ProblemType(
        "rate_exceeded",
        429,
        "The token or the receiver has used up its rate; `policy` names the window.",
        f"{_AGAIN} after `retryAfterSeconds`.",
    ),
    ProblemType(
        "internal_error",
        500,
        "Something broke on our side.",
        "The request id finds it in the log. The same eventId may be sent again.",
    ),
    ProblemType(
        "try_again",
        503,
        "The database is away or busy. What was sent may still have been stored.",
        "Repeat it with the same `eventId`: it is stored once.",
    ),
    ProblemType(
        "refused",
        400,
        "The request was refused before any call saw it, such as for a wrong Host.",
        "`detail` says why.",
    ),
    ProblemType(
        "no_signature",
        401,
        "The delivery is not signed.",
        "Switch signing on at the sender; the receiver's page says where.",
    ),
    ProblemType(
        "bad_signature",
        401,
        "The signature does not fit the body and any secret of the receiver.",
        "Compare the secret; give the new one to the receiver before the sender changes.",
    ),
    ProblemType(
        "too_old",
        401,
        "The signed time lies too far back: it may be a replay.",
        "Senders sign each try anew; check the sender's clock.",
    ),
    ProblemType(
        "from_future", 401, "The signed time lies ahead of ours.", "Check the sender's clock."
    ),
    ProblemType(
        "unreadable",
        400,
        "The delivery is signed well and cannot be read.",
        "Check that the receiver is one for this sender.",
    ),
    ProblemType(
        "unknown_sender",
        401,
        "The delivery names a sender that this receiver does not expect.",
        "Compare the account, topic or application with the receiver's settings.",
    ),
    ProblemType(
        "no_secret", 503, "The receiver has no secret yet.", "Give it one; the sender tries again."
    ),
    ProblemType(
        "misconfigured",
        503,
        "The receiver's settings cannot be followed.",
        "Mend them; the sender tries again.",
    ),
    ProblemType(
        "unreachable",
        503,
        "What the sender named, such as a certificate, could not be fetched.",
        "The sender tries again.",
    ),
)
