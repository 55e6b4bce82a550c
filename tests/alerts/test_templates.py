"""The words of the e-mails. That nothing of a person or a site is in them is proven over the wire, in test_channel_email."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from alerts.templates import Letter, reference_of, to_words, write

ALERT = UUID("01938f3e-7b5d-7c4d-9a01-2b3c7c4d19af")
LETTER = Letter(
    alert_id=ALERT,
    authority_name="Northshire County Council",
    notice="raised",
    at=datetime(2026, 7, 5, 2, 5, tzinfo=UTC),
    link="https://nightlight.example/alerts/01938f3e-7b5d-7c4d-9a01-2b3c7c4d19af",
    is_test=False,
)


def test_a_letter_has_room_for_nothing_but_these_facts() -> None:
    assert {field.name for field in fields(Letter)} == {
        "alert_id",
        "authority_name",
        "notice",
        "at",
        "link",
        "is_test",
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


@pytest.mark.parametrize("notice", ["left-before-seen", "cancel", "reinstate", "cancel 2"])
def test_what_happened_later_is_news_and_no_more(notice: str) -> None:
    subject, text = write(replace(LETTER, notice=notice))
    assert subject == "Nightlight: news about alert, reference 7C4D-19AF"
    assert "There is news about an alert of your team" in text
    assert "left" not in text
    assert "cancel" not in text
    assert "reinstate" not in text


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
