"""What a card says: short enough whatever an authority is called, whom to ring at this hour, and nothing of a sensitive plan."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some
from markdown_it import MarkdownIt

from domain.alert import AlertState, CodedAnswer
from domain.answer import Answer, Caution, CouldNotCheck, CouldNotCheckReason, Coverage, Feed, Flagged, NoneKnown, ShownFlag
from domain.care_setting import CareSetting
from domain.flag import Flag, FlagKind
from domain.nhs_number import NhsNumber
from domain.routing import Sighting
from fhir_adapter.cds_hooks.cards import to_card
from fhir_adapter.cds_hooks.markdown import escaped, on_one_line, shortened, width
from fhir_adapter.cds_hooks.wording import Worded, word_answer, word_unchecked
from flags_store.authorities import OFFICE_HOURS, Authority
from safeguarding.cards import Indicator
from safeguarding.directory import Directory, Site
from safeguarding.telling.for_card import CardAlert, ToldOnCard
from safeguarding.telling.standing import Line
from tests.fhir_adapter.cds_hooks.clinic import walk

TUESDAY, SUNDAY = datetime(2026, 3, 3, 10, tzinfo=UTC), datetime(2026, 3, 8, 3, tzinfo=UTC)
ENCOUNTER = UUID("01a20000-0000-7000-8000-000000000001")
SITE = Site("R0A01", "R0A", "Royal Amber", "Amber ED", CareSetting.EMERGENCY_DEPARTMENT, "302", "01632 960999", (), (), False)
GFM = MarkdownIt("commonmark", {"html": True}).enable("strikethrough")


def authority(code: str = "301", name: str = "Ambershire", at: datetime = TUESDAY) -> Authority:
    return Authority(code, name, "01632 960301", "01632 961301", None, "live", timedelta(days=1), at, OFFICE_HOURS)


def directory(*authorities: Authority) -> Directory:
    known = {each.code: each for each in (authority("302", "Birchford"), *(authorities or (authority(),)))}
    return Directory(True, {SITE.ods_code: SITE}, known, (), TUESDAY)


def shown(kind: FlagKind = FlagKind.CPP, code: str = "301", at: datetime = TUESDAY, **changes: object) -> ShownFlag:
    flag = Flag(
        ENCOUNTER, ENCOUNTER, NhsNumber("9990000018"), kind, code, date(2026, 1, 5), None, None, date(2018, 5, 6), "Example", "Ada",
        sensitive=False, last_confirmed_at=TUESDAY,
    )  # fmt: skip
    flag = replace(flag, **changes)  # type: ignore[arg-type]
    return ShownFlag(flag, flag.standing(at.date()), flag.ended_for_age(at.date()))


FULL = Coverage((Feed("301", "Ambershire", TUESDAY, late=False),))
LATE = Coverage((Feed("301", "Ambershire", TUESDAY, late=True), Feed("302", "Birchford", TUESDAY, late=False)))


def flagged(*flags: ShownFlag, cautions: tuple[Caution, ...] = (), coverage: Coverage = FULL) -> Flagged:
    return Flagged(flags or (shown(),), cautions, coverage, ENCOUNTER)


def worded(answer: Answer, *authorities: Authority, at: datetime = TUESDAY) -> Worded:
    found = word_answer(answer, directory(*authorities), SITE, at)
    assert found is not None
    return found


ENDED = shown(end_date=date(2026, 2, 1))


@pytest.mark.parametrize(
    "answer, indicator, summary",
    [
        (flagged(), "critical", "Subject to child protection plan: Ambershire. Ring 01632 960301."),
        (flagged(shown(FlagKind.LAC), ENDED), "critical", "Looked after child and 1 more: Ambershire. Ring 01632 960301."),
        (flagged(ENDED), "warning", "Subject to child protection plan, ended: Ambershire."),
        (
            flagged(cautions=(Caution.DETAILS_DIFFER,)),
            "warning",
            "Details differ, verify identity. Subject to child protection plan: Ambershire. Ring 01632 960301.",
        ),
        (
            flagged(cautions=(Caution.MATCH_DOUBTFUL,)),
            "warning",
            "Details differ, verify identity. Subject to child protection plan: Ambershire. Ring 01632 960301.",
        ),
        (flagged(shown(sensitive=True)), "critical", "Subject to child protection plan. Sensitive: details are withheld."),
        (flagged(coverage=LATE), "critical", "Subject to child protection plan: Ambershire. Ring 01632 960301."),
        (NoneKnown((), LATE), "warning", "None known, but not fully checked: the feed of Ambershire is late."),
        (NoneKnown((), Coverage(())), "warning", "Not fully checked: no authority is connected to Nightlight."),
        (
            NoneKnown((Caution.NUMBER_UNVERIFIED,), FULL),
            "warning",
            "None known, but mind: The hospital has not verified the NHS number.",
        ),
        (CouldNotCheck(CouldNotCheckReason.NO_NUMBER, FULL), "warning", "We could not check: no NHS number was given."),
    ],
)
def test_the_worst_is_said_first(answer: Answer, indicator: str, summary: str) -> None:
    card = worded(answer)
    assert (card.indicator, card.summary) == (indicator, summary)


def test_nothing_known_and_all_checked_is_no_card_unless_the_ehr_wants_one() -> None:
    nothing = NoneKnown((Caution.TEST_STORE,), FULL)
    assert word_answer(nothing, directory(), SITE, TUESDAY) is None
    card = word_answer(nothing, directory(), SITE, TUESDAY, info_card=True)
    assert card is not None
    assert card.indicator is Indicator.INFO
    assert "Checked against the 1 authority connected to Nightlight. This is not national" in card.detail


def test_not_fully_checked_and_could_not_check_share_no_word_with_none_known() -> None:
    could_not = worded(CouldNotCheck(CouldNotCheckReason.NO_NUMBER, FULL))
    assert "none known" not in (could_not.summary + could_not.detail).lower()
    assert "This is not an answer about the patient." in could_not.detail


def test_whom_to_ring_is_who_is_on_duty_at_this_hour() -> None:
    assert "- Ambershire office team: 01632 960301 (responsible for the plan)" in worded(flagged()).detail
    at_night = worded(flagged(), authority(at=SUNDAY), at=SUNDAY)
    assert "- Ambershire emergency duty team: 01632 961301 (responsible for the plan)" in at_night.detail
    assert at_night.summary.endswith("Ring 01632 961301.")


@pytest.mark.parametrize("answer", [flagged(), CouldNotCheck(CouldNotCheckReason.NO_NUMBER, FULL), NoneKnown((), LATE)])
def test_every_card_says_whom_to_ring(answer: Answer) -> None:
    detail = worded(answer).detail
    assert "- Amber ED safeguarding team: 01632 960999 (your own hospital)" in detail
    assert "- Birchford office team: 01632 960301 (where the child is now)" in detail
    assert "- Police: 999 (immediate danger)" in detail


def test_a_plan_says_authority_dates_and_when_it_was_confirmed() -> None:
    detail = worded(flagged(shown(last_confirmed_at=TUESDAY - timedelta(hours=3)), ENDED)).detail
    for line in (
        "**Subject to child protection plan** (open)",
        "- Authority: Ambershire",
        "- Started: 5 January 2026",
        "- Last confirmed: 3 March 2026 at 07:00 (3 h 0 min ago)",
        "**Subject to child protection plan** (ended)",
        "- Ended: 1 February 2026 (shown until 1 February 2027)",
    ):
        assert line in detail.splitlines()


def test_a_sensitive_plan_says_its_kind_and_nothing_that_says_where_the_child_lives() -> None:
    card = worded(flagged(shown(sensitive=True)))
    text = card.summary + card.detail
    for secret in ("Ambershire", "January", "960301", "961301", "Last confirmed"):
        assert secret not in text.replace("Birchford office team: 01632 960301", "")
    assert "Sensitive. Details are withheld. Ring the Amber ED safeguarding team on 01632 960999" in card.detail


def test_a_late_feed_and_every_caution_stand_beside_a_plan() -> None:
    late = replace(authority(), last_extracted_at=TUESDAY - timedelta(days=3))
    detail = worded(flagged(cautions=tuple(Caution), coverage=LATE), late).detail
    assert "- The feed of Ambershire is late: this may be out of date." in detail
    for caution in Caution:
        assert f"**{escaped(caution.words)}**" in detail


def test_nobody_is_named_on_a_card() -> None:
    text = str(to_card(worded(flagged(cautions=(Caution.DETAILS_DIFFER,))), ENCOUNTER, lambda path: "https://x.example" + path))
    for secret in ("9990000018", "999 000", "Ada", "Example,", "2018"):
        assert secret not in text


TEXT = some.text(min_size=1, max_size=300).filter(lambda text: bool(on_one_line(text)))


@given(
    TEXT,
    some.text("0123456789 +()ext", max_size=60),
    some.lists(some.sampled_from(FlagKind), min_size=1, max_size=6),
    some.booleans(),
)
def test_a_summary_is_under_140_characters_whatever_an_authority_is_called(
    name: str, phone: str, kinds: list[FlagKind], differ: bool
) -> None:
    known = replace(authority(name=name), office_phone=phone)
    cautions = (Caution.DETAILS_DIFFER,) if differ else ()
    late = Coverage(tuple(Feed(str(code), name, None, late=True) for code, _ in enumerate(kinds)))
    cards = [
        worded(flagged(*(shown(kind) for kind in kinds), cautions=cautions), known),
        worded(NoneKnown((), late), known),
        word_unchecked(name, directory(), SITE, TUESDAY),
    ]
    for card in cards:
        assert 0 < width(card.summary) < 140
        assert card.summary == " ".join(card.summary.split())
        assert all(value not in (None, "", [], {}) for value in walk(to_card(card, ENCOUNTER, lambda path: "x" + path)))


def test_the_phone_is_kept_before_the_name() -> None:
    card = worded(flagged(), authority(name="The Metropolitan Borough of " + "Long " * 40))
    assert card.summary.startswith("Subject to child protection plan: The Metropolitan Borough")
    assert card.summary.endswith("…. Ring 01632 960301.")


@given(some.text(max_size=80), some.integers(0, 80))
def test_what_is_shortened_fits_and_is_a_beginning(text: str, longest: int) -> None:
    short = shortened(text, longest)
    assert width(short) <= max(longest, 0)
    assert short == text or text.startswith(short.removesuffix("…"))


@given(some.text(some.characters(codec="utf-8") | some.sampled_from("\\`*_[]()<>&#~|!-+.:/\n"), max_size=60))
def test_what_others_wrote_stays_text(text: str) -> None:
    tokens = GFM.parse(f"- Authority: {escaped(text)}")
    [inline] = [token for token in tokens if token.type == "inline"]
    assert {child.type for child in inline.children or ()} <= {"text", "text_special"}
    shown_text = "".join(child.content for child in inline.children or ())
    assert shown_text.split() == f"Authority: {on_one_line(text)}".split()


def alert_on_card(*, answered: bool = False, **changes: object) -> CardAlert:
    sighting = Sighting(frozenset({FlagKind.CPP}))
    began = TUESDAY - timedelta(minutes=42)
    state = AlertState.ACKNOWLEDGED if answered else AlertState.RAISED
    line = Line(ENCOUNTER, ENCOUNTER, "301", state, sighting, began, "office", 0, began, None, None, TUESDAY)
    found = CardAlert(line, CodedAnswer.SPEAK_FIRST if answered else None, TUESDAY if answered else None, answered, False)
    return replace(found, **changes)  # type: ignore[arg-type]


def detail_of(answer: Flagged, *alerts: CardAlert, disputed: bool = False) -> str:
    card = word_answer(answer, directory(), SITE, TUESDAY, told=ToldOnCard(alerts, disputed))
    assert card is not None
    return card.detail.replace("\\", "")


def test_a_card_says_that_an_answer_is_there_by_its_code_and_where_to_read_the_rest() -> None:
    detail = detail_of(flagged(), alert_on_card(answered=True))
    assert "Has social care been told?" in detail
    assert "Please speak to us before discharge. Not a referral. A message is there: open Nightlight." in detail


def test_a_card_says_how_long_nobody_has_acknowledged_and_names_nobody_who_took_it() -> None:
    assert "Not yet acknowledged, 42 min." in detail_of(flagged(), alert_on_card())
    waiting = alert_on_card()
    taken = replace(waiting, line=replace(waiting.line, taken_by="Ann Ash", taken_at=TUESDAY))
    detail = detail_of(flagged(), taken)
    assert "Somebody is dealing with it." in detail
    assert "Ann" not in detail


def test_of_a_sensitive_record_a_card_says_neither_whose_it_is_nor_what_was_answered() -> None:
    detail = detail_of(flagged(shown(sensitive=True)), alert_on_card(answered=True, is_masked=True))
    assert "The responsible authority: Read" in detail
    for secret in ("Ambershire:", "speak to us"):
        assert secret not in detail


def test_while_the_identity_is_checked_the_card_says_so_beside_the_plan() -> None:
    detail = detail_of(flagged(), disputed=True)
    assert "Identity is being checked: somebody said this may be the wrong child." in detail
    assert "Subject to child protection plan" in detail
