"""What differs between two documents of rules: paths by name, order, entries that come and go."""

from typing import Any

import pytest

from monitors.conditions.changes import changes

RECEIPT = {"name": "receipt", "kind": "receipt", "check": "receipt.payload.ok"}
ACCESS = {"name": "access", "kind": "access", "by": {"at": "08:30"}}
LATER = {**ACCESS, "by": {"at": "09:00"}}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"within": "1h"}, {"within": "1h"}, []),
        ({"within": "1h"}, {"within": "2h"}, [("within", "1h", "2h")]),
        ({}, {"within": "1h"}, [("within", None, "1h")]),
        ({"open_after": {"of": 3}}, {"open_after": {"of": 4}}, [("open_after.of", 3, 4)]),
        (
            {"steps": [RECEIPT, ACCESS]},
            {"steps": [RECEIPT, LATER]},
            [("steps[access].by.at", "08:30", "09:00")],
        ),
        ({"steps": [ACCESS]}, {"steps": [RECEIPT, ACCESS]}, [("steps[receipt]", None, RECEIPT)]),
        ({"steps": [ACCESS]}, {}, [("steps[access]", ACCESS, None)]),
        (
            {"steps": [RECEIPT, ACCESS]},
            {"steps": [ACCESS, RECEIPT]},
            [("steps", ["receipt", "access"], ["access", "receipt"])],
        ),
        (
            {"links": [{"kind": "a", "ids": ["x"]}, {"kind": "a", "ids": ["y"]}]},
            {"links": [{"kind": "a", "ids": ["x"]}]},
            [
                (
                    "links",
                    [{"kind": "a", "ids": ["x"]}, {"kind": "a", "ids": ["y"]}],
                    [{"kind": "a", "ids": ["x"]}],
                )
            ],
        ),
    ],
)
def test_each_field_that_means_something_else_is_named(
    old: dict[str, Any], new: dict[str, Any], found: list[tuple[str, Any, Any]]
) -> None:
    assert [tuple(each) for each in changes(old, new)] == found
