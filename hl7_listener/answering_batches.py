"""Many messages in one frame: each taken by itself, in its order, and all answered with one response.

The answerer hands its batches to `answer_batches` with the function that answers one message.
Source: HL7 v2.5.1 section 2.10.3; docs/hl7.md, "Batches".
"""

from collections.abc import Awaitable, Callable

from hl7_listener.accept_modes import Taking
from hl7_listener.answered import Answered, new_control_id, reject
from hl7_listener.batches import BatchFile
from runtime.clock import now
from runtime.logs import get_logger

log = get_logger()


async def answer_batches(file: BatchFile, peer: str, answer_one: Callable[[bytes], Awaitable[Answered]]) -> Answered:
    """One response for all. `answer_one` takes one message's bytes, and has it on disk when it says so.

    After a trouble of our own the rest is not tried, so that the order is kept: the sender sends the whole again, what was
    taken gets the same acknowledgement, and the rest is taken then.
    """
    for complaint in file.complaints:
        log.warning("batch counts disagree", peer=peer, reason=complaint)
    taking, acks = Taking.TAKEN, []
    for batch in file.batches:
        acks.append(list[bytes]())
        for raw in batch.messages:
            answered = Answered(reject(raw), Taking.TROUBLE) if taking is Taking.TROUBLE else await answer_one(raw)
            if answered.close:
                return answered
            if answered.taking is Taking.TROUBLE:
                taking = Taking.TROUBLE
            acks[-1] += answered.frames[-1:]  # the application acknowledgement, where both are wanted
    log.info("batch taken", peer=peer, count=sum(len(batch.messages) for batch in file.batches))
    if any(batch.messages for batch in file.batches) and not any(acks):
        return Answered(taking=taking)  # nobody wants to hear anything
    return Answered((file.response(acks, new_control_id, now()),), taking)
