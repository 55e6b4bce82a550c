"""What is granted of the scopes that are asked for, and how far they reach: tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.clients import SCOPES
from runtime.scopes import grant, permits

REGISTERED = ["system/Flag.rs", "system/CareTeam.rs", "system/Encounter.cu"]


@pytest.mark.parametrize(
    "asked, granted",
    [
        ("", []),
        ("nonsense", []),
        ("openid fhirUser launch", []),
        ("user/Flag.rs patient/Flag.rs", []),
        ("system/Subscription.rs", []),
        ("system/flag.rs", []),
        ("system/Flag.", []),
        ("system/Flag.sr", []),
        ("system/Flag.rs?category=x", []),
        ("system/Flag.rs", ["system/Flag.rs"]),
        ("system/Flag.r", ["system/Flag.r"]),
        ("system/Flag.s system/Flag.r", ["system/Flag.rs"]),
        ("system/Flag.cruds", ["system/Flag.rs"]),
        ("system/Flag.read", ["system/Flag.rs"]),
        ("system/Flag.write", []),
        ("system/Encounter.write", ["system/Encounter.cu"]),
        ("system/Flag.*", ["system/Flag.rs"]),
        ("system/*.read", ["system/Flag.rs", "system/CareTeam.rs"]),
        ("system/*.rs", ["system/Flag.rs", "system/CareTeam.rs"]),
        ("system/*.cruds", REGISTERED),
        ("system/*.*", REGISTERED),
        ("system/Subscription.cruds system/CareTeam.rs", ["system/CareTeam.rs"]),
        ("system/Extract.cr", []),
    ],
)
def test_granted_is_what_was_asked_within_what_is_registered(asked: str, granted: list[str]) -> None:
    assert grant(asked.split(), REGISTERED) == granted


@pytest.mark.parametrize(
    "granted, needed, enough",
    [
        ([], "system/Flag.s", False),
        (["system/Flag.r"], "system/Flag.s", False),
        (["system/Flag.r"], "system/Flag.rs", False),
        (["system/CareTeam.rs"], "system/Flag.s", False),
        (["system/*.rs"], "system/Flag.s", False),  # never granted so: a grant names its resources
        (["system/Flag.rs"], "", False),
        (["system/Flag.rs"], "system/Flag.s", True),
        (["system/Extract.r"], "system/Extract.c", False),
        (["system/Flag.cruds"], "system/Extract.r", False),
        (["system/Extract.cr"], "system/Extract.c", True),
        (["system/Flag.s", "system/Flag.r"], "system/Flag.rs", True),
    ],
)
def test_a_scope_reaches_as_far_as_its_letters(granted: list[str], needed: str, enough: bool) -> None:
    assert permits(granted, needed) is enough


@given(st.lists(st.text(max_size=30) | st.from_regex(r"system/(\*|[A-Z][a-z]{0,8})\.[cruds*]{0,5}", fullmatch=True), max_size=6))
def test_nothing_that_is_asked_for_is_granted_beyond_what_is_registered(asked: list[str]) -> None:
    assert all(permits(SCOPES, scope) for scope in grant(asked, SCOPES))
