"""How an authority or a site stands, and which step leads where. Pure.

`steps` moves a party by these tables; pages and commands show their words.
Source: docs/facts.md, section 4 (setting up → trial → live → paused; live needs two people).
"""

from dataclasses import dataclass
from enum import StrEnum


class PartyKind(StrEnum):
    """Who is taken through the onboarding."""

    AUTHORITY = "authority"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Party:
    """One authority by its code, or one site by its ODS code."""

    kind: PartyKind
    code: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.code}"


class State(StrEnum):
    """How a party stands: on trial all is worked through and shown to nobody (authority) or told to nobody (site)."""

    SETTING_UP = "setting-up"
    TRIAL = "trial"
    LIVE = "live"
    PAUSED = "paused"

    @property
    def words(self) -> str:
        """As a person reads it."""
        return {"setting-up": "Setting up", "trial": "On trial", "live": "Live", "paused": "Paused"}[self.value]


STEPS: dict[State, tuple[State, ...]] = {
    State.SETTING_UP: (State.TRIAL,),
    State.TRIAL: (State.LIVE, State.SETTING_UP),
    State.LIVE: (State.PAUSED, State.TRIAL),
    State.PAUSED: (State.LIVE, State.TRIAL),
}
"""Where each state leads; a test store may go anywhere."""

MEANING: dict[tuple[PartyKind, State], str] = {
    (
        PartyKind.AUTHORITY,
        State.SETTING_UP,
    ): "Its extracts load, nobody is shown its flags, and no answer counts it as checked.",
    (PartyKind.AUTHORITY, State.TRIAL): "Its extracts load, are matched and reported. Nobody is shown its flags.",
    (PartyKind.AUTHORITY, State.LIVE): "Its flags are shown, and it is told.",
    (PartyKind.AUTHORITY, State.PAUSED): "Its flags are still shown. Every answer says “not fully checked”.",
    (PartyKind.SITE, State.SETTING_UP): "Its messages are taken, and nothing is looked up: every answer is “we could not check”.",
    (PartyKind.SITE, State.TRIAL): "Its messages are answered as tests: nobody is told, no history is written, and answers say so.",
    (PartyKind.SITE, State.LIVE): "Its messages are answered, and authorities are told.",
    (PartyKind.SITE, State.PAUSED): "What is known is shown, nothing else counts as checked, nobody is told, and answers say so.",
}
"""What a state means for those who ask."""


def needs_second_person(before: State, after: State) -> bool:
    """Whether a step waits, in a production store, for somebody else than who asked for it.

    Going live shows children to strangers; leaving live for the trial hides them again. Pausing is done at once.
    """
    return after is State.LIVE or (before in {State.LIVE, State.PAUSED} and after is not State.PAUSED)
