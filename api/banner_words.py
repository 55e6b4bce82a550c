"""An answer of the desk as the banner shows it: words and colours for the three answers, masked where it must be. Pure.

`api.banner` gives it to the templates. Flagged, none known and could not check share neither word, colour nor icon.
Source: docs/facts.md, sections 1, 3 and 5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from api.alert_words import AlertLine, told_line
from domain.answer import Answer, Caution, CouldNotCheck, Feed, Flagged, ShownFlag
from domain.flag import DISPLAY, FlagKind, Standing
from safeguarding.contacts import Contact, contacts
from safeguarding.directory import Directory, Site
from safeguarding.plan_words import late_words, missing_words, plan_lines, standing_words
from safeguarding.telling.conversation import Said
from safeguarding.telling.incidents import DISPUTED_WORDS
from safeguarding.telling.standing import Line
from safeguarding.time_words import day
from safeguarding.views import AlertRow

SECONDS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class FlagView:
    """One plan. `lines` are label and text; a masked one says what it is and nothing that says where the child lives."""

    title: str
    standing: str
    colour: str
    lines: tuple[tuple[str, str], ...]
    masked: bool
    late: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Whom the flags are about, so that the clinician can compare."""

    given_name: str
    family_name: str
    birth_date: str
    nhs_number: str
    is_mother: bool


@dataclass(frozen=True, slots=True)
class BannerView:
    """Everything that the banner shows. `kind` is flagged, none-known, not-fully-checked or could-not-check."""

    kind: str
    heading: str
    flags: tuple[FlagView, ...]
    held: tuple[Held, ...]
    cautions: tuple[str, ...]
    coverage: tuple[str, ...]
    feeds: tuple[Feed, ...]
    contacts: tuple[Contact, ...]
    alerts: tuple[AlertLine, ...]
    reason: str = ""
    masked: bool = False
    disputed: str = ""

    @property
    def told(self) -> "ToldView":
        """The part that an open page renews."""
        return ToldView(self.alerts, self.disputed)


@dataclass(frozen=True, slots=True)
class ToldView:
    """What became of the alerts, and the caution that the identity is being checked, or nothing."""

    alerts: tuple[AlertLine, ...]
    disputed: str


@dataclass(frozen=True, slots=True)
class Told:
    """What became of an encounter's alerts, by their ids: lines and histories. `is_disputed`: the identity is being checked.

    `masked` are those of which nothing may say whose they are, also where their plan has ended, until the glass is broken.
    """

    lines: Mapping[UUID, Line] = field(default_factory=dict)
    said: Mapping[UUID, Sequence[Said]] = field(default_factory=dict)
    is_disputed: bool = False
    masked: frozenset[UUID] = frozenset()

    def line(self, directory: Directory, row: AlertRow, at: datetime, *, masked: bool) -> AlertLine:
        """One of them in words."""
        return told_line(directory, row, self.lines.get(row.id), self.said.get(row.id, ()), at, masked=masked)


def banner_view(
    answer: Answer,
    directory: Directory,
    site: Site | None,
    alerts: list[AlertRow],
    at: datetime,
    *,
    told: Told | None = None,
    glass_broken: bool = False,
) -> BannerView:
    """The view of an answer. Sensitive flags, and the alerts about them, stay masked until the glass is broken."""
    told = told or Told()
    shown = answer.flags if isinstance(answer, Flagged) else ()
    hidden = frozenset() if glass_broken else frozenset(each.flag.authority_code for each in shown if each.flag.sensitive)
    open_codes = [each.flag.authority_code for each in shown if each.flag.authority_code not in hidden]
    kind, heading = _heading(answer)
    cautions = () if isinstance(answer, CouldNotCheck) else answer.cautions
    return BannerView(
        kind=kind,
        heading=heading,
        flags=tuple(_flag_view(each, directory, at, masked=each.flag.authority_code in hidden) for each in shown),
        held=_held(shown),
        cautions=tuple(caution.words for caution in cautions if caution is not Caution.TEST_STORE),
        coverage=answer.coverage.sentences,
        feeds=answer.coverage.feeds,
        contacts=tuple(contacts(directory, site, open_codes, at)),
        alerts=tuple(
            told.line(
                directory,
                row,
                at,
                masked=(bool(hidden) and row.authority_code not in open_codes) or (row.id in told.masked and not glass_broken),
            )
            for row in alerts
        ),
        disputed=DISPUTED_WORDS if told.is_disputed else "",
        reason=answer.reason.words if isinstance(answer, CouldNotCheck) else "",
        masked=bool(hidden),
    )


def _heading(answer: Answer) -> tuple[str, str]:
    if isinstance(answer, Flagged):
        return "flagged", "Known to social care" if answer.is_current else "Known to social care: plan ended"
    if isinstance(answer, CouldNotCheck):
        return "could-not-check", "We could not check"
    if not answer.coverage.fully_checked:
        return "not-fully-checked", "None known, but not fully checked"
    return "none-known", "Checked: no plan known here"


def _flag_view(shown: ShownFlag, directory: Directory, at: datetime, *, masked: bool) -> FlagView:
    flag, authority = shown.flag, directory.authorities[shown.flag.authority_code]
    colour = "red" if shown.standing is Standing.OPEN else "grey"
    title, standing = DISPLAY[flag.kind], standing_words(shown)
    if masked:
        return FlagView(title, standing, colour, (), masked=True, missing=missing_words(flag))
    return FlagView(
        title, standing, colour, tuple(plan_lines(shown, authority, at)), masked=False, late=late_words(authority, at),
        missing=missing_words(flag, authority.name),
    )  # fmt: skip


def _held(shown: tuple[ShownFlag, ...]) -> tuple[Held, ...]:
    people = {each.flag.nhs_number: each.flag for each in shown}
    unborn = {each.flag.nhs_number for each in shown if each.flag.kind is FlagKind.UCPP}
    return tuple(
        Held(flag.given_name, flag.family_name, day(flag.birth_date), flag.nhs_number, number in unborn)
        for number, flag in people.items()
    )
