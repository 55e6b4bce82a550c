"""What a channel may say of an attempt."""

import pytest

from domain.alert import AttemptOutcome
from domain.channel import Attempted


@pytest.mark.parametrize(
    "words", ["550 5.1.1 No such user Ann Example", "9990000018 ", "Ann", "a\nb", "x" * 41, "born 2019", "ann@example.org"]
)
def test_words_of_a_server_are_no_detail(words: str) -> None:
    with pytest.raises(ValueError, match="short code"):
        Attempted(AttemptOutcome.TEMPORARY, words)


@pytest.mark.parametrize("code", ["", "smtp-550", "no-connection", "timed-out"])
def test_a_short_code_is_a_detail(code: str) -> None:
    assert Attempted(AttemptOutcome.TEMPORARY, code).detail == code


@pytest.mark.parametrize(
    "outcome, told",
    [
        (AttemptOutcome.SENT, True),
        (AttemptOutcome.DELIVERED, True),
        (AttemptOutcome.TEMPORARY, False),
        (AttemptOutcome.PERMANENT, False),
    ],
)
def test_only_sent_and_delivered_have_told(outcome: AttemptOutcome, told: bool) -> None:
    assert Attempted(outcome).has_told is told
