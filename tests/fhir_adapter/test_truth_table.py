"""Scheduled and unscheduled, whole: every header, registration, role and kind of site, through the real door and the real desk.

What comes out is compared with the table of docs/integration/fhir.md, section 4.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from domain.nhs_number import parse_nhs_number
from tests.fhir_adapter.doorway import Doorway
from tests.fhir_adapter.reading import sentences

PAGE = (Path(__file__).parents[2] / "docs" / "integration" / "fhir.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| (both|unscheduled|scheduled) \| (\S+) \| (\w+) \| (yes|no) \| (yes|no) \| (yes|no) \|$", re.MULTILINE)
TABLE = {(care, header): tuple(rest) for care, header, *rest in _ROW.findall(PAGE)}
HEADERS = {"`true`": "true", "missing": None, "`false`": "false", "`perhaps`": "perhaps"}
CARES = ("both", "unscheduled", "scheduled")
WITHOUT_FEED, WITH_FEED, WITH_FEED_AND_ALERTS, PRIVATE = "R0A01", "R0A02", "R0A05", "R0A04"
ROLES = (None, "555254240100")


def test_the_page_has_every_row() -> None:
    assert set(TABLE) == set(itertools.product(CARES, HEADERS))


def test_only_who_is_registered_for_it_can_raise_an_alert_or_look_silently() -> None:
    for (care, header), (answered, told, told_with_feed, in_history) in TABLE.items():
        if care == "scheduled":
            assert (told, told_with_feed, in_history) == ("no", "no", "no")
        if care == "unscheduled" and header != "`perhaps`":
            assert (answered, told, in_history) == ("unscheduled", "yes", "yes")


async def test_what_the_door_does_is_what_the_table_says(doorway: Doorway) -> None:
    await furnish(doorway)
    numbers = children()
    for care, header, role, site in itertools.product(
        CARES, HEADERS, ROLES, (WITHOUT_FEED, WITH_FEED, WITH_FEED_AND_ALERTS, PRIVATE)
    ):
        number = next(numbers)
        await doorway.house.flag(number)
        answered, told, told_with_feed, in_history = TABLE[care, header]
        said, alerts, history = await look(doorway, number, care, HEADERS[header], role, site)
        case = (care, header, role, site)
        if site == PRIVATE:
            assert (said, alerts, history) == (answered if answered == "400" else "scheduled", 0, 0), case
        else:
            expected = told_with_feed if site == WITH_FEED else told
            assert (said, alerts, history) == (answered, int(expected == "yes"), int(in_history == "yes")), case


async def look(doorway: Doorway, number: str, care: str, header: str | None, role: str | None, site: str) -> tuple[str, int, int]:
    """How it was answered, how often an authority was told of this child, and how many entries the shared history has."""
    headers = {"NHSD_End_User_Organisation_ODS": site}
    headers |= {} if header is None else {"IsUnscheduledAccessEvent": header}
    headers |= {} if role is None else {"NHSD_Session_URID": role}
    response = await doorway.search(number, f"{care}-app", **headers)
    said = str(response.status)
    if response.status == 200:
        [manner] = [each for each in sentences(response) if each.startswith("Answered as")]
        said = manner.removeprefix("Answered as ").partition(" ")[0]
    alerts = await doorway.house.value(
        "SELECT count(*) FROM alerts a JOIN persons p ON p.id = a.person_id WHERE p.nhs_number = %s", number
    )
    history = await doorway.house.value(
        "SELECT count(*) FROM accesses a JOIN persons p ON p.id = a.person_id WHERE p.nhs_number = %s AND a.in_history", number
    )
    looks = await doorway.house.value(
        "SELECT count(*) FROM accesses a JOIN persons p ON p.id = a.person_id WHERE p.nhs_number = %s", number
    )
    assert looks == (1 if response.status == 200 else 0)
    return said, alerts, history


async def furnish(doorway: Doorway) -> None:
    await doorway.house.rows(
        """
        INSERT INTO sites (ods_code, organisation_code, name, setting, lookups_alert)
        VALUES ('R0A05', 'R0A', 'Amber Children', 'emergency-department', true) RETURNING ods_code
        """
    )
    await doorway.house.rows("INSERT INTO site_feeds VALUES ('R0A02', now(), now()), ('R0A05', now(), now()) RETURNING site")
    doorway.house.directory.forget()


def children() -> Iterator[str]:
    """Invented numbers of the range that is never issued."""
    for stem in range(999_100_000, 999_200_000):
        digits = [int(digit) for digit in str(stem)]
        check = 11 - sum(digit * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            yield parse_nhs_number(f"{stem}{0 if check == 11 else check}")
