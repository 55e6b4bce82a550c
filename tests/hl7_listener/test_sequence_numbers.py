"""Messages of one second are put in order by their sequence numbers (MSH-13), which say nothing beyond it and their sender."""

import pytest

from tests.hl7_listener.test_listener import Listener, code_of, listener

__all__ = ["listener"]

SECOND, NEXT_SECOND = "20261105101529", "20261105101530"
STANDING = "SELECT state, care_setting FROM encounters"
EMERGENCY, CLINIC = "E", "O"


def message(event: str, number: str, at: str = SECOND, patient_class: str = EMERGENCY, sender: str = "PAS") -> bytes:
    """An event of visit V1 with a sequence number."""
    control_id = f"{sender}{event}{number}{at}{patient_class}"
    lines = (
        rf"MSH|^~\&|{sender}|R0A01|NIGHTLIGHT|R0A|{at}||ADT^{event}|{control_id}|P|2.4|{number}",
        f"EVN|{event}|{at}",
        "PID|1||9990000018^^^NHS^NH",
        f"PV1|1|{patient_class}" + "|" * 17 + "V1",
    )
    return "".join(f"{line}\r" for line in lines).encode()


async def send(listener: Listener, *messages: bytes) -> list[tuple[str, str]]:
    """The encounter after the messages, in the order in which they come."""
    peer = await listener.connect()
    for each in messages:
        assert code_of(await peer.send(each)) == "AA"
    peer.writer.close()
    await peer.writer.wait_closed()
    return [(state, setting) for state, setting in await listener.house.rows(STANDING)]


async def test_a_cancelled_discharge_that_overtakes_nothing_does_not_undo_the_discharge_after_it(listener: Listener) -> None:
    arrived, cancelled, left = message("A04", "1"), message("A13", "2"), message("A03", "3")
    assert await send(listener, arrived, left, cancelled) == [("closed", "emergency-department")]


async def test_of_two_moves_in_one_second_the_one_with_the_higher_number_counts(listener: Listener) -> None:
    arrived = message("A04", "1")
    moves = message("A02", "3", patient_class=CLINIC), message("A02", "2", patient_class=EMERGENCY)
    assert await send(listener, arrived, *moves) == [("open", "outpatient")]


async def test_messages_of_one_second_in_their_order_are_followed(listener: Listener) -> None:
    arrived, cancelled, left = message("A04", "1"), message("A13", "2"), message("A03", "3")
    assert await send(listener, arrived, cancelled, left) == [("closed", "emergency-department")]


async def test_the_time_goes_before_the_number_because_counters_begin_again(listener: Listener) -> None:
    arrived, left, back = message("A04", "998"), message("A03", "999"), message("A13", "1", NEXT_SECOND)
    assert await send(listener, arrived, left, back) == [("open", "emergency-department")]


@pytest.mark.parametrize(
    "number", ["", "0", "-1", "7.5", "x", "9" * 400], ids=["none", "restart", "resynchronise", "7.5", "x", "long"]
)
async def test_what_is_no_sequence_number_puts_nothing_in_order(listener: Listener, number: str) -> None:
    arrived, left, back = message("A04", "1"), message("A03", "2"), message("A13", number)
    assert await send(listener, arrived, left, back) == [("open", "emergency-department")]


async def test_numbers_of_different_senders_are_not_compared(listener: Listener) -> None:
    arrived, left, back = message("A04", "1"), message("A03", "900"), message("A13", "2", sender="EPR")
    assert await send(listener, arrived, left, back) == [("open", "emergency-department")]
