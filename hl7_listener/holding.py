"""Keeping a message that a person must mend, and what goes back once it is kept.

The answerer calls it with what could not be taken and why. Source: docs/hl7.md, "Quarantine".
"""

import psycopg

from domain.errors import InvalidInput, NotSpeakingFor, Temporary
from hl7_listener.accept_modes import Taking
from hl7_listener.acknowledgement import from_kept, to_kept
from hl7_listener.answered import Answered, render, to_ack_error
from hl7_listener.fingerprint import fingerprint
from hl7_listener.header import read_header
from hl7_listener.sender import Sender
from runtime.database import Database
from runtime.logs import get_logger
from safeguarding.quarantine import Held, hold

log = get_logger()


async def hold_message(database: Database, raw: bytes, sender: Sender, error: InvalidInput | NotSpeakingFor) -> Answered | None:
    """AE or CE, the same for the same bytes while they are held; None where they could not be kept: then it is our trouble."""
    header, ack_error = read_header(raw), to_ack_error(error)
    held = Held(
        sender.address, header.sending_facility, header.control_id, ack_error.reason, str(ack_error.code.value), raw,
        fingerprint(raw), to_kept(render(header, Taking.HELD, ack_error)), sender.certificate,
    )  # fmt: skip
    try:
        kept = await hold(database, held)
    except (Temporary, psycopg.Error) as trouble:
        log.warning("message not kept", error=type(trouble).__name__, peer=sender.address)
        return None
    log.warning("message quarantined", peer=sender.address, code=ack_error.code.value, reason=ack_error.reason)
    return Answered(from_kept(kept), Taking.HELD)
