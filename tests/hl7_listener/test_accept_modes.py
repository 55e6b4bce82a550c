"""Who is told, and with which codes: every pair of conditions against everything that can become of a message."""

from itertools import product

import pytest

from hl7_listener.accept_modes import AckCode, Condition, Taking, decide_acknowledgements, is_enhanced, is_never_told
from tests.docs.reading import rows, section

TAKEN, HELD, TROUBLE = Taking.TAKEN, Taking.HELD, Taking.TROUBLE

# MSH-15, MSH-16: what goes back when the message is taken; when it is held; when the trouble is ours.
TABLE = """
    -  -   AA     AE  AR
    -  AL  AA     AE  AR
    -  NE  -      -   -
    -  ER  -      AE  AR
    -  SU  AA     -   -
    AL -   CA     CE  CR
    AL AL  CA+AA  CE  CR
    AL NE  CA     CE  CR
    AL ER  CA     CE  CR
    AL SU  CA+AA  CE  CR
    NE -   -      -   -
    NE AL  AA     AE  AR
    NE NE  -      -   -
    NE ER  -      AE  AR
    NE SU  AA     -   -
    ER -   -      CE  CR
    ER AL  AA     CE  CR
    ER NE  -      CE  CR
    ER ER  -      CE  CR
    ER SU  AA     CE  CR
    SU -   CA     -   -
    SU AL  CA+AA  AE  AR
    SU NE  CA     -   -
    SU ER  CA     AE  AR
    SU SU  CA+AA  -   -
"""
ROWS = [tuple("" if word == "-" else word for word in line.split()) for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("accept,application,taken,held,trouble", ROWS)
def test_every_pair_of_conditions_gives_the_acknowledgements_of_the_table(
    accept: str, application: str, taken: str, held: str, trouble: str
) -> None:
    for taking, expected in ((TAKEN, taken), (HELD, held), (TROUBLE, trouble)):
        assert "+".join(decide_acknowledgements(accept, application, taking)) == expected, taking


def test_the_table_holds_every_pair() -> None:
    words = ("", *(condition.value for condition in Condition))
    assert [row[:2] for row in ROWS] == list(product(words, words))


@pytest.mark.parametrize("empty", ["", '""', " "])
def test_nothing_in_both_fields_is_original_mode(empty: str) -> None:
    assert not is_enhanced(empty, "")
    assert decide_acknowledgements(empty, empty, TAKEN) == (AckCode.ACCEPT,)


@pytest.mark.parametrize("word", ["al", " AL ", "XX", "ALWAYS", "Y"])
def test_a_condition_that_nobody_knows_leaves_no_sender_waiting(word: str) -> None:
    assert decide_acknowledgements(word, "NE", TAKEN) == (AckCode.COMMIT_ACCEPT,)
    assert decide_acknowledgements("NE", word, TAKEN) == (AckCode.ACCEPT,)
    assert decide_acknowledgements("NE", word, TROUBLE) == (AckCode.REJECT,)


def test_only_a_sender_that_hears_nothing_at_all_is_never_told() -> None:
    words = ("", *(condition.value for condition in Condition))
    assert {pair for pair in product(words, words) if is_never_told(*pair)} == {("NE", "NE"), ("", "NE"), ("NE", "")}


def test_the_table_of_the_page_is_the_one_of_the_code() -> None:
    listed = {cells[0].split()[0].strip("`"): cells[1:] for cells in rows(section("hl7.md", "### Enhanced mode"))}
    assert listed == {
        condition.value: [
            ", ".join([*decide_acknowledgements(condition, "NE", taking), *decide_acknowledgements("NE", condition, taking)])
            for taking in (TAKEN, HELD, TROUBLE)
        ]
        for condition in Condition
    }
