"""How a child came: PV2-38 by HL7 table 0430, kept as it was last said; a hospital's own code says nothing here."""

import pytest

from domain.encounter import ARRIVAL_MODES
from tests.hl7_listener.samples import adt
from tests.hl7_listener.test_listener import Listener, listener
from tests.hl7_listener.test_newborns import send
from tests.safeguarding.house import CHILD

__all__ = ["listener"]

TABLE_0430 = {
    "A": "by ambulance",
    "C": "by car",
    "F": "on foot",
    "H": "by helicopter",
    "O": "in another way",
    "P": "by public transport",
    "U": "not known",
}
"""HL7 v2.4 table 0430: Ambulance, Car, On foot, Helicopter, Other, Public transport, Unknown."""


def came(field: str, event: str = "A04", minute: int = 0) -> bytes:
    happened = f"EVN|{event}|202611051015{minute:02d}"
    return adt(
        happened, f"PID|1||633^^^R0A01^MR~{CHILD}^^^NHS^NH", "PV1|1|E" + "|" * 17 + "V1", "PV2" + "|" * 38 + field, event=event
    ).replace(b"||ADT", f"{minute:02d}||ADT".encode(), 1).replace(b"|NL1|", f"|NL{minute}|".encode(), 1)  # fmt: skip


async def kept(listener: Listener) -> str:
    return str(await listener.house.value("SELECT arrival_mode FROM encounters"))


def test_every_code_has_the_words_of_the_standard() -> None:
    assert ARRIVAL_MODES == TABLE_0430


@pytest.mark.parametrize("field", ["", '""', "1", "AMB", "X", "^A", "1048031000000100"])
async def test_what_the_table_has_not_is_not_kept(listener: Listener, field: str) -> None:
    assert b"MSA|AA|" in await send(listener, came(field))
    assert await kept(listener) == ""


@pytest.mark.parametrize(
    "field,code", [*((code, code) for code in TABLE_0430), ("a", "A"), ("F^On foot^HL70430", "F"), ("P~A", "P")]
)
async def test_a_code_of_the_table_is_kept(listener: Listener, field: str, code: str) -> None:
    await send(listener, came(field))
    assert await kept(listener) == code


@pytest.mark.parametrize(
    "then,minute,left",
    [("", 5, "A"), ("H", 5, "H"), ("H", 1, "A")],
    ids=["nothing is said later", "something else is", "a late message"],
)
async def test_what_was_said_last_stays(listener: Listener, then: str, minute: int, left: str) -> None:
    await send(listener, came("A", minute=3))
    await send(listener, came(then, event="A08", minute=minute))
    assert await kept(listener) == left


async def test_a_late_message_fills_the_gap(listener: Listener) -> None:
    await send(listener, came("", minute=3))
    await send(listener, came("C", event="A08", minute=1))
    assert await kept(listener) == "C"
