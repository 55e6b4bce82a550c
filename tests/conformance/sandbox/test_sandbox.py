"""The public CDS Hooks Sandbox in Chromium asks a running Nightlight: what its users see and press, and what is left behind.

Its source stays outside this repository: without NIGHTLIGHT_CDS_SANDBOX all of this is skipped, and says so.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.conformance.sandbox.ground import Ground
from tests.conformance.sandbox.hearing import ISSUER as EHR
from tests.conformance.sandbox.hearing import RECORDING, Request, in_general
from tests.conformance.sandbox.screen import NOTHING, Screen

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]

SUMMARY = re.compile(r"Subject to child protection plan: Ambershire\. Ring 01632 96[01]301\.")
REASON, SUGGESTION = "I have acted on this already", "I will speak to social care"
SAID = """
    SELECT c.indicator, c.service, c.site, o.outcome, o.reason FROM cards c LEFT JOIN card_outcomes o ON o.card = c.id
    WHERE c.client = 'https://sandbox.cds-hooks.org' AND c.id = '{}'
"""
AUDITED = """
    SELECT action, organisation, detail->>'reason' FROM audit_events
    WHERE subject_type = 'card' AND subject_id = '{}' AND actor_id = 'https://sandbox.cds-hooks.org'
"""
LOOKS = "SELECT DISTINCT actor_name, trigger_event, outcome FROM accesses WHERE encounter_id = '{}'"


async def test_a_card_is_shown_its_banner_opens_and_why_it_was_put_aside_is_recorded(ground: Ground, screen: Screen) -> None:
    card = await screen.begin("Amelia Harding, 2019-03-04")
    await expect(screen.card).to_have_count(1)
    await expect(screen.card.get_by_text(SUMMARY)).to_be_visible()
    for words in ("Authority: Ambershire", "Started: 5 January 2026", "This is not national: check CP-IS too."):
        await expect(screen.card).to_contain_text(words)

    banner = await screen.open_banner()
    assert "9990000018" not in banner.url
    await sign_in(banner, "carla")
    assert banner.url == card["links"][0]["url"]
    await banner.get_by_role("button", name="Show details").click()
    await expect(banner.get_by_text("Known to social care")).to_be_visible()
    await banner.close()
    looks = ground.service.rows(LOOKS.format(card["links"][0]["url"].rpartition("/")[2]))
    assert {(EHR, "lookup", "flagged"), ("Carla Clinician", "banner", "flagged")} <= set(looks)

    assert (await screen.put_aside(REASON)).status == 200
    await expect(screen.page.get_by_text(NOTHING)).to_be_visible()
    said = ground.service.rows(SAID.format(card["uuid"]))
    assert said == [("critical", "child-protection-patient-view", "R0A01", "overridden", "already-acted")]
    assert ground.service.rows(AUDITED.format(card["uuid"])) == [("card.overridden", "R0A", "already-acted")]


async def sign_in(page: Page, person: str) -> None:
    """At the hospital's provider of identities, to which the banner's address has led."""
    await page.wait_for_url("**/oauth2/authorize?**")
    await page.locator("input[name=sub]").fill(person)
    await page.get_by_role("button").first.click()
    await page.wait_for_url("**/encounters/*")


async def test_opening_the_record_again_and_again_raises_one_alert(ground: Ground, screen: Screen) -> None:
    [banner] = {(await screen.open_record("amelia"))["links"][0]["url"] for _ in range(3)}
    encounter = banner.rpartition("/")[2]
    assert ground.service.value(f"SELECT count(*) FROM alerts WHERE encounter_id = '{encounter}'") == 1


async def test_a_critical_card_that_is_dismissed_without_a_reason_is_not_taken_as_put_aside(ground: Ground, screen: Screen) -> None:
    card = await screen.open_record("amelia")
    assert (await screen.press("Dismiss")).status == 400
    assert ground.service.rows(SAID.format(card["uuid"]))[0][3:] == (None, None)
    again = await screen.open_record("amelia")
    await expect(screen.card.get_by_text(SUMMARY)).to_be_visible()
    assert again["uuid"] != card["uuid"]


async def test_a_card_that_is_followed_is_counted_as_followed(ground: Ground, screen: Screen) -> None:
    card = await screen.open_record("amelia")
    assert (await screen.press(SUGGESTION)).status == 200
    assert ground.service.rows(SAID.format(card["uuid"]))[0][3:] == ("followed", "")
    assert ground.service.rows(AUDITED.format(card["uuid"])) == [("card.followed", "R0A", None)]


async def test_a_patient_without_a_number_has_a_card_that_says_that_nobody_could_check(screen: Screen) -> None:
    card = await screen.open_record("isla")
    assert card["indicator"] == "warning"
    await expect(screen.card).to_have_count(1)
    await expect(screen.card).to_contain_text("We could not check")
    await expect(screen.card).to_contain_text("This is not an answer about the patient.")


async def test_a_patient_whose_details_differ_has_a_card_that_says_so(screen: Screen) -> None:
    card = await screen.open_record("mia")
    assert card["indicator"] == "warning"
    await expect(screen.card).to_contain_text("Details differ, verify identity.")


async def test_a_patient_who_is_not_known_has_no_card_and_a_record_opened_after_it_has_its_own(screen: Screen) -> None:
    assert await screen.open_record("noah") == {}
    await expect(screen.page.get_by_text(NOTHING)).to_be_visible()
    await expect(screen.card).to_have_count(0)
    assert (await screen.change_patient("Amelia Harding, 2019-03-04"))["indicator"] == "critical"
    await expect(screen.card.get_by_text(SUMMARY)).to_be_visible()


async def test_an_ehr_that_cannot_give_the_patient_is_refused_which_the_sandbox_takes_for_all_clear(screen: Screen) -> None:
    """Nothing in the protocol prevents that: docs/adr/0028-a-card-says-when-nobody-could-check.md."""
    refused = await screen.ask_about("wren")
    assert (refused.status, (await refused.json())["error"]) == (412, "no-patient")
    await expect(screen.page.get_by_text(NOTHING)).to_be_visible()


async def test_the_recording_is_what_the_sandbox_sends(ground: Ground, screen: Screen, tmp_path: Path) -> None:
    """A new version of the Sandbox that speaks otherwise is noticed here; what it says now is left for `recorded.json`."""
    await screen.open_record("amelia")
    await screen.press("Dismiss")
    await screen.open_record("amelia")
    await screen.put_aside(REASON)
    await screen.open_record("amelia")
    await screen.press(SUGGESTION)
    heard: list[Request] = []
    for request in await screen.ear.requests():
        general = in_general(request, ground.addresses)
        heard += [general] if general not in heard else []
    found = tmp_path / RECORDING.name
    found.write_text(json.dumps(heard, indent=2) + "\n", encoding="utf-8")
    recorded: Any = json.loads(RECORDING.read_text(encoding="utf-8"))
    assert sorted(heard, key=json.dumps) == sorted(recorded, key=json.dumps), f"what was heard now is in {found}"
