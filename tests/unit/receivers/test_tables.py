"""The tables of rules are what the portal shows: each line is reachable and names kinds that a spec can name."""

import re
from fnmatch import fnmatchcase
from itertools import combinations

import pytest

from evidence.receivers import (
    cloudevents,
    generic_hmac,
    github,
    mailgun,
    openlineage,
    otlp,
    postmark,
    resend,
    sendgrid,
    ses,
    standard_webhooks,
    stripe,
)

VENDORS = (
    cloudevents, generic_hmac, github, mailgun, openlineage, otlp, postmark, resend, sendgrid, ses,
    standard_webhooks, stripe,
)  # fmt: skip


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.VENDOR)
def test_no_line_hides_behind_an_earlier_one(vendor):
    for earlier, later in combinations(vendor.RULES, 2):
        assert not fnmatchcase(later.match, earlier.match)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.VENDOR)
def test_every_kind_can_be_named_by_a_spec(vendor):
    for rule in vendor.RULES:
        for kind in rule.kind.split(", "):
            assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", kind.replace("*", "x"))
            assert len(kind) <= 64
