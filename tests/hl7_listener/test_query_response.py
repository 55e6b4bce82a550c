"""A response says in the asker's own version, delimiters and bytes what was found, and no two kinds of answer look alike."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from domain.answer import Answer, Caution, CouldNotCheck, CouldNotCheckReason, Coverage, Feed, Flagged, NoneKnown, ShownFlag
from domain.flag import Flag, FlagKind
from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from hl7_listener.accept_modes import AckCode
from hl7_listener.acknowledgement import AckError
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.query_response import Surroundings, Team, render_answer, render_refusal
from hl7_listener.query_segments import Reference, refer_to
from hl7_listener.reader import parse
from safeguarding.contacts import Contact
from tests.hl7_listener.queries import notes_of, q21, q22, response_of, status_of
from tests.safeguarding.house import CHILD

AT = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
CONFIRMED = datetime(2026, 3, 3, 6, 30, tzinfo=UTC)
FRESH = Coverage((Feed("301", "Ambershire", CONFIRMED, False), Feed("302", "Birchford", CONFIRMED, False)))
LATE = Coverage((Feed("301", "Ambershire", CONFIRMED, False), Feed("302", "Birchford", None, True)))
AROUND = Surroundings(
    {
        "301": Team("301", "Ambershire", "01632 960301", "01632 961301"),
        "302": Team("302", "Cwm Tŷ & Môn | Co", "01632 960302", "01632 961302"),
    },
    (
        Contact("Ambershire emergency duty team", "01632 961301", "responsible for the plan"),
        Contact("Police", "999", "immediate danger"),
    ),
    "Details are withheld. Ring the Amber safeguarding team on 01632 960999, or break the glass in Nightlight.",
)
FLAG = Flag(
    id=UUID("01990000-0000-7000-8000-00000000000a"),
    person_id=UUID("01990000-0000-7000-8000-000000000001"),
    nhs_number=NhsNumber("9990000026"),
    kind=FlagKind.CPP,
    authority_code="301",
    start_date=date(2026, 1, 5),
    end_date=None,
    expected_delivery_date=None,
    birth_date=date(2018, 5, 6),
    family_name="Example",
    given_name="Ada",
    sensitive=False,
    last_confirmed_at=CONFIRMED,
)
COULD_NOT = CouldNotCheck(CouldNotCheckReason.NO_NUMBER, FRESH)
NONE = NoneKnown((), FRESH)
REFUSED = AckError(ErrorCode.UNKNOWN_KEY, "queries need mutual TLS", Location("MSH", 4))


def shown(**changes: Any) -> ShownFlag:
    flag = replace(FLAG, **changes)
    return ShownFlag(flag, flag.standing(AT.date()), flag.ended_for_age(AT.date()))


def flagged(*held: ShownFlag, cautions: tuple[Caution, ...] = (), coverage: Coverage = FRESH) -> Flagged:
    return Flagged(held, cautions, coverage)


def render(answer: Answer, query: bytes | None = None) -> bytes:
    return render_answer(refer_to(parse(query or q22())), CHILD, answer, AROUND, "NR1", AT)


def refuse(code: str = "AE", query: bytes | None = None) -> bytes:
    return render_refusal(refer_to(parse(query or q22())), AckCode(code), REFUSED, "NR1", AT)


EVERY_ANSWER = {
    "flagged": (render(flagged(shown())), ("AA", "OK")),
    "ended": (render(flagged(shown(end_date=date(2026, 2, 1)))), ("AA", "OK")),
    "none known": (render(NONE), ("AA", "NF")),
    "none known and not fully checked": (render(NoneKnown((), LATE)), ("AA", "NF")),
    "could not check": (render(COULD_NOT), ("AE", "AE")),
    "refused": (refuse("AE"), ("AE", "AE")),
    "our own trouble": (refuse("AR"), ("AR", "AR")),
}


@pytest.mark.parametrize("raw,status", EVERY_ANSWER.values(), ids=EVERY_ANSWER)
def test_each_answer_has_its_codes(raw: bytes, status: tuple[str, str]) -> None:
    response = response_of(raw)
    assert status_of(response) == status
    assert bool(response.segments("ERR")) is (status[0] != "AA")
    assert len(response.segments("PID")) == (status[1] == "OK")
    assert bool(response.segments("OBX")) is (status[1] == "OK")


def test_none_known_and_could_not_check_share_no_code_and_no_sentence() -> None:
    none, could_not = response_of(render(NONE)), response_of(render(COULD_NOT))
    assert set(status_of(none)).isdisjoint(status_of(could_not))
    of_the_answer = [{text for kind, text in notes_of(each) if kind != "ring"} for each in (none, could_not)]
    assert of_the_answer[0].isdisjoint(of_the_answer[1])


def test_none_known_says_how_far_it_reaches_and_whom_to_ring() -> None:
    assert notes_of(response_of(render(NONE))) == [
        ("answer", "No plan is known."),
        ("coverage", "Checked against the 2 authorities connected to Nightlight."),
        ("coverage", "This is not national: check CP-IS too."),
        ("coverage", "No plan is not no risk."),
        ("ring", "Ring Ambershire emergency duty team: 01632 961301 (responsible for the plan)."),
        ("ring", "Ring Police: 999 (immediate danger)."),
    ]


@pytest.mark.parametrize("answer", [NoneKnown((), LATE), flagged(shown(), coverage=LATE)], ids=["none known", "flagged"])
def test_a_late_feed_is_said(answer: Answer) -> None:
    assert ("coverage", "Not fully checked: the feed of Birchford is late.") in notes_of(response_of(render(answer)))


@pytest.mark.parametrize("caution", Caution)
@pytest.mark.parametrize("flags", [(), (shown(),)], ids=["none known", "flagged"])
def test_every_caution_is_said(caution: Caution, flags: tuple[ShownFlag, ...]) -> None:
    answer: Answer = flagged(*flags, cautions=(caution,)) if flags else NoneKnown((caution,), FRESH)
    assert ("caution", caution.words) in notes_of(response_of(render(answer)))


def test_an_open_plan_is_a_row_with_kind_dates_and_last_confirmation() -> None:
    response = response_of(render(flagged(shown())))
    row = response.required("OBX")
    assert [row.component(3, part) for part in (1, 2, 3)] == ["342191000000101", "Subject to child protection plan", "SCT"]
    assert [each.text for each in row.repetitions(5)] == ["open", "20260105"]
    assert (row.field(2), row.field(11), row.field(13)) == ("ST", "F", "")
    assert row.field(14) == "20260303063000+0000"
    assert ("authority", "Responsible: 301 - Ambershire: office team 01632 960301, emergency duty team 01632 961301.") in notes_of(
        response
    )
    assert ("answer", "Known to social care.") in notes_of(response)


ENDS = {
    "by the authority": (shown(end_date=date(2026, 2, 1)), ["ended", "20260105", "20260201"]),
    "not yet": (shown(end_date=date(2026, 9, 1)), ["open", "20260105", "20260901"]),
    "a rule's day is no date of the plan": (shown(kind=FlagKind.UCPP, birth_date=None), ["open", "20260105"]),
    "for age": (shown(birth_date=date(2008, 2, 2)), ["ended", "20260105", "20260201"]),
}


@pytest.mark.parametrize("held,days", ENDS.values(), ids=ENDS)
def test_a_plans_days(held: ShownFlag, days: list[str]) -> None:
    response = response_of(render(flagged(held)))
    assert [each.text for each in response.required("OBX").repetitions(5)] == days
    known = "Known to social care." if days[0] == "open" else "Known to social care: plan ended."
    assert ("answer", known) in notes_of(response)
    assert (("answer", "Ended for age: the 18th birthday has passed.") in notes_of(response)) is held.ended_for_age


def test_a_sensitive_flag_keeps_its_kind_and_standing_and_nothing_else() -> None:
    raw = render(flagged(shown(sensitive=True, kind=FlagKind.LAC), shown(authority_code="302")))
    masked, plain = response_of(raw).segments("OBX")
    assert masked.text == "OBX|1|ST|764841000000100^Looked after child^SCT|1|open||||||F||R"
    assert plain.field(14)
    notes = notes_of(response_of(raw))
    assert notes[-4:-2] == [
        ("withheld", "Sensitive: who is responsible and since when are withheld."),
        ("ring", AROUND.ring_instead),
    ]
    assert notes[-1] == ("answer", MatchBasis.CHECK_DIGIT.words)
    alone = render(flagged(shown(sensitive=True, end_date=date(2026, 2, 1), birth_date=date(2008, 2, 2))))
    for hidden in (b"301 -", b"01632 960301", b"20260105", b"20260201", b"202603030630", b"18th"):
        assert hidden not in alone


@pytest.mark.parametrize("sensitive", [False, True])
@pytest.mark.parametrize("basis", MatchBasis)
def test_a_flag_says_what_its_number_rests_on_and_a_sensitive_one_only_a_doubt(basis: MatchBasis, *, sensitive: bool) -> None:
    notes = notes_of(response_of(render(flagged(shown(match=basis, sensitive=sensitive)))))
    said = [kind for kind, text in notes if text == basis.words]
    assert said == (["caution"] if basis.is_doubtful else [] if sensitive else ["answer"])


def test_the_person_is_the_number_that_was_asked_and_no_other() -> None:
    raw = render(flagged(shown(alias_note="merged"), cautions=(Caution.NUMBERS_MERGED,)))
    pid = response_of(raw).required("PID")
    assert pid.text == "PID|1||9990000018^^^NHS^NH||^^^^^^U"
    assert b"9990000026" not in raw, "the number on which it is held is not the asker's to learn"
    assert b"Example" not in raw


@pytest.mark.parametrize("query,event", [(q21(), "K21"), (q22(), "K22"), (q22().replace(b"^Q22", b"^Q23"), "K23")])
def test_the_query_goes_back_with_tag_and_name(query: bytes, event: str) -> None:
    response = response_of(render(NONE, query))
    assert [response.header.component(9, part) for part in (1, 2, 3)] == ["RSP", event, "RSP_K21"]
    assert response.required("QPD").text == parse(query).required("QPD").text
    status = response.required("QAK")
    assert (status.field(1), status.raw(3)) == ("T1", parse(query).required("QPD").raw(1))
    assert [status.field(number) for number in (4, 5, 6)] == ["0", "0", "0"]
    assert [segment.name for segment in response][:4] == ["MSH", "MSA", "QAK", "QPD"]
    assert (response.required("MSA").field(2), response.control_id, response.sending_facility) == ("QC1", "NR1", "R0A")


WHERE = [
    ("2.4", ("QPD^1^3^101&Required field missing&HL70357", "")),
    ("2.5", ("", "QPD^1^3")),
    ("2.5.1", ("", "QPD^1^3")),
]


@pytest.mark.parametrize("version,places", WHERE)
def test_the_reason_stands_where_the_version_has_it(version: str, places: tuple[str, str]) -> None:
    response = response_of(render(COULD_NOT, q22(version=version)))
    assert (response.required("ERR").raw(1), response.required("ERR").raw(2)) == places
    assert response.required("MSA").field(3) == (COULD_NOT.reason.words if version == "2.4" else "")
    assert notes_of(response)[:2] == [
        ("answer", COULD_NOT.reason.words),
        ("answer", "There is no answer. This does not mean that no plan is known."),
    ]


@pytest.mark.parametrize("delimiters", [r"|^~\&", "#*!%$", ":(,/)", r"|^~\&#"])
@pytest.mark.parametrize(
    "charset,name", [("UNICODE UTF-8", "Cwm Tŷ & Môn | Co"), ("8859/1", "Cwm T? & Môn | Co"), ("", "Cwm Ty & Mon | Co")]
)
def test_words_come_through_any_delimiters_and_character_set(delimiters: str, charset: str, name: str) -> None:
    field, component, repetition = delimiters[0], delimiters[1], delimiters[2]
    header = [
        "MSH",
        delimiters[1:],
        "EHR",
        "R0A01",
        "NL",
        "R0A",
        "1",
        "",
        f"QBP{component}Q22",
        "QC1",
        "P",
        "2.5",
        *[""] * 5,
        charset,
    ]
    parameters = f"@PID.3{component}x{repetition}@PID.3.4{component}NHS"
    query = "".join(f"{field.join(each)}\r" for each in (header, ["QPD", "IHE PDQ Query", "T1", parameters])).encode()
    response = response_of(render(flagged(shown(authority_code="302")), query))
    assert response.required("QPD").raw(3) == parameters
    assert status_of(response) == ("AA", "OK")
    assert response.required("OBX").component(3, 2) == "Subject to child protection plan"
    expected = f"Responsible: 302 - {name}: office team 01632 960302, emergency duty team 01632 961302."
    assert ("authority", expected) in notes_of(response)
    assert not any(segment.name not in {"MSH", "MSA", "QAK", "QPD", "PID", "NTE", "OBX"} for segment in response)


@given(tag=st.text(max_size=30), value=st.text(max_size=60), charset=st.sampled_from(["UNICODE UTF-8", "8859/1", "", "nonsense"]))
def test_no_query_breaks_its_response_or_its_frame(tag: str, value: str, charset: str) -> None:
    message = f"MSH|^~\\&|EHR|R0A01|NL|R0A|1||QBP^Q22|QC1|P|2.5||||||{charset}\rQPD|IHE PDQ Query|{tag}|{value}\r"
    try:
        parsed = parse(message.encode("utf-8", "replace"))
    except Unreadable:
        return
    raw = render_answer(refer_to(parsed), CHILD, NONE, AROUND, "NR1", AT)
    assert status_of(response_of(raw)) == ("AA", "NF")
    assert not set(raw) & (set(range(32)) - {0x0D})


def test_without_a_qpd_there_is_nothing_to_echo() -> None:
    response = response_of(render_refusal(Reference(refer_to(parse(q22())).header), AckCode.ERROR, REFUSED, "NR1", AT))
    assert response.segments("QPD") == []
    assert status_of(response) == ("AE", "AE")


@pytest.mark.parametrize("version", ["2.4", "2.5", "2.5.1"])
@pytest.mark.parametrize("answer", [NONE, COULD_NOT, flagged(shown(), shown(sensitive=True))], ids=["none", "could not", "flagged"])
def test_another_reader_finds_valid_segments(answer: Answer, version: str) -> None:
    raw = render(answer, q22(version=version)).decode()
    message = parse_message(raw, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    assert message.msh.msh_9.to_er7() == "RSP^K22^RSP_K21"
    for segment in message.children:
        if segment.name != "QPD":  # the asker's own words
            assert segment.validate(), segment.name
    assert message.qak.qak_2.to_er7() == status_of(response_of(raw.encode()))[1]
