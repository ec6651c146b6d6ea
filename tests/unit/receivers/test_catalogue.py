"""All vendors have one face, and the guide and the portal tell the same of them."""

from pathlib import Path

import pytest

from evidence.receivers.catalogue import TOPIC, VENDORS
from evidence.receivers.contract import Cause
from tests.unit.receivers.deliveries import refused

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "receivers.md"
ROWS = {
    cells[1].partition("(`")[2].partition("`")[0]: cells
    for line in GUIDE.read_text().splitlines()
    if (cells := [cell.strip() for cell in line.split("|")])[1:2] and "(`" in cells[1]
}


def test_the_guide_has_every_vendor():
    assert ROWS.keys() == VENDORS.keys()


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=lambda vendor: vendor.name)
def test_the_guide_tells_its_label_tail_and_strength(vendor):
    _, name, address, _, _, strength, _ = ROWS[vendor.name]

    assert name.startswith(vendor.label.partition(" (")[0])
    assert vendor.tail in address
    assert vendor.strength.name.lower() in strength


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=lambda vendor: vendor.name)
def test_a_setting_that_it_does_not_know_is_refused_by_name(vendor):
    with refused(Cause.MISCONFIGURED):
        vendor.check_settings({"colour": "red"})


@pytest.mark.parametrize("topic", ["", "mail", "arn:aws:s3:::bucket", 7])
def test_ses_wants_the_topic(topic):
    with refused(Cause.MISCONFIGURED):
        VENDORS["ses"].check_settings({TOPIC: topic})


@pytest.mark.parametrize(
    "topic", ["arn:aws:sns:eu-west-1:1:mail", "arn:aws-us-gov:sns:us-gov-west-1:1:m"]
)
def test_the_topics_of_all_partitions_are_topics(topic):
    VENDORS["ses"].check_settings({TOPIC: topic})
