"""Scheduled or unscheduled, as a truth table; and from which site a client looks."""

from datetime import UTC, datetime

import pytest

from domain.care_setting import CareSetting
from fhir_adapter.care import choose_site, decide_manner, setting_of_look
from fhir_adapter.errors import NOT_ALLOWED, Refused
from runtime.clients import Care
from safeguarding.directory import Directory, Site

ED, GP, SARC = CareSetting.EMERGENCY_DEPARTMENT, CareSetting.GP, CareSetting.SARC


@pytest.mark.parametrize(
    "care, header, setting, unscheduled, as_asked",
    [
        (Care.SCHEDULED, True, ED, False, False),
        (Care.SCHEDULED, None, ED, False, True),
        (Care.SCHEDULED, False, ED, False, True),
        (Care.UNSCHEDULED, True, ED, True, True),
        (Care.UNSCHEDULED, None, ED, True, True),
        (Care.UNSCHEDULED, False, ED, True, False),
        (Care.BOTH, True, ED, True, True),
        (Care.BOTH, None, ED, True, True),
        (Care.BOTH, False, ED, False, True),
        (Care.SCHEDULED, True, SARC, False, False),
        (Care.UNSCHEDULED, True, SARC, False, False),
        (Care.UNSCHEDULED, None, SARC, False, True),
        (Care.BOTH, None, SARC, False, True),
        (Care.BOTH, False, SARC, False, True),
        (Care.BOTH, True, GP, True, True),
        (Care.BOTH, False, GP, False, True),
    ],
)
def test_the_header_chooses_only_within_the_clients_rights_and_never_in_a_private_service(
    care: Care, header: bool | None, setting: CareSetting, unscheduled: bool, as_asked: bool
) -> None:
    manner = decide_manner(care, header, setting)
    assert (manner.unscheduled, manner.as_asked) == (unscheduled, as_asked)
    assert ("Answered as unscheduled care" in manner.words) is unscheduled
    assert ("not open to this client" in manner.words) is not as_asked


@pytest.mark.parametrize(
    "setting, header, taken_as",
    [
        (ED, True, ED),
        (ED, False, ED),
        (GP, False, GP),
        (GP, True, CareSetting.UNCLASSIFIED),
        (SARC, True, SARC),
    ],
)
def test_an_unscheduled_look_from_a_scheduled_service_counts_as_unscheduled(
    setting: CareSetting, header: bool, taken_as: CareSetting
) -> None:
    site = _site("R0A01", setting)
    assert setting_of_look(site, decide_manner(Care.BOTH, header, setting)) is taken_as


@pytest.mark.parametrize("asked", ["R0B01", "R0A99", "R0B", "ZZZ"])
def test_a_site_of_another_organisation_is_refused_whether_it_is_there_or_not(asked: str) -> None:
    with pytest.raises(Refused) as refused:
        choose_site(_directory(), "R0A", asked)
    assert refused.value.kind is NOT_ALLOWED
    assert asked not in refused.value.words


def test_an_organisation_without_a_site_cannot_look() -> None:
    with pytest.raises(Refused) as refused:
        choose_site(_directory(), "R0Z", None)
    assert refused.value.kind is NOT_ALLOWED


@pytest.mark.parametrize(
    "asked, chosen", [(None, "R0A03"), ("R0A", "R0A03"), ("R0A01", "R0A01"), ("R0A02", "R0A02"), ("R0A03", "R0A03")]
)
def test_a_client_looks_from_the_site_it_names_or_from_the_organisations_first(asked: str | None, chosen: str) -> None:
    assert choose_site(_directory(), "R0A", asked).ods_code == chosen


def _directory() -> Directory:
    sites = [_site("R0A01", SARC), _site("R0A02", GP), _site("R0A03", ED), _site("R0A04", ED), _site("R0B01", ED)]
    return Directory(False, {site.ods_code: site for site in sites}, {}, (), datetime(2026, 3, 3, tzinfo=UTC))


def _site(ods_code: str, setting: CareSetting) -> Site:
    return Site(ods_code, ods_code[:3], "Trust", f"Site {ods_code}", setting, None, "", (), (), False)
