"""The query door over real sockets and real PostgreSQL: who may ask, what is looked up, what is audited, what comes back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.care_setting import CareSetting
from hl7_listener.answering import Answerer
from hl7_listener.message import Message
from hl7_listener.sender import Sender
from runtime.database import Database
from safeguarding.check import Check
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader
from tests.conftest import FreshDatabase
from tests.hl7_listener.queries import (
    ASKER,
    CERTIFICATE,
    asking_house,
    notes_of,
    q21,
    q22,
    response_of,
    status_of,
    valid_numbers,
)
from tests.hl7_listener.samples import sample
from tests.hl7_listener.test_listener import run_listener
from tests.hl7_listener.test_query import texts
from tests.safeguarding.house import CHILD, KEY, UNKNOWN_CHILD, House

FOUND, NONE, ERROR, REJECTED = ("AA", "OK"), ("AA", "NF"), ("AE", "AE"), ("AR", "AR")


@dataclass(slots=True)
class Door:
    """An answerer, who asks, and the lookups that it told of."""

    house: House
    sender: Sender = ASKER
    lookups: list[tuple[str, Check]] = field(default_factory=list)

    async def send(self, raw: bytes) -> tuple[bytes, ...]:
        house = self.house
        answerer = Answerer(house.desk, house.directory, house.database, on_lookup=lambda *lookup: self.lookups.append(lookup))
        return (await answerer.answer(raw, self.sender)).frames

    async def ask(self, raw: bytes) -> Message:
        [response] = await self.send(raw)
        return response_of(response)


@pytest.fixture
async def door(fresh_database: FreshDatabase) -> AsyncIterator[Door]:
    async with asking_house(fresh_database.service_url) as house:
        yield Door(house)


NO_RIGHT = {
    "no mutual TLS": (Sender("127.0.0.1"), q22(), "queries need mutual TLS"),
    "a certificate that nobody demanded": (Sender("127.0.0.1", CERTIFICATE), q22(), "queries need mutual TLS"),
    "an unknown certificate": (replace(ASKER, certificate="0f" * 32), q22(), "this certificate is not registered as a peer"),
    "a site that it may only speak for": (
        ASKER, q22().replace(b"|R0A01|", b"|R0A02|"), "this peer may not ask for the facility in MSH-4",
    ),
    "another's site": (ASKER, q22().replace(b"|R0A01|", b"|R0Z99|"), "this peer may not speak for the facility in MSH-4"),
    "no number and no right": (Sender("127.0.0.1"), q22("@PID.5.1^HARDING"), "queries need mutual TLS"),
}  # fmt: skip


@pytest.mark.parametrize("sender,query,reason", NO_RIGHT.values(), ids=NO_RIGHT)
async def test_without_the_right_nothing_is_looked_up_and_the_refusal_is_audited(
    door: Door, sender: Sender, query: bytes, reason: str
) -> None:
    await door.house.flag(CHILD)
    door.sender = sender
    response = await door.ask(query)
    assert status_of(response) == ERROR
    assert response.required("ERR").component(3, 1) == "204"
    assert notes_of(response)[0] == ("answer", reason)
    assert await door.house.value("SELECT count(*) FROM accesses") == 0
    assert await door.house.rows("SELECT action, detail->>'reason' FROM audit_events WHERE action LIKE 'query%%'") == [
        ("query.refused", reason)
    ]
    assert door.lookups == []


async def test_a_refusal_that_cannot_be_audited_is_our_own_trouble(door: Door) -> None:
    await door.house.directory.current()
    async with Database("postgresql://nobody@127.0.0.1:1/none", 1) as away:
        nowhere = replace(door.house, database=away)
        refused = Door(nowhere, Sender("127.0.0.1"))
        assert status_of(await refused.ask(q22())) == REJECTED


REFUSED = {
    "another query": (q22().replace(b"QBP^Q22", b"QBP^Q23"), "201"),
    "an unknown name": (q22(name="Everybody"), "201"),
    "an answer later": (q22(control="RCP|D"), "103"),
    "no QPD": (q22().replace(b"QPD|", b"ZPD|"), "100"),
}


@pytest.mark.parametrize("query,code", REFUSED.values(), ids=REFUSED)
async def test_what_is_no_query_of_the_profile_is_an_error_and_nothing_is_looked_up(door: Door, query: bytes, code: str) -> None:
    response = await door.ask(query)
    assert status_of(response) == ERROR
    assert response.required("ERR").component(3, 1) == code
    assert await door.house.value("SELECT count(*) FROM accesses") == 0


async def test_no_query_is_kept_in_quarantine(door: Door) -> None:
    for query in (q22(name="Everybody"), q22(""), q22()):
        await door.ask(query)
    assert await door.house.value("SELECT count(*) FROM quarantine") == 0


async def test_a_query_that_an_older_release_held_is_not_replayed(door: Door) -> None:
    answerer = Answerer(door.house.desk, door.house.directory, door.house.database)
    refusal = await answerer.take_again(q22(), "127.0.0.1", CERTIFICATE)
    assert refusal is not None
    assert refusal.reason == "queries are not replayed"
    assert await door.house.value("SELECT count(*) FROM accesses") == 0


async def test_with_the_store_away_the_answer_is_ar_and_never_none_known(door: Door) -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none", 1) as away:
        directory = DirectoryReader(away)
        async with Desk(away, directory, KEY) as desk:
            response = await Door(House(away, directory, desk)).ask(q22())
    assert status_of(response) == REJECTED
    assert response.required("ERR").component(3, 1) == "207"


COULD_NOT_CHECK = {
    "no number": (q22("@PID.5.1^HARDING~@PID.7^20190304"), "101"),
    "a mistyped number": (q21("9990000019^^^NHS^NH", version="2.5"), "102"),
    "two numbers": (q21(f"{CHILD}^^^NHS^NH~{UNKNOWN_CHILD}^^^NHS^NH", version="2.5"), "204"),
}


@pytest.mark.parametrize("query,code", COULD_NOT_CHECK.values(), ids=COULD_NOT_CHECK)
async def test_without_a_usable_number_the_answer_is_could_not_check_and_it_is_audited(door: Door, query: bytes, code: str) -> None:
    await door.house.flag(CHILD)
    response = await door.ask(query)
    assert status_of(response) == ERROR
    assert response.required("ERR").component(3, 1) == code
    assert notes_of(response)[0][1].startswith("We could not check")
    assert await door.house.rows("SELECT outcome, trigger_event FROM accesses") == [("could-not-check", "lookup")]
    assert await door.house.value("SELECT count(*) FROM encounters") == 0
    assert door.lookups == []


@pytest.mark.parametrize("query", [q21(), q22()], ids=["Q21", "Q22"])
async def test_a_flagged_child_is_answered_with_plan_and_phones_and_the_look_is_audited(door: Door, query: bytes) -> None:
    await door.house.rows("DELETE FROM authority_hours RETURNING 1")  # nobody is in an office at whatever hour the test runs
    await door.house.flag(CHILD)
    response = await door.ask(query)
    assert status_of(response) == FOUND
    assert [row.component(3, 1) for row in response.segments("OBX")] == ["342191000000101"]
    texts_ = [text for _, text in notes_of(response)]
    assert "Ring Site R0A01 safeguarding team: 01632 960999 (your own hospital)." in texts_
    assert "Ring Ambershire emergency duty team: 01632 961301 (responsible for the plan)." in texts_
    assert "Responsible: 301 - Ambershire: office team 01632 960301, emergency duty team 01632 961301." in texts_
    assert await door.house.rows(
        "SELECT actor_id, actor_name, organisation, trigger_event, purpose, outcome, request_id, care_setting FROM accesses"
    ) == [("R0A01 EHR", "EHR of R0A", "R0A", "lookup", "direct-care", "flagged", "QC1 T1", "emergency-department")]
    assert [(peer, check.identity.nhs_number) for peer, check in door.lookups] == [("EHR of R0A", CHILD)]


async def test_a_sensitive_child_is_masked_and_who_is_responsible_is_in_no_note(door: Door) -> None:
    await door.house.flag(CHILD, sensitive=True)
    response = await door.ask(q22())
    assert response.required("OBX").text == "OBX|1|ST|342191000000101^Subject to child protection plan^SCT|1|open||||||F||R"
    assert not any("Ambershire" in text or "01632 961301" in text for _, text in notes_of(response))
    withheld = "Details are withheld. Ring the Site R0A01 safeguarding team on 01632 960999, or break the glass in Nightlight."
    assert ("ring", withheld) in notes_of(response)


async def test_none_known_says_its_coverage(door: Door) -> None:
    response = await door.ask(q22().replace(CHILD.encode(), UNKNOWN_CHILD.encode()))
    assert status_of(response) == NONE
    coverage = [text for kind, text in notes_of(response) if kind == "coverage"]
    assert coverage[0] == "Checked against the 2 authorities connected to Nightlight."
    assert coverage[-1] == "No plan is not no risk."


async def test_details_that_differ_are_said_beside_the_flag(door: Door) -> None:
    await door.house.flag(CHILD, family_name="Harding")
    response = await door.ask(q22(f"@PID.3.1^{CHILD}~@PID.3.4^NHS~@PID.5.1^SMITH~@PID.5.2^John"))
    assert status_of(response) == FOUND
    assert any(kind == "caution" and text.startswith("Details differ") for kind, text in notes_of(response))


async def test_a_query_that_comes_again_is_looked_up_and_audited_again(door: Door) -> None:
    assert status_of(await door.ask(q22())) == NONE
    await door.house.flag(CHILD)
    assert status_of(await door.ask(q22())) == FOUND
    assert await door.house.rows("SELECT outcome FROM accesses ORDER BY occurred_at, id") == [("none-known",), ("flagged",)]
    assert await door.house.value("SELECT count(*) FROM inbox") == 0


async def test_a_query_tells_the_authority_as_any_lookup_does_where_no_feed_is_live(door: Door) -> None:
    await door.house.flag(CHILD)
    await door.ask(q22())
    await door.ask(q22())
    assert await door.house.value("SELECT count(*) FROM alerts") == 1
    assert await door.house.value("SELECT count(*) FROM accesses WHERE in_history") == 2


async def test_where_the_sites_feed_is_live_a_query_tells_nobody(door: Door) -> None:
    await door.house.flag(CHILD)
    async with door.house.database.transaction() as transaction:
        await transaction.execute("INSERT INTO site_feeds VALUES ('R0A01', now(), now())")
    door.house.directory.forget()
    await door.ask(q22())
    assert await door.house.value("SELECT count(*) FROM alerts") == 0


@pytest.mark.parametrize("setting", [CareSetting.GP, CareSetting.SARC, CareSetting.OUTPATIENT])
async def test_from_a_scheduled_or_private_service_nobody_is_told(door: Door, setting: CareSetting) -> None:
    await door.house.flag(CHILD)
    async with door.house.database.transaction() as transaction:
        await transaction.execute("UPDATE sites SET setting = %s", (setting,))
    door.house.directory.forget()
    assert status_of(await door.ask(q22())) == FOUND
    assert await door.house.value("SELECT count(*) FROM alerts") == 0
    assert await door.house.value("SELECT count(*) FROM accesses WHERE in_history") == 0


async def test_a_training_query_tells_nobody(door: Door) -> None:
    await door.house.flag(CHILD)
    await door.ask(q22().replace(b"|QC1|P|", b"|QC1|T|"))
    assert await door.house.value("SELECT count(*) FROM alerts") == 0


CONDITIONS = {
    "original": ("", "", 1),
    "wants to hear both": ("AL", "AL", 2),
    "only the response": ("NE", "AL", 1),
    "never": ("NE", "NE", 1),
}


@pytest.mark.parametrize("accept,application,frames", CONDITIONS.values(), ids=CONDITIONS)
async def test_the_response_comes_in_every_mode(door: Door, accept: str, application: str, frames: int) -> None:
    query = q22().replace(b"|P|2.5||||||UNICODE", f"|P|2.5|||{accept}|{application}||UNICODE".encode())
    *accepted, response = await door.send(query)
    assert status_of(response_of(response)) == NONE
    assert len(accepted) == frames - 1
    assert all(b"\rMSA|CA|QC1" in each for each in accepted)


async def test_queries_and_messages_share_a_connection_in_their_order(door: Door) -> None:
    async with run_listener(door.house) as listener:
        peer = await listener.connect()
        assert b"MSA|AA" in await peer.send(sample("a04_emergency"))
        refused = response_of(await peer.send(q22()))
        assert status_of(refused) == ERROR
        assert notes_of(refused)[0] == ("answer", "queries need mutual TLS")
        assert b"MSA|AA" in await peer.send(sample("a03_left_before_seen"))
        peer.writer.close()


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(asked=st.lists(st.tuples(texts, st.booleans()), min_size=5, max_size=15))
def test_no_text_is_answered_unless_a_valid_number_was_asked(module_database: FreshDatabase, asked: list[tuple[str, bool]]) -> None:
    async def run() -> None:
        furnish = not await _is_furnished(module_database.service_url)
        async with asking_house(module_database.service_url, furnish=furnish) as house:
            for parameters, ihe in asked:
                [raw] = await Door(house).send(q22(parameters) if ihe else q21(parameters))
                if b"|RSP^" in raw and status_of(response_of(raw))[1] in {"OK", "NF"}:
                    assert valid_numbers(parameters.replace("\\X31\\", "1"))

    asyncio.run(run())


async def _is_furnished(url: str) -> bool:
    async with Database(url, 1) as database, database.single() as connection:
        return await (await connection.execute("SELECT FROM peers")).fetchone() is not None
