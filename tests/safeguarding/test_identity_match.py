"""What a plan was filed by is with every answer: agreed, not verified, or in doubt. A doubt hides nothing and is never certain."""

import pytest

from domain.answer import Caution, Flagged
from domain.match import MatchBasis
from tests.safeguarding.house import CHILD, House


async def rests_on(house: House, basis: MatchBasis) -> None:
    await house.rows("UPDATE flags SET match_basis = %s RETURNING id", basis.value)


@pytest.mark.parametrize("basis", MatchBasis)
@pytest.mark.parametrize("kind", ["CPP", "UCPP"])
async def test_an_answer_says_what_the_number_rests_on_and_cautions_only_where_it_is_in_doubt(
    house: House, basis: MatchBasis, kind: str
) -> None:
    await house.flag(kind=kind)
    await rests_on(house, basis)
    reply = await house.ask()
    assert isinstance(reply.outcome, Flagged)
    [shown] = reply.outcome.flags
    assert shown.flag.match is basis
    assert (Caution.MATCH_DOUBTFUL in reply.outcome.cautions) is basis.is_doubtful


@pytest.mark.parametrize("basis", [each for each in MatchBasis if each.is_doubtful])
async def test_a_doubtful_plan_is_shown_and_its_authority_told_all_the_same(house: House, basis: MatchBasis) -> None:
    await house.flag()
    await rests_on(house, basis)
    reply = await house.ask()
    assert isinstance(reply.outcome, Flagged)
    assert reply.outcome.is_current
    assert await house.rows("SELECT authority_code FROM alerts") == [("301",)]


async def test_one_plan_in_doubt_cautions_the_answer_though_another_agrees(house: House) -> None:
    doubtful = await house.flag(authority="302", kind="LAC")
    await house.flag()
    await house.rows("UPDATE flags SET match_basis = 'traced' RETURNING id")
    await house.rows("UPDATE flags SET match_basis = 'differs' WHERE id = %s RETURNING id", doubtful)
    reply = await house.ask(number=CHILD)
    assert isinstance(reply.outcome, Flagged)
    assert len(reply.outcome.flags) == 2
    assert Caution.MATCH_DOUBTFUL in reply.outcome.cautions
