"""Care settings from a site's rules, as a table; and what a new site begins with."""

from dataclasses import replace

import pytest

from domain.care_setting import CareSetting
from domain.errors import Conflict, InvalidInput, NotFound, NotSpeakingFor
from safeguarding.care_settings import DEFAULT_RULES, decide_care_setting
from safeguarding.directory import CareSettingRule, Site, read_directory
from safeguarding.sites import add_site, allow_peer
from tests.safeguarding.house import OPERATOR, House

SITE = Site("R0A01", "R0A", "Royal Amber", "Amber", CareSetting.EMERGENCY_DEPARTMENT, None, "", (), DEFAULT_RULES, False)
WALK_IN = replace(SITE, setting=CareSetting.WALK_IN_CENTRE)


@pytest.mark.parametrize(
    "site,pv1,setting",
    [
        (SITE, ("E", "21", "180", "ED"), "emergency-department"),
        (WALK_IN, ("E", "", "", ""), "walk-in-centre"),
        (SITE, ("O", "", "", "CLINIC"), "outpatient"),
        (SITE, ("O", "", "360", ""), "sexual-health"),
        (SITE, ("I", "11", "711", ""), "camhs"),
        (SITE, ("I", "21", "420", "PAED"), "paediatric-ward"),
        (SITE, ("I", "2A", "300", ""), "emergency-department"),
        (SITE, ("I", "2a", "300", ""), "emergency-department"),
        (SITE, ("I", "31", "501", ""), "maternity"),
        (SITE, ("I", "82", "", ""), "maternity"),
        (SITE, ("I", "12", "100", ""), "elective-admission"),
        (SITE, ("I", "", "560", ""), "maternity"),
        (SITE, ("", "", "180", ""), "emergency-department"),
        (SITE, ("I", "", "420", ""), "paediatric-ward"),
        (SITE, ("", "", "", ""), "emergency-department"),
        (WALK_IN, ("", "", "", "ROOM1"), "walk-in-centre"),
        (SITE, ("R", "", "300", ""), "unclassified"),
    ],
)
def test_the_first_rule_that_fits_decides(site: Site, pv1: tuple[str, str, str, str], setting: str) -> None:
    assert decide_care_setting(site, *pv1) == setting


def test_what_fits_no_rule_tells_the_authority_all_the_same() -> None:
    assert decide_care_setting(SITE, "X", "99", "999", "").is_unscheduled


@pytest.mark.parametrize("pv1", [("I", "21", "180", "ED"), ("R", "", "300", ""), ("", "", "", ""), ("E", "", "", "")])
def test_a_private_service_stays_private_whatever_its_messages_say(pv1: tuple[str, str, str, str]) -> None:
    assert decide_care_setting(replace(SITE, setting=CareSetting.SARC), *pv1) is CareSetting.SARC


def test_services_whose_use_nobody_may_hear_of_match_before_everything_else() -> None:
    private = [rule.setting.is_private for rule in DEFAULT_RULES]
    assert private == sorted(private, reverse=True)


def test_a_rule_by_location_decides_only_there() -> None:
    rule = CareSettingRule(frozenset(), frozenset(), frozenset(), "SARC", CareSetting.SARC)
    site = replace(SITE, rules=(rule, *DEFAULT_RULES))
    assert decide_care_setting(site, "E", "", "", "sarc^1") is CareSetting.SARC
    assert decide_care_setting(site, "E", "", "", "ED") is CareSetting.EMERGENCY_DEPARTMENT


async def test_a_site_cannot_be_added_twice_nor_with_an_unknown_authority_nor_from_no_network(house: House) -> None:
    async with house.database.transaction() as transaction:
        with pytest.raises(Conflict):
            await add_site(transaction, OPERATOR, "R0A01", "Again", CareSetting.GP)
    async with house.database.transaction() as transaction:
        with pytest.raises(NotFound):
            await add_site(transaction, OPERATOR, "R0C01", "New", CareSetting.GP, host_authority_code="999")
    async with house.database.transaction() as transaction:
        with pytest.raises(InvalidInput):
            await allow_peer(transaction, "ward 4", "R0A01")


async def test_a_peer_speaks_only_for_its_own_facilities_and_the_narrowest_network_counts(house: House) -> None:
    async with house.database.transaction() as transaction:
        await allow_peer(transaction, "10.0.0.0/8", "R0A01")
        await allow_peer(transaction, "10.1.0.0/16", "R0A02")
    async with house.database.transaction() as transaction:
        directory = await read_directory(transaction)
    assert directory.site_for(directory.peer_of("10.1.2.3", None), "r0a02").ods_code == "R0A02"
    for address, facility in (("10.1.2.3", "R0A01"), ("10.2.2.3", "R0A02"), ("10.2.2.3", "ZZZ99")):
        with pytest.raises(NotSpeakingFor):
            directory.site_for(directory.peer_of(address, None), facility)
    with pytest.raises(NotSpeakingFor):
        directory.peer_of("192.0.2.1", None)


async def test_a_new_site_has_the_default_rules_as_rows_of_its_own(house: House) -> None:
    async with house.database.transaction() as transaction:
        directory = await read_directory(transaction)
    assert directory.sites["R0A01"].rules == DEFAULT_RULES
