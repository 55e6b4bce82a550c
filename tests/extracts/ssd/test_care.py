"""Looked-after children of a dataset: refusals first, then what ends, what is left out and said, and what loads."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.extracts.ssd.files import (
    ADA,
    CHILD,
    EPISODE,
    NOOR,
    STATUS,
    Rows,
    dataset,
    notes,
    only_refusal,
    read,
    records,
    refusals,
    said,
    terms,
)

IN_CARE = [(ADA, "LAC", "2025-06-01", None)]


def child(**changes: str) -> dict[str, str]:
    return {**CHILD, **{f"pers_{name}": value for name, value in changes.items()}}


def episode(start: str = "2025-06-01", ceased: str = "NULL", reason: str = "NULL", **changes: str) -> dict[str, str]:
    said_of = {"start_date": start, "ceased_date": ceased, "ceased_reason": reason}
    others = {"id": "clae_cla_id", "person": "clae_person_id", "entered": "clae_entered_care_date"}
    return {
        **EPISODE,
        **{f"clae_cla_episode_{name}": value for name, value in said_of.items()},
        **{others[name]: value for name, value in changes.items()},
    }


def status(code: str, start: str = "2025-06-01", end: str = "NULL", person: str = "C1") -> dict[str, str]:
    return {
        **STATUS, "lega_person_id": person, "lega_legal_status": code, "lega_legal_status_start_date": start,
        "lega_legal_status_end_date": end,
    }  # fmt: skip


def care(episodes: Rows, statuses: Rows | None = None, persons: Rows = (CHILD,)) -> bytes:
    return dataset(persons, None, episodes, statuses=statuses)


def times(came: Any) -> list[tuple[str, str | None]]:
    return [(start, end) for _, _, start, end in said(came)]


REFUSED: dict[str, tuple[Rows, str, str]] = {
    "no id of the care": ((episode(id="NULL"),), "care-without-id", "no clae_cla_id"),
    "of two people": ((episode(), episode("2025-07-01", person="C2")), "care-of-two", "different people"),
    "of nobody": ((episode(person="C9"),), "person-unknown", "ssd_person has nobody"),
    "two dates of entry": (
        (episode(ceased="2025-07-01", reason="X1"), episode("2025-07-01", entered="2025-06-02")), "care-starts-differ", "",
    ),
    "no start at all": ((episode("NULL", entered="NULL"),), "missing", ""),
    "a start that is no date": ((episode("June", entered="NULL"),), "bad-date", "not a date"),
    "an end that is no date": ((episode(ceased="June"),), "bad-date", "not a date"),
    "an episode that ceases before it starts": ((episode(ceased="2025-05-31", reason="E8"),), "end-before-start", ""),
    "the last one says that another follows": (
        (episode(ceased="2026-01-05", reason="X1"),), "episode-must-follow", "another one must follow",
    ),
    "the last of several does": (
        (episode("2025-07-01", "2025-08-01", "X1"), episode(ceased="2025-07-01", reason="X1")), "episode-must-follow", "",
    ),
    "said in Liquidlogic's words": (
        (episode(ceased="2026-01-05", reason="Episode ceases, and new episode begins on same day, for any reason"),),
        "episode-must-follow", "",
    ),
    "more episodes than a childhood holds": ([episode(ceased="2026-01-05", reason=f"E8 {n}") for n in range(1_001)],
        "too-many-episodes", "more than 1000",
    ),
}  # fmt: skip


@pytest.mark.parametrize("episodes, code, words", REFUSED.values(), ids=REFUSED)
def test_care_that_nobody_can_be_certain_of_is_refused_in_words(episodes: Rows, code: str, words: str) -> None:
    refusal = only_refusal(read(care(episodes)))
    assert (refusal.code, refusal.place) == (code, "ssd_cla_episodes line 2")
    assert words in refusal.reason
    assert len(refusal.fields) == 10


@pytest.mark.parametrize(
    "person, code",
    [
        (child(single_unique_id="NULL"), "no-nhs-number"),
        (child(surname="NULL"), "no-name"),
        (child(dob="NULL"), "no-birth-date"),
        (child(dob="2007-05-31"), "adult-at-start"),
    ],
    ids=["no number", "no surname", "no birth date", "adult when it started"],
)
def test_care_of_a_child_who_is_not_known_well_enough_is_refused(person: dict[str, str], code: str) -> None:
    assert only_refusal(read(care((episode(),), persons=(person,)))).code == code


def test_care_of_a_person_of_whom_rows_disagree_is_refused() -> None:
    refusal = only_refusal(read(care((episode(),), persons=(child(), child(forename="Eda")))))
    assert (refusal.code, refusal.place) == ("persons-differ", "ssd_cla_episodes line 2")


PERIODS: dict[str, tuple[Rows, list[tuple[str, str | None]]]] = {
    "one open episode": ((episode(),), [("2025-06-01", None)]),
    "entered before the earliest episode that is sent": ((episode(entered="2020-02-03"),), [("2020-02-03", None)]),
    "no date of entry": ((episode(entered="NULL"),), [("2025-06-01", None)]),
    "no date of entry and several episodes": (
        (episode("2025-07-01", entered="NULL"), episode(ceased="2025-07-01", reason="X1", entered="NULL")), [("2025-06-01", None)],
    ),
    "the next one starts the same day": (
        (episode(ceased="2025-07-01", reason="X1"), episode("2025-07-01", "2026-01-05", "E4A")), [("2025-06-01", "2026-01-05")],
    ),
    "the next one starts the day after": (
        (episode(ceased="2025-07-01", reason="X1"), episode("2025-07-02", "2026-01-05", "E4A")), [("2025-06-01", "2026-01-05")],
    ),
    "ended for a reason": ((episode(ceased="2026-01-05", reason="E8"),), [("2025-06-01", "2026-01-05")]),
    "ended without a reason": ((episode(ceased="2026-01-05"),), [("2025-06-01", "2026-01-05")]),
    "ended on the day on which the last one started": (
        (episode(ceased="2026-01-05", reason="X1"), episode("2026-01-05", "2026-01-05", "E3")), [("2025-06-01", "2026-01-05")],
    ),
    "the same row twice": ((episode(), episode()), [("2025-06-01", None)]),
    "twice in care": (
        (episode(ceased="2025-07-01", reason="E8"), episode("2025-12-01", id="L2", entered="2025-12-01")),
        [("2025-06-01", "2025-07-01"), ("2025-12-01", None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("episodes, periods", PERIODS.values(), ids=PERIODS)
def test_the_episodes_of_one_care_are_one_period(episodes: Rows, periods: list[tuple[str, str | None]]) -> None:
    came = read(care(episodes))
    assert times(came) == periods
    assert (refusals(came), notes(came)) == ([], [])


@pytest.mark.parametrize(
    "episodes, end",
    [
        ((episode(ceased="2025-07-01", reason="X1"), episode("2025-07-03")), None),
        ((episode(ceased="2025-07-01", reason="X1"), episode("2025-06-30")), None),
        ((episode(), episode("2025-07-01", "2025-08-01", "E8")), None),
        ((episode(ceased="2025-07-01", reason="E8"), episode("2025-07-03", "2025-08-01", "E8")), "2025-08-01"),
    ],
    ids=["a day is missing", "they overlap", "an early one stays open", "ended, and began again"],
)
def test_episodes_that_do_not_follow_one_another_are_said_and_the_child_stays_known(episodes: Rows, end: str | None) -> None:
    came = read(care(episodes))
    assert times(came) == [("2025-06-01", end)]
    assert notes(came) == [("episodes-apart", "ssd_cla_episodes line 2", {})]


@pytest.mark.parametrize(
    "reason, adopted",
    [
        ("E11", True), ("E12", True), ("E12 Adopted", True), ("Adopted – consent dispensed with by the court", True), ("E8", False),
        ("E1", False), ("", False),
    ],
)  # fmt: skip
def test_care_that_ended_with_adoption_is_marked(reason: str, *, adopted: bool) -> None:
    [record] = records(read(care((episode(ceased="2026-01-05", reason=reason),))))
    assert record.extras.adopted is adopted


def test_an_authoritys_own_word_for_adoption_counts_and_an_earlier_reason_does_not() -> None:
    episodes = (episode(ceased="2025-07-01", reason="E11"), episode("2025-07-01", "2026-01-05", "Adoption order made"))
    assert [each.extras.adopted for each in records(read(care(episodes)))] == [False]
    told = terms(statuses={"adoption order made": "E12"})
    assert [each.extras.adopted for each in records(read(care(episodes), told))] == [True]


def test_a_reason_that_nobody_knows_ends_care_all_the_same_and_is_listed_once() -> None:
    episodes = [episode(ceased="2026-01-05", reason="Went home", id=f"L{n}", person=f"C{n}") for n in (1, 2)]
    came = read(care(episodes, persons=(CHILD, child(person_id="C2", single_unique_id=NOOR))))
    assert [end for _, end in times(came)] == ["2026-01-05"] * 2
    assert notes(came) == [("unknown-reason", "", {"word": "Went home", "count": 2})]


ENDED: dict[str, tuple[dict[str, str], Rows, str | None, list[str]]] = {
    "open after death": (child(death_date="2026-01-10 00:00:00.000"), (episode(),), "2026-01-10", ["ended-by-death"]),
    "ceased after death": (
        child(death_date="2026-01-10"), (episode(ceased="2026-02-01", reason="E2"),), "2026-01-10", ["ended-by-death"],
    ),
    "ceased on the day of death": (child(death_date="2026-01-10"), (episode(ceased="2026-01-10", reason="E2"),), "2026-01-10", []),
    "a death date that is none": (child(death_date="Y"), (episode(),), None, []),
    "open after the 18th birthday": (child(dob="2008-01-15"), (episode(),), "2026-01-15", ["ended-by-age"]),
    "18 on the day of the extract": (child(dob="2008-03-02"), (episode(),), "2026-03-02", ["ended-by-age"]),
    "18 tomorrow": (child(dob="2008-03-03"), (episode(),), None, []),
    "born on 29 February": (child(dob="2008-02-29"), (episode(),), "2026-03-01", ["ended-by-age"]),
    "whichever came first": (child(dob="2008-01-15", death_date="2026-01-20"), (episode(),), "2026-01-15", ["ended-by-age"]),
}  # fmt: skip


@pytest.mark.parametrize("person, episodes, end, listed", ENDED.values(), ids=ENDED)
def test_care_that_is_open_after_death_or_the_18th_birthday_ended_that_day_and_is_listed(
    person: dict[str, str], episodes: Rows, end: str | None, listed: list[str]
) -> None:
    came = read(care(episodes, persons=(person,)))
    assert times(came) == [("2025-06-01", end)]
    assert [code for code, _, _ in notes(came)] == listed


LONG_ENDED: dict[str, tuple[dict[str, str], Rows]] = {
    "ceased": (child(), (episode("2020-01-01", "2025-03-01", "E8", entered="2020-01-01"),)),
    "ceased, of a person nobody knows": (child(person_id="C9"), (episode("2020-01-01", "2021-01-01", "E8", entered="2020-01-01"),)),
    "18 long ago": (child(dob="2006-01-15"), (episode("2020-01-01", entered="2020-01-01"),)),
    "died long ago": (child(death_date="2024-12-31"), (episode("2020-01-01", entered="2020-01-01"),)),
}  # fmt: skip


@pytest.mark.parametrize("person, episodes", LONG_ENDED.values(), ids=LONG_ENDED)
def test_care_that_ended_more_than_365_days_ago_is_counted_and_left_out(person: dict[str, str], episodes: Rows) -> None:
    came = read(care(episodes, persons=(person,)))
    assert (records(came), refusals(came)) == ([], [])
    assert notes(came) == [("long-ended", "", {"table": "ssd_cla_episodes", "count": 1})]


SHORT_BREAKS: dict[str, tuple[Rows, list[tuple[str, str | None]]]] = {
    "short breaks alone": ((status("V4"),), []),
    "each of the three codes": (
        (status("V1", end="2025-08-31"), status("V3", "2025-09-01", "2025-12-31"), status("V4", "2026-01-01")), [],
    ),
    "a care order first": ((status("C2", end="2025-08-31"), status("V3", "2025-09-01")), [("2025-06-01", "2025-08-31")]),
    "a care order afterwards": ((status("V3", end="2025-08-31"), status("C2", "2025-09-01")), [("2025-09-01", None)]),
    "one on the last day of a break": ((status("V3", end="2025-09-01"), status("C2", "2025-09-01")), [("2025-09-01", None)]),
    "a break in the middle": (
        (status("C2", end="2025-08-31"), status("V3", "2025-09-01", "2025-09-14"), status("C2", "2025-09-15")),
        [("2025-06-01", "2025-08-31"), ("2025-09-15", None)],
    ),
    "a break from before the care": ((status("V4", "2024-01-01", "2025-06-30"),), [("2025-07-01", None)]),
    "a day in between that nothing covers": (
        (status("V4", end="2025-06-30"), status("V4", "2025-07-02")), [("2025-07-01", "2025-07-01")],
    ),
    "a break until after the extract": ((status("V4", end="2026-12-31"),), []),
}  # fmt: skip


@pytest.mark.parametrize("statuses, periods", SHORT_BREAKS.values(), ids=SHORT_BREAKS)
def test_time_under_short_breaks_alone_is_left_out_and_counted(statuses: Rows, periods: list[tuple[str, str | None]]) -> None:
    came = read(care((episode(),), statuses))
    assert times(came) == periods
    assert notes(came) == [("short-breaks", "", {"count": 1})]
    assert {each.extras.plan_id for each in records(came)} <= {"L1"}


COUNTED: dict[str, Rows] = {
    "no status": (),
    "a care order": (status("C2"),),
    "another status at the same time": (status("V4"), status("C1")),
    "an unknown one at the same time": (status("V4"), status("Something else")),
    "an ended one, before": (status("V4", "2024-01-01", "2025-05-31"),),
    "without a start": (status("V4", "NULL"),),
    "with a broken start": (status("V4", "soon"),),
    "with a broken end": (status("V4", end="soon"),),
    "of another person": (status("V4", person="C9"),),
    "another one without a start": (status("V4"), status("C2", "NULL")),
}


@pytest.mark.parametrize("statuses", COUNTED.values(), ids=COUNTED)
def test_all_other_time_counts(statuses: Rows) -> None:
    came = read(care((episode(),), statuses))
    assert said(came) == IN_CARE
    assert "short-breaks" not in [code for code, _, _ in notes(came)]


def test_short_breaks_count_where_the_authority_has_set_so() -> None:
    came = read(care((episode(),), (status("V4"), status("?"))), terms(short_breaks=True))
    assert (said(came), notes(came)) == (IN_CARE, [])


def test_an_authoritys_own_words_for_short_breaks_are_understood_and_what_it_has_not_told_counts_and_is_listed() -> None:
    content = care((episode(),), (status("Respite (Sec 20)"),))
    came = read(content)
    assert said(came) == IN_CARE
    assert notes(came) == [("unknown-status", "", {"word": "Respite (Sec 20)", "count": 1})]
    assert records(read(content, terms(statuses={"respite sec 20": "V4"}))) == []


def test_a_rejected_care_says_where_it_stands_and_what_was_sent() -> None:
    content = care((episode("2025-07-01", "2026-01-05", "X1"), episode(ceased="2025-07-01", reason="X1")))
    refusal = only_refusal(read(content))
    assert refusal.place == "ssd_cla_episodes line 2"
    assert refusal.record == {
        "pers_person_id": "C1", "pers_single_unique_id": ADA, "pers_forename": "Ada", "pers_surname": "Example",
        "pers_dob": "2018-05-06 00:00:00.000", "clae_cla_id": "L1", "clae_person_id": "C1", "clae_entered_care_date": "2025-06-01",
        "clae_cla_episode_start_date": "2025-06-01", "clae_cla_episode_ceased_date": "2026-01-05",
        "clae_cla_episode_ceased_reason": "X1",
    }  # fmt: skip


def test_optional_columns_may_be_absent() -> None:
    names: Mapping[str, str] = {
        name: value
        for name, value in EPISODE.items()
        if name not in {"clae_cla_episode_id", "clae_cla_episode_ceased_reason", "clae_entered_care_date"}
    }
    assert said(read(care((names,)))) == IN_CARE
