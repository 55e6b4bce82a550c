"""How a child came, by the extension that FHIR R4 has for it: read by HL7's own table alone, and kept with the encounter."""

import pytest

from fhir_adapter.encounters.codes import MODE_OF_ARRIVAL
from fhir_adapter.encounters.reading import read_encounter
from tests.fhir_adapter.doorway import Doorway
from tests.fhir_adapter.encounter_bodies import Body, encounter, post

TABLE = "http://terminology.hl7.org/CodeSystem/v2-0430"


def came(code: str, system: str = TABLE, url: str = MODE_OF_ARRIVAL) -> list[Body]:
    return [{"url": url, "valueCoding": {"system": system, "code": code}}]


@pytest.mark.parametrize(
    "extension",
    [
        [],
        came("X"),
        came("A", "https://amber.example/CodeSystem/arrival"),
        came("A", url="https://amber.example/arrival"),
        [{"url": MODE_OF_ARRIVAL}],
    ],
    ids=["none", "no code of the table", "another code system", "another extension", "no value"],
)
def test_what_hl7s_table_does_not_say_is_not_read(extension: list[Body]) -> None:
    assert read_encounter(encounter(extension=extension), strict=False).arrival_mode == ""


async def test_how_the_child_came_is_kept(doorway: Doorway) -> None:
    assert (await post(doorway, encounter(extension=came("H")))).status == 201
    assert await doorway.house.value("SELECT arrival_mode FROM encounters") == "H"
