"""One line of text becomes what is sought; who fits is found among one's own, the likeliest first, and nobody else's child is."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.actor import Actor, ActorKind
from domain.errors import InvalidInput, NotFound
from domain.nhs_number import NhsNumber
from runtime.database import Transaction
from safeguarding.finding import NeedsReason, Sought, find, open_child, read_sought
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number

WANDA = Actor(ActorKind.PERSON, "sub-wanda", "Wanda Worth", NORTHMOOR, "social-worker")
BORN = date(2017, 5, 14)
ADA, NOOR, ADAM, GRACE = (nhs_number(position) for position in (10, 20, 30, 40))


@pytest.fixture
async def known(house: House) -> House:
    """With three children of the one authority and one of the other."""
    await house.flag(ADA, family="Harding", given="Ada", born=BORN)
    await house.flag(NOOR, family="O'Malley", given="Noor", born=date(2019, 11, 3), kind="LAC")
    await house.flag(ADAM, family="Hardy", given="Adam", born=date(2014, 1, 2))
    await house.flag(GRACE, WESTLEA, family="Harding", given="Grace", born=BORN)
    return house


async def found(known: House, text: str) -> list[str]:
    async with known.database.transaction() as transaction:
        return [each.nhs_number for each in await find(transaction, WANDA, NORTHMOOR, text)]


@pytest.mark.parametrize(
    "text, sought",
    [
        ("", Sought()),
        ("  \t ", Sought()),
        ("Ada Harding", Sought(("ada", "harding"))),
        ("HARDING, Ada", Sought(("harding", "ada"))),
        ("O'Malley", Sought(("o'malley",))),
        ("999 000 0018", Sought(number=NhsNumber("9990000018"))),
        ("9990000018 Ada", Sought(("ada",), NhsNumber("9990000018"))),
        ("9990000019", Sought(local_id="9990000019")),
        ("14/05/2017", Sought(birth_date=BORN)),
        ("14.5.2017", Sought(birth_date=BORN)),
        ("2017-05-14", Sought(birth_date=BORN)),
        ("14 May 2017", Sought(birth_date=BORN)),
        ("14th may, 2017 harding", Sought(("harding",), birth_date=BORN)),
        ("31/02/2017", Sought(local_id="31/02/2017")),
        ("AM-1001", Sought(local_id="AM-1001")),
        ("ada AM-1001 14/05/2017 999-000-0018", Sought(("ada",), NhsNumber("9990000018"), BORN, "AM-1001")),
    ],
)
def test_what_one_line_of_text_asks_for(text: str, sought: Sought) -> None:
    assert read_sought(text) == sought


@given(st.text(max_size=300))
def test_any_text_at_all_is_read(text: str) -> None:
    sought = read_sought(text)
    assert sought.number is None or len(sought.number) == 10
    assert all(word == word.casefold() for word in sought.words)


async def test_nothing_to_search_for_is_said_to_be(known: House) -> None:
    with pytest.raises(InvalidInput):
        await found(known, " , ")


@pytest.mark.parametrize(
    "text",
    ["Ada Harding", "harding ada", "Hardng Ada", "Ada Hardinge", "aada harding", f"{ADA[:3]} {ADA[3:6]} {ADA[6:]}",
     "14/05/2017", "Harding 14 May 2017"],
)  # fmt: skip
async def test_a_child_is_found_first_by_whatever_is_remembered(known: House, text: str) -> None:
    assert (await found(known, text))[0] == ADA


async def test_an_apostrophe_may_be_left_out(known: House) -> None:
    assert (await found(known, "omalley"))[0] == NOOR


async def test_a_local_id_finds_its_child(known: House) -> None:
    async with known.database.transaction() as transaction:
        await transaction.execute(
            "UPDATE flags SET local_id = 'AM-1002' WHERE person_id = (SELECT id FROM persons WHERE nhs_number = %s)", (NOOR,)
        )
    assert await found(known, "AM-1002") == [NOOR]


async def test_whoever_fits_better_comes_first(known: House) -> None:
    assert await found(known, "Adam Hardy") == [ADAM, ADA]
    assert await found(known, "Ada Harding") == [ADA, ADAM]


@pytest.mark.parametrize("text", ["Grace", "Grace Harding 14/05/2017", GRACE])
async def test_another_authoritys_child_is_never_found(known: House, text: str) -> None:
    assert GRACE not in await found(known, text)


async def test_a_superseded_number_finds_whom_it_leads_to(known: House) -> None:
    old = nhs_number(99)
    async with known.database.transaction() as transaction:
        await transaction.execute(
            """
            INSERT INTO person_aliases (person_id, value, relation, direction, source)
            SELECT id, %s, 'superseded', 'prior', 'PDS' FROM persons WHERE nhs_number = %s
            """,
            (old, ADA),
        )
    assert await found(known, old) == [ADA]


async def test_a_sealed_record_is_found_by_nobody(known: House) -> None:
    async with known.database.transaction() as transaction:
        await transaction.execute("UPDATE persons SET sealed_at = now(), sealed_reason = 'adopted' WHERE nhs_number = %s", (ADA,))
    assert ADA not in await found(known, "Ada Harding")


async def test_every_search_is_written_down_without_what_was_typed(known: House) -> None:
    await found(known, "Ada Harding")
    [(who, detail)] = await known.rows("SELECT actor_name, detail::text FROM audit_events WHERE action = 'child.find'")
    assert who == "Wanda Worth"
    assert "Harding" not in str(detail)
    assert '"found": 2' in str(detail)


async def person(transaction: Transaction, number: str) -> object:
    row = await (await transaction.execute("SELECT id FROM persons WHERE nhs_number = %s", (number,))).fetchone()
    assert row
    return row[0]


async def test_another_authoritys_child_cannot_be_opened(known: House) -> None:
    async with known.database.transaction() as transaction:
        with pytest.raises(NotFound):
            await open_child(transaction, WANDA, NORTHMOOR, await person(transaction, GRACE))  # type: ignore[arg-type]


async def test_a_sensitive_record_opens_only_with_a_reason_and_the_reason_is_kept(known: House) -> None:
    await known.flag(nhs_number(50), family="Quill", given="Iris", sensitive=True)
    async with known.database.transaction() as transaction:
        iris = await person(transaction, nhs_number(50))
        for nothing in ("", "   "):
            with pytest.raises(NeedsReason):
                await open_child(transaction, WANDA, NORTHMOOR, iris, nothing)  # type: ignore[arg-type]
        child, plans = await open_child(transaction, WANDA, NORTHMOOR, iris, "Conference today")  # type: ignore[arg-type]
    assert (child.given_name, [plan.kind for plan in plans]) == ("Iris", ["CPP"])
    [(detail,)] = await known.rows("SELECT detail ->> 'reason' FROM audit_events WHERE action = 'child.open'")
    assert detail == "Conference today"
