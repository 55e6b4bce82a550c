"""A clinician's hands at the Sandbox in Chromium: where to click for a service, a patient, a card and what becomes of it.

`test_sandbox` and `test_recorded` work by it. The browser finds no host but this machine: the Sandbox also asks for services and
patients of its makers on the Internet.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Locator, Page, Response, ViewportSize, async_playwright

from tests.api.browsing import DESKTOP, chromium_path
from tests.conformance.sandbox.ehr import address
from tests.conformance.sandbox.hearing import Ear

Card = dict[str, Any]

NOTHING = "No recommendations to display"
_ALONE = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-background-networking"]
_PATIENCE = 30_000.0


@dataclass(frozen=True, slots=True)
class Screen:
    """The Sandbox as one clinician has it open; `nightlight`, `fhir` and `sandbox` are origins."""

    page: Page
    ear: Ear
    sandbox: str
    fhir: str
    nightlight: str

    @property
    def discovery(self) -> str:
        return f"{self.nightlight}/cds-services"

    @property
    def _view(self) -> str:
        return f"{self.discovery}/child-protection-patient-view"

    @property
    def card(self) -> Locator:
        return self.page.locator(".MuiCard-root")

    async def begin(self, patient: str) -> Card:
        """By hand, as a new user does: first the FHIR server, then the patient, and at last the service; its card."""
        await self.page.goto(self.sandbox)
        await self.page.get_by_role("dialog").get_by_role("textbox").fill(self.fhir)
        await self.page.get_by_role("button", name="Next").click()
        await self._choose(patient)
        await self._menu("Add CDS Services")
        await self.page.get_by_role("dialog").get_by_role("textbox").fill(self.discovery)
        async with self.page.expect_response(self._view) as answered:
            await self.page.get_by_role("button", name="Save").click()
        return await _card_of(await answered.value)

    async def change_patient(self, patient: str) -> Card:
        """Open another record; its card, or nothing."""
        await self._menu("Change Patient")
        async with self.page.expect_response(self._view) as answered:
            await self._choose(patient)
        return await _card_of(await answered.value)

    async def open_record(self, patient_id: str) -> Card:
        """Open the Sandbox with everything in its address; the patient's card, or nothing."""
        return await _card_of(await self.ask_about(patient_id))

    async def ask_about(self, patient_id: str) -> Response:
        """The same; whatever Nightlight answers."""
        async with self.page.expect_response(self._view) as answered:
            await self.page.goto(address(self.sandbox, self.fhir, self.nightlight, patient_id))
        return await answered.value

    async def open_banner(self) -> Page:
        """The page that the card's link opens, in a tab of its own."""
        async with self.page.context.expect_page() as opened:
            await self.card.get_by_role("button", name="Open the banner in Nightlight").click()
        return await opened.value

    async def put_aside(self, reason: str) -> Response:
        """Dismiss the card with one of its reasons; what Nightlight answered."""
        await self.card.get_by_role("button", name="select dismiss reason").click()
        async with self.page.expect_response(f"{self._view}/feedback") as answered:
            await self.page.get_by_role("menuitem", name=reason).click()
        return await answered.value

    async def press(self, button: str) -> Response:
        """A button of the card that tells Nightlight what became of it; what it answered."""
        async with self.page.expect_response(f"{self._view}/feedback") as answered:
            await self.card.get_by_role("button", name=button, exact=True).click()
        return await answered.value

    async def _choose(self, patient: str) -> None:
        dialog = self.page.get_by_role("dialog")
        await dialog.get_by_role("combobox").or_(dialog.locator("input[id^=react-select]")).first.click(force=True)
        await self.page.get_by_text(patient, exact=True).click()
        await dialog.get_by_role("button", name="Save").click()

    async def _menu(self, item: str) -> None:
        await self.page.locator("header button").last.click()
        await self.page.get_by_role("menuitem", name=item).click()


async def _card_of(answer: Response) -> Card:
    assert answer.status == 200, await answer.text()
    cards: list[Card] = (await answer.json())["cards"]
    assert len(cards) < 2
    return cards[0] if cards else {}


@asynccontextmanager
async def sitting_down(sandbox: str, fhir: str, nightlight: str, size: ViewportSize = DESKTOP) -> AsyncIterator[Screen]:
    """A browser that nobody has used, with the Sandbox about to be opened in it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=_ALONE)
        try:
            context = await browser.new_context(viewport=size, locale="en-GB")
            context.set_default_timeout(_PATIENCE)
            page = await context.new_page()
            ear = Ear(nightlight)
            await ear.listen(page)
            yield Screen(page, ear, sandbox, fhir, nightlight)
        finally:
            await browser.close()
