"""The reader of a Subscription, its filters and its headers: whatever comes in is understood or refused, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.care_setting import CareSetting
from domain.subscription import Content, Topic, Wanted
from fhir_adapter.encounters.problems import BadResource, Problem
from fhir_adapter.subscriptions.filters import read_filters
from fhir_adapter.subscriptions.headers import MASK, masked, read_headers, to_mapping
from fhir_adapter.subscriptions.reader import HEARTBEAT_BOUNDS, TIMEOUT_BOUNDS, read_subscription
from tests.fhir_adapter.subscriptions.subscribing import BACKPORT, body, filtered

SITES = {"R0A01", "R0A02"}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["off", "rest-hook", BACKPORT]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["extension", "url", "valueString", "valueCode", "type", "payload"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def read(resource: Any) -> Wanted:
    return read_subscription(json.dumps(resource).encode(), SITES)[1]


def problems_of(resource: Any) -> tuple[Problem, ...] | None:
    """What is wrong with it, or None where it is understood. Whatever else is raised is a fault of ours."""
    try:
        read(resource)
    except BadResource as refused:
        return refused.problems
    return None


@given(st.sampled_from(sorted(body(_criteria=filtered("site=R0A01"), end="2999-01-01T00:00:00Z"))), VALUES)
def test_any_element_is_understood_or_refused(name: str, value: Any) -> None:
    assert problems_of({**body(), name: value}) != ()


@given(st.sampled_from(["type", "endpoint", "payload", "_payload", "header", "extension"]), VALUES)
def test_any_channel_is_understood_or_refused(name: str, value: Any) -> None:
    resource = body()
    resource["channel"][name] = value
    assert problems_of(resource) != ()


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(BadResource):
        read_subscription(raw, SITES)


def test_what_a_refusal_says_quotes_nothing_that_was_sent() -> None:
    for resource in (body(criteria="9990000018"), body(_criteria=filtered("patient=9990000018")), {**body(), "9990000018": 1}):
        with pytest.raises(BadResource) as refused:
            read(resource)
        assert "9990000018" not in json.dumps(refused.value.to_operation_outcome())


def test_a_whole_subscription_is_read() -> None:
    wanted = read(body(_criteria=filtered("site=r0a01"), channel_header=["X-Key:  abc "]) | {"end": "2999-01-01T01:00:00+01:00"})
    assert (wanted.topic, wanted.content, wanted.is_off) == (Topic.CHILD_SEEN, Content.ID_ONLY, False)
    assert (wanted.sites, wanted.care_settings, wanted.headers) == (("R0A01",), None, ("X-Key: abc",))
    assert wanted.ends_at is not None
    assert wanted.ends_at.isoformat() == "2999-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "name, asked, used",
    [
        ("heartbeat-period", 0, None),
        ("heartbeat-period", 1, HEARTBEAT_BOUNDS[0]),
        ("heartbeat-period", 600, 600),
        ("heartbeat-period", 10**9, HEARTBEAT_BOUNDS[1]),
        ("timeout", 3, 3),
        ("timeout", 60, TIMEOUT_BOUNDS[1]),
    ],
)
def test_periods_are_brought_within_bounds(name: str, asked: int, used: int | None) -> None:
    wanted = read(body(channel_extension=[{"url": f"{BACKPORT}/backport-{name}", "valueUnsignedInt": asked}]))
    assert (wanted.heartbeat_seconds if name == "heartbeat-period" else wanted.timeout_seconds) == used


@pytest.mark.parametrize(
    "extension",
    [
        {"url": f"{BACKPORT}/backport-max-count", "valuePositiveInt": 0},
        {"url": f"{BACKPORT}/backport-timeout", "valueUnsignedInt": True},
        {"url": f"{BACKPORT}/backport-timeout", "valueString": "5"},
        {"url": f"{BACKPORT}/backport-channel-type", "valueCoding": {"code": "zulip"}},
        {"url": "https://example.org/unknown", "valueUnsignedInt": 5},
    ],
)
def test_an_extension_of_the_channel_that_is_not_known_or_not_right_is_refused(extension: dict[str, Any]) -> None:
    with pytest.raises(BadResource):
        read(body(channel_extension=[extension]))


@pytest.mark.parametrize(
    "filters, sites, settings",
    [
        ([], None, None),
        (["site=R0A01"], ("R0A01",), None),
        (["Communication?site=R0A02,r0a01"], ("R0A01", "R0A02"), None),
        (["?site=R0A01,R0A02", "site=R0A02"], ("R0A02",), None),
        (["site=R0A01&care-setting=maternity,ambulance"], ("R0A01",), ("ambulance", "maternity")),
    ],
)
def test_filters_come_to_sites_and_settings(filters: list[str], sites: Any, settings: Any) -> None:
    assert read_filters(filters, SITES) == (sites, settings)


@pytest.mark.parametrize(
    "filters",
    [
        ["site="], ["site"], [""], ["?"], ["Encounter?site=R0A01"], ["site=R0B01"], ["care-setting=street"], ["status=raised"],
        ["site=R0A01", "site=R0A02"], ["site:not=R0A01"], ["site=R0A01"] * 11, ["site=" + "R0A01," * 200],
    ],
)  # fmt: skip
def test_a_filter_that_is_unknown_or_never_passes_is_refused(filters: list[str]) -> None:
    with pytest.raises(BadResource):
        read_filters(filters, SITES)


def test_every_care_setting_can_be_filtered_by() -> None:
    for setting in CareSetting:
        assert read_filters([f"care-setting={setting.value}"], SITES)[1] == (setting.value,)


@pytest.mark.parametrize(
    "lines",
    [
        ["Authorization"], [": x"], ["A B: c"], ["X-Key: a\nb"], ["X-Key: é"], ["X-Key: "], ["content-type: text/plain"],
        ["Content-Length: 5"], ["TRANSFER-ENCODING: chunked"], ["X-Request-ID: 1"], ["X-Key: a", "x-key: b"], ["X-Key: a"] * 11,
    ],
)  # fmt: skip
def test_a_header_that_could_change_the_call_is_refused(lines: list[str]) -> None:
    with pytest.raises(BadResource):
        read_headers(lines, ())


@given(
    st.dictionaries(
        st.from_regex(r"\AX-[A-Za-z]{1,10}\Z"), st.from_regex(r"\A[!-~]([ -~]{0,20}[!-~])?\Z"), max_size=5
    ).filter(lambda held: len({name.lower() for name in held}) == len(held) and MASK not in held.values())
)  # fmt: skip
def test_headers_that_are_masked_and_sent_back_are_what_they_were(headers: dict[str, str]) -> None:
    headers.pop("X-Request-ID", None)
    held = read_headers([f"{name}: {value}" for name, value in headers.items()], ())
    assert to_mapping(held) == headers
    assert read_headers(masked(held), held) == held
    assert all(value not in " ".join(masked(held)).split(": ") for value in headers.values())
