"""`nightlight identity`: what is shown of a number over time, what a person puts right, and that each is written down."""

import asyncio

import pytest

from domain.nhs_number import NhsNumber
from flags_store.aliases import end_merge, record_merge
from flags_store.identity import record_successor
from tests.cli.test_hl7_quarantine import Store, store
from tests.safeguarding.house import CHILD, FEED, OPERATOR, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House, open_house

__all__ = ["store"]  # a fixture


def furnished(store: Store, *held: NhsNumber, superseded: bool = False, merged: bool = False, unmerged: bool = False) -> None:
    async def main() -> None:
        async with open_house(store.url) as house:
            for number in held:
                await house.flag(number)
            await _link(house, superseded=superseded, merged=merged, unmerged=unmerged)

    asyncio.run(main())


async def _link(house: House, *, superseded: bool, merged: bool, unmerged: bool) -> None:
    async with house.database.transaction() as transaction:
        if superseded:
            await record_successor(transaction, OPERATOR, CHILD, OTHER_CHILD, "PDS", SEEN_AT)
        if merged:
            await record_merge(transaction, FEED, CHILD, UNKNOWN_CHILD, "R0A01", SEEN_AT)
    if unmerged:
        async with house.database.transaction() as transaction:
            await end_merge(transaction, FEED, CHILD, UNKNOWN_CHILD, "R0A01")


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["history", "9990000019"], "check digit"),
        (["unlink", CHILD, OTHER_CHILD, "--reason", " "], "say why"),
        (["unlink", CHILD, OTHER_CHILD, "--reason", "a clerk's mistake"], "nothing links these numbers"),
        (["unseal", CHILD, "--reason", "a clerk's mistake"], "nothing is sealed"),
    ],
    ids=["no number", "no reason", "no link", "no seal"],
)
def test_what_makes_no_sense_is_said_in_one_line_and_changes_nothing(
    store: Store, capfd: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    furnished(store, CHILD)
    output = store.run("identity", *arguments, status=1) + capfd.readouterr().err
    assert said in output
    assert len(output.strip().splitlines()) == 1
    assert store.rows("SELECT 1 FROM audit_events WHERE action LIKE 'person.alias%' OR action LIKE 'person.%seal'") == []


def test_nobody_is_held_and_somebody_never_linked_do_not_look_alike(store: Store) -> None:
    furnished(store, CHILD)
    assert "An authority has sent a plan on this number. It was never linked" in store.run("identity", "history", CHILD)
    assert "Nobody is held on this number." in store.run("identity", "history", OTHER_CHILD)


@pytest.mark.parametrize("number", [CHILD, OTHER_CHILD], ids=["by the older number", "by the newer number"])
def test_a_number_that_changed_is_shown_with_direction_source_and_time(store: Store, number: NhsNumber) -> None:
    furnished(store, CHILD, superseded=True)
    shown = store.run("identity", "history", number)
    assert "999 000 0026" in shown
    assert "the newer number of 999 000 0018" in shown
    assert "PDS" in shown
    assert "it stands" in shown


def test_a_merge_that_was_taken_back_stays_as_history(store: Store) -> None:
    furnished(store, CHILD, merged=True, unmerged=True)
    shown = store.run("identity", "history", CHILD)
    assert "999 000 0034" in shown
    assert "by a merge of R0A01" in shown
    assert "it stands" not in shown


def test_each_look_at_a_history_is_audited_without_the_number(store: Store) -> None:
    furnished(store, CHILD)
    store.run("identity", "history", CHILD)
    [(actor, subject, detail)] = store.rows(
        "SELECT actor_kind, subject_id, detail::text FROM audit_events WHERE action = 'person.read-history'"
    )
    assert actor == "operator"
    assert CHILD not in f"{subject} {detail}"


def test_a_link_is_ended_by_hand_with_a_reason_whoever_made_it(store: Store) -> None:
    furnished(store, CHILD, superseded=True)
    store.run("identity", "unlink", CHILD, OTHER_CHILD, "--reason", "PDS put it right")
    [(detail,)] = store.rows("SELECT detail ->> 'reason' FROM audit_events WHERE action = 'person.alias-ended'")
    assert detail == "PDS put it right"
    assert "it stands" not in store.run("identity", "history", CHILD)


def test_an_adopted_child_is_sealed_by_hand_and_is_in_no_history_from_then_on(store: Store) -> None:
    furnished(store, CHILD, OTHER_CHILD, superseded=True)
    store.run("identity", "seal", CHILD, "--reason", "the authority rang: adopted")
    assert store.rows("SELECT count(*) FROM flags WHERE withdrawn_at IS NOT NULL") == [(1,)]
    assert "Sealed: nothing is shown" in store.run("identity", "history", CHILD)
    shown = store.run("identity", "history", OTHER_CHILD)
    assert "999 000 0018" not in shown
    assert "never linked" in shown
    [(why,)] = store.rows("SELECT detail ->> 'why' FROM audit_events WHERE action = 'person.seal'")
    assert why == "the authority rang: adopted"


def test_a_seal_that_was_a_mistake_is_broken_by_hand_and_its_links_stay_ended(store: Store) -> None:
    furnished(store, CHILD, superseded=True)
    store.run("identity", "seal", CHILD, "--reason", "adopted")
    store.run("identity", "unseal", CHILD, "--reason", "it was her sister")
    assert store.rows("SELECT count(*) FROM flags WHERE withdrawn_at IS NULL") == [(1,)]
    assert store.rows("SELECT count(*) FROM person_aliases WHERE ended_at IS NULL") == [(0,)]
    assert store.rows("SELECT sweep_due FROM extracts") == [(True,)]
    [(reason,)] = store.rows("SELECT detail ->> 'reason' FROM audit_events WHERE action = 'person.unseal'")
    assert reason == "it was her sister"
