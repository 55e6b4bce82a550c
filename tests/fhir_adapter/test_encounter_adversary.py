"""Whatever a body holds is never a fault of ours: any JSON and any bytes are answered, and no error says what they held."""

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fhir_adapter.codes import NHS_NUMBER
from fhir_adapter.encounters.json_body import read_object
from fhir_adapter.encounters.problems import BadResource
from fhir_adapter.encounters.reading import Sent, read_encounter
from fhir_adapter.encounters.validity import ELEMENTS, check_encounter
from tests.fhir_adapter.doorway import Doorway
from tests.fhir_adapter.encounter_bodies import Body, encounter, id_of, post, put
from tests.fhir_adapter.validity import check_valid

MARK = "Zzyzx"
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            " ",
            "0001-01-01",
            "9999-12-31T23:59:59-14:00",
            "2026-03-03T14:00:00.1234567890Z",
            "#p",
            "#",
            "9990000018",
            "\x00",
            "\ud800",
        ]
    ),
)
NAMES = st.one_of(
    st.sampled_from(sorted(ELEMENTS)), st.sampled_from(["value", "system", "coding", "code", "reference", "use", "start"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(NAMES, st.text(max_size=8)), inner, max_size=4)),
    max_leaves=20,
)
WHOLE = encounter(
    number=None,
    end="2026-03-03T15:00:00Z",
    updated="2026-03-03T14:00:00Z",
    text={"status": "generated", "div": "<div>x</div>"},
    contained=[
        {
            "resourceType": "Patient",
            "id": "p",
            "identifier": [{"system": NHS_NUMBER, "value": "9990000018"}, {"type": {"coding": [{"code": "MR"}]}, "value": "A1"}],
            "name": [{"use": "official", "family": "Example", "given": ["Ada"]}],
            "birthDate": "2018-05-06",
        }
    ],
    subject={"reference": "#p", "type": "Patient"},
    location=[{"status": "active", "location": {"identifier": {"value": "ED-1"}}}],
    serviceType={"coding": [{"system": "https://amber.example/treatment-function", "code": "180"}]},
    hospitalization={
        "extension": [
            {
                "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AdmissionMethod",
                "valueCodeableConcept": {"coding": [{"code": "21"}]},
            }
        ],
        "dischargeDisposition": {"coding": [{"code": "1"}]},
    },
)


def read(raw: bytes) -> Sent | None:
    """As the door reads it, without the desk; None where it was refused."""
    try:
        resource = read_object(raw, "Encounter", ELEMENTS)
        check_encounter(resource)
        return read_encounter(resource, strict=False)
    except BadResource as refused:
        outcome = refused.to_operation_outcome()
        check_valid(outcome)
        assert MARK not in json.dumps(outcome)
        return None


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a body."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, (*path, name))


PLACES = [path for path in places(WHOLE) if path]


def replaced(body: Body, path: tuple[str | int, ...], value: Any) -> Body:
    """A copy with something else at one place."""
    changed = copy.deepcopy(body)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def test_the_whole_body_is_read() -> None:
    sent = read(json.dumps(WHOLE).encode())
    assert sent is not None
    assert (sent.visit_number, sent.identity.nhs_number, sent.codes) == ("V1", "9990000018", ("E", "21", "180", "ED-1"))
    assert sent.identity.local_numbers[0].value == "A1"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    assert read(raw) is None


@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    assert read(json.dumps(value).encode()) is None


@settings(max_examples=400)
@given(st.dictionaries(NAMES, JSON, max_size=3))
@example({"contained": [{"resourceType": "Patient", "id": "p", "name": [{"given": [None]}]}]})
@example({"contained": [{"resourceType": "Encounter", "id": "p"}]})
def test_any_elements_beside_the_needed_ones_are_read_or_refused(elements: Body) -> None:
    read(json.dumps(encounter() | elements).encode())


@settings(max_examples=600)
@given(st.sampled_from(PLACES), JSON)
def test_anything_at_any_place_is_read_or_refused(path: tuple[str | int, ...], value: Any) -> None:
    read(json.dumps(replaced(WHOLE, path, value)).encode())


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("value", [MARK, {MARK: MARK}, [MARK], {"value": {MARK: 1}}])
def test_what_stood_somewhere_is_never_in_the_error(path: tuple[str | int, ...], value: Any) -> None:
    read(json.dumps(replaced(WHOLE, path, value)).encode())


@pytest.mark.parametrize("values, is_read", [(900, True), (1_000, False), (15_000, False)])
def test_a_body_of_more_values_than_any_encounter_has_is_refused_before_it_takes_time(values: int, is_read: bool) -> None:
    tags = [{"code": "a"}] * (values // 2)
    assert (read(json.dumps(encounter(meta={"tag": tags})).encode()) is not None) is is_read


HOSTILE = [
    encounter(visit="V\u202e1"),
    encounter(visit="'; DROP TABLE encounters; --"),
    encounter(visit="V" * 128),
    encounter(visit="\N{PILE OF POO}" * 128),
    encounter(number="٩٩٩٠٠٠٠٠١٨"),
    encounter(number="9" * 10_000),
    encounter(start="9999-12-31T23:59:59Z"),
    encounter(start="1900-01-01T00:00:00Z"),
    encounter(updated="9999-12-31T23:59:59Z"),
    encounter(start="2026-03-03"),
    encounter(start="2026-03-03T14:00:60Z"),
    encounter(start="2026-03-03T14:00:00+14:00"),
    encounter(site="r0a01 "),
    encounter(extension=[{"url": f"https://{each}.example", "valueString": "x" * 50} for each in range(500)]),
    encounter(identifier=[{"value": "V1"}] * 1_000),
    encounter(location=[{"location": {"display": "x"}}] * 500),
    encounter(length={"value": 1e308, "unit": "min"}),
    {"resourceType": "Encounter", "contained": [{"resourceType": "Patient", "id": "p"}] * 300},
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_bodies_are_answered_and_never_by_a_fault_of_ours(doorway: Doorway, body: Body) -> None:
    response = await post(doorway, body)
    assert response.status in {200, 201, 400, 403, 413}
    if response.status == 201:
        assert (await put(doorway, id_of(response), body | {"status": "finished"})).status in {200, 400}


async def test_no_body_that_is_recorded_is_one_that_the_store_cannot_take(doorway: Doorway) -> None:
    """The readers' examples, through the whole door: what they let through can be stored."""

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(st.sampled_from(PLACES), JSON)
    def bodies(path: tuple[str | int, ...], value: Any) -> None:
        body = replaced(WHOLE, path, value)
        if read(json.dumps(body).encode()) is not None:
            found.append(body)

    found: list[Body] = []
    await asyncio.to_thread(bodies)
    for body in found:
        assert (await post(doorway, body)).status in {200, 201, 403}
