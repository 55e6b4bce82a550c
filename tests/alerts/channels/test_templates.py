"""The words of the e-mails. That nothing of a person or a site is in them is proven over the wire, in test_email."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from alerts.channels.templates import BUNDLE, NEWS, OF_EVENT, PASSED_ON, Letter, reference_of, template_for, to_words, write
from domain.alert import AlertEvent

ALERT = UUID("01938f3e-7b5d-7c4d-9a01-2b3c7c4d19af")
LETTER = Letter(
    alert_id=ALERT,
    thread_id=ALERT,
    authority_name="Northshire County Council",
    notice="raised",
    raised_at=datetime(2026, 7, 5, 2, 5, tzinfo=UTC),
    at=datetime(2026, 7, 6, 8, 0, tzinfo=UTC),
    link="https://nightlight.example/alerts/01938f3e-7b5d-7c4d-9a01-2b3c7c4d19af",
    is_test=False,
)


def test_a_letter_has_room_for_nothing_but_these_facts() -> None:
    assert {field.name for field in fields(Letter)} == {
        "alert_id",
        "thread_id",
        "authority_name",
        "notice",
        "raised_at",
        "at",
        "link",
        "is_test",
        "others",
    }


def test_a_new_alert_reads_like_this() -> None:
    assert write(LETTER) == (
        "Nightlight: new alert, reference 7C4D-19AF",
        "To Northshire County Council\n\n"
        "There is a new alert for your team in Nightlight.\n\n"
        "Reference: 7C4D-19AF\n"
        "Raised: 5 July 2026 at 3:05am\n\n"
        "Sign in to read it and to answer:\n"
        "https://nightlight.example/alerts/01938f3e-7b5d-7c4d-9a01-2b3c7c4d19af\n\n"
        "This email does not say who the alert is about. Do not reply to it: nobody reads the replies.\n",
    )


def test_another_alert_of_a_thread_reads_like_this() -> None:
    first = UUID("01938f3e-7b5d-7c4d-9a01-2b3c0badcafe")
    subject, text = write(replace(LETTER, thread_id=first))
    assert subject == "Nightlight: another new alert, reference 7C4D-19AF"
    assert text.splitlines()[2] == ("There is another new alert for your team in Nightlight. It belongs with the alert 0BAD-CAFE.")


@pytest.mark.parametrize(
    "others, references",
    [
        (1, "7C4D-19AF, 0000-0001"),
        (9, "7C4D-19AF, " + ", ".join(f"0000-000{each}" for each in range(1, 10))),
        (39, "7C4D-19AF, " + ", ".join(f"0000-000{each}" for each in range(1, 10)) + " and 30 more"),
    ],
)
def test_a_bundle_reads_like_this(others: int, references: str) -> None:
    letter = replace(LETTER, others=tuple(UUID(int=each) for each in range(1, others + 1)), link="https://n.example/worklist")
    assert template_for(letter) is BUNDLE
    assert write(letter) == (
        f"Nightlight: {others + 1} new alerts that reached Nightlight late, reference 7C4D-19AF",
        "To Northshire County Council\n\n"
        f"There are {others + 1} new alerts for your team in Nightlight. "
        "They are told together because messages reached Nightlight late.\n\n"
        f"References: {references}\n"
        "First raised: 5 July 2026 at 3:05am\n\n"
        "Sign in to read it and to answer:\n"
        "https://n.example/worklist\n\n"
        "This email does not say who the alert is about. Do not reply to it: nobody reads the replies.\n",
    )


def test_every_event_has_a_template() -> None:
    assert set(OF_EVENT) == set(AlertEvent)


@pytest.mark.parametrize("notice", [*(each for each in AlertEvent if each is not AlertEvent.ESCALATE), "cancel 2", "not-yet-known"])
def test_what_happened_later_is_news_and_no_more(notice: str) -> None:
    letter = replace(LETTER, notice=notice)
    assert template_for(letter) is NEWS
    assert write(letter) == (
        "Nightlight: news about alert, reference 7C4D-19AF",
        "To Northshire County Council\n\n"
        "There is news about an alert of your team in Nightlight.\n\n"
        "Reference: 7C4D-19AF\n"
        "Raised: 5 July 2026 at 3:05am\n"
        "Changed: 6 July 2026 at 9:00am\n\n"
        "Sign in to read it and to answer:\n"
        "https://nightlight.example/alerts/01938f3e-7b5d-7c4d-9a01-2b3c7c4d19af\n\n"
        "This email does not say who the alert is about. Do not reply to it: nobody reads the replies.\n",
    )


@pytest.mark.parametrize("notice", ["escalate", "escalate 2"])
def test_the_next_in_line_reads_that_it_was_passed_on_to_them(notice: str) -> None:
    letter = replace(LETTER, notice=notice)
    subject, text = write(letter)
    assert template_for(letter) is PASSED_ON
    assert subject == "Nightlight: alert passed on to your team, reference 7C4D-19AF"
    assert "An alert in Nightlight was passed on to your team." in text
    assert "Passed on: 6 July 2026 at 9:00am" in text


@pytest.mark.parametrize("notice", ["raised", "cancel"])
def test_a_test_store_marks_subject_and_text(notice: str) -> None:
    subject, text = write(replace(LETTER, notice=notice, is_test=True))
    assert subject.startswith("TEST: ")
    assert text.startswith("TEST: ")


@pytest.mark.parametrize("name", ["{alert_id}", "Sir {link} %s", "Ynys Môn"])
def test_an_authority_is_called_what_it_is_called(name: str) -> None:
    _, text = write(replace(LETTER, authority_name=name))
    assert text.startswith(f"To {name}\n")


def test_alerts_of_the_same_second_have_different_references() -> None:
    sibling = UUID("01938f3e-7b5d-7c4d-9a01-2b3c7c4d19b0")
    assert reference_of(ALERT) != reference_of(sibling)


@pytest.mark.parametrize(
    "at, words",
    [
        (datetime(2026, 1, 5, 8, 45, tzinfo=UTC), "5 January 2026 at 8:45am"),
        (datetime(2026, 7, 5, 12, 0, tzinfo=UTC), "5 July 2026 at 1:00pm"),
        (datetime(2026, 1, 5, 12, 0, tzinfo=UTC), "5 January 2026 at 12:00pm"),
        (datetime(2026, 12, 31, 0, 1, tzinfo=UTC), "31 December 2026 at 12:01am"),
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), "1 July 2026 at 12:30am"),
    ],
)
def test_instants_are_told_in_the_time_of_england(at: datetime, words: str) -> None:
    assert to_words(at) == words
