"""A birth over the wire: the mother is named in the message, and the authority that held the unborn plan is told."""

from datetime import timedelta

import pytest

from domain.nhs_number import NhsNumber
from runtime.clock import england_day, now
from tests.hl7_listener.samples import adt
from tests.hl7_listener.test_listener import Listener, listener
from tests.safeguarding.house import OTHER_CHILD

__all__ = ["listener"]

MOTHER = NhsNumber("9990000042")
ALERTS = "SELECT reason, count(*)::int FROM alerts GROUP BY reason"


def birth(*segments: str, mother: str = "", born: str = "", event: str = "A28") -> bytes:
    born = born or f"{england_day(now()):%Y%m%d}"
    return adt(f"PID|1||B77^^^R0A01^MR~{OTHER_CHILD}^^^NHS^NH||HARDING^BABY OF||{born}{'|' * 14}{mother}", *segments, event=event)


async def send(listener: Listener, message: bytes) -> bytes:
    peer = await listener.connect()
    try:
        return await peer.send(message)
    finally:
        peer.writer.close()
        await peer.writer.wait_closed()


@pytest.mark.parametrize(
    "message",
    [
        birth(),
        birth("NK1|1|HARDING^Jo|FTH|||||||||||||||||||||||||||||" + f"{MOTHER}^^^NHS^NH"),
        birth(mother=f"{MOTHER}^^^NHS^NH", born="20200101"),
        birth(mother="M55^^^R0A01^MR"),
    ],
    ids=["nobody is named", "the father is named", "an older child", "the mother by a local number alone"],
)
async def test_without_a_mother_whose_plan_it_is_nobody_is_told(listener: Listener, message: bytes) -> None:
    await listener.house.flag(MOTHER, kind="UCPP", start_date=england_day(now()) - timedelta(days=30))
    assert b"MSA|AA|" in await send(listener, message)
    assert await listener.house.rows(ALERTS) == []


@pytest.mark.parametrize(
    "message",
    [
        birth(mother=f"{MOTHER}^^^NHS^NH"),
        birth(mother=f"M55^^^R0A01^MR~{MOTHER}^^^^NH"),
        birth("NK1|1|HARDING^Jo|MTH^Mother^HL70063" + "|" * 30 + f"{MOTHER}^^^NHS^NH"),
        birth("PV1|1|I|MAT^1||||||||||||||||V77", mother=f"{MOTHER}^^^NHS", event="A01"),
    ],
    ids=["A28 with PID-21", "PID-21 repeated", "NK1-33", "A01 with a visit"],
)
async def test_a_birth_tells_who_held_the_unborn_plan(listener: Listener, message: bytes) -> None:
    await listener.house.flag(MOTHER, kind="UCPP", start_date=england_day(now()) - timedelta(days=30))
    assert b"MSA|AA|" in await send(listener, message)
    assert await listener.house.rows(ALERTS) == [("newborn", 1)]
    assert b"MSA|AA|" in await send(listener, message)
    assert await listener.house.rows(ALERTS) == [("newborn", 1)], "the same message again tells nobody again"
