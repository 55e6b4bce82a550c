"""The answer to a national upload: made of what became of each record, and kept with it in the transaction of the load.

The load calls `keep_response`; the pages offer `read_response` to the authority, and `mesh_mailbox` sends the same bytes back.
Source: docs/facts.md, section 4 ("a response per record"); docs/authority/hl7-v3-and-mesh.md.
"""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from uuid import UUID

from domain.actor import Actor
from domain.errors import NotFound
from flags_store.extract_formats.reading import Envelope
from flags_store.extract_formats.v3_reader import V3Envelope
from flags_store.extract_formats.v3_rows import record_of
from flags_store.extracts.codes import RECORD_WORDS, NoteCode, RecordCode
from flags_store.extracts.loads import Load
from flags_store.extracts.outcomes import RecordOutcome
from flags_store.extracts.response_codes import (
    IS_LOADED,
    NEEDS_TRACE,
    OF_RECORD_CODE,
    WORST_FIRST,
    FileResponse,
    RecordResponse,
    file_response,
    refusal_response,
)  # fmt: skip
from flags_store.extracts.response_xml import TAIL, render_head, render_record
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Connection, Transaction

AT_ONCE = 2_000
HELD = "waits for a second person of the authority to release it"
_PHONES = {"EC": ("emergency duty", "emergency_phone"), "WP": ("office hours", "office_phone")}


@dataclass(slots=True)
class _Tally:
    records: int = 0
    loaded: int = 0


async def keep_response(transaction: Connection, load: Load, envelope: Envelope, outcomes: Iterable[RecordOutcome]) -> FileResponse:
    """Keep the answer: one code for each record, whose plans stand together in `outcomes`, and one for the file.

    Also says where the phones of the file are not those that are held. Memory stays bounded; what renders runs in a thread.
    """
    tally = _Tally()
    response_id = load.extract_id
    await transaction.execute(
        "INSERT INTO extract_responses (extract_id, file_code, records, accepted) VALUES (%s, 'CPF04', 0, 0)", (response_id,)
    )
    parts, number = _rendered(outcomes, tally), 0
    while content := await asyncio.to_thread(next, parts, b""):
        number += 1
        await _add_part(transaction, response_id, number, content)
    await _add_part(transaction, response_id, number + 1, gzip.compress(TAIL.encode()))
    response = file_response(tally.records, tally.loaded)
    head = render_head(now(), envelope.sequence_number, tally.records, response)
    await _add_part(transaction, response_id, 0, gzip.compress(head.encode()))
    await transaction.execute(
        "UPDATE extract_responses SET file_code = %s, records = %s, accepted = %s WHERE extract_id = %s",
        (response.value, tally.records, tally.loaded, response_id),
    )
    await _note_phones(transaction, load, envelope)
    return response


def _rendered(outcomes: Iterable[RecordOutcome], tally: _Tally) -> Iterator[bytes]:
    answers = _answers(outcomes, tally)
    while some := "".join(islice(answers, AT_ONCE)):
        yield gzip.compress(some.encode(), 6)


def _answers(outcomes: Iterable[RecordOutcome], tally: _Tally) -> Iterator[str]:
    for number, (place, same) in enumerate(groupby(outcomes, key=_record_key), start=1):
        plans = list(same)
        response, detail = to_response(plans)
        is_loaded = response in IS_LOADED
        tally.records += 1
        tally.loaded += is_loaded
        first, where = plans[0], place.removeprefix("record ")
        at = int(where) if where.isdigit() else number
        yield render_record(at, first.nhs_number, first.local_id, response, is_loaded=is_loaded, detail=detail)


def _record_key(outcome: RecordOutcome) -> str:
    return record_of(outcome.place) or f"line {outcome.line}"


def to_response(plans: Sequence[RecordOutcome]) -> tuple[RecordResponse, str]:
    """The code of one record and its detail, of what became of each of its plans. The worst counts."""
    answered = [_of_plan(plan) for plan in plans]
    response = min((each[0] for each in answered), key=WORST_FIRST.index)
    details = [f"{plan.place}: {detail}" for plan, (_, detail) in zip(plans, answered, strict=True) if detail]
    return response, "; ".join(details)


def _of_plan(plan: RecordOutcome) -> tuple[RecordResponse, str]:
    if plan.code is not None:
        response = OF_RECORD_CODE.get(plan.code, RecordResponse.UNSUCCESSFUL)
        if response in NEEDS_TRACE and not plan.match.asked:
            response = RecordResponse.UNSUCCESSFUL
        return response, f"{plan.code.value}: {_words(plan.code)}"
    if plan.held:
        return RecordResponse.UNSUCCESSFUL, HELD
    if plan.match.successor is not None and plan.match.asked:
        return RecordResponse.SUPERSEDED, "loaded under the newer NHS number"
    return RecordResponse.SUCCESS, ""


def _words(code: RecordCode) -> str:
    return re.sub(r"{\w+}", "…", RECORD_WORDS[code])


async def _add_part(transaction: Connection, extract_id: UUID, number: int, content: bytes) -> None:
    await transaction.execute(
        "INSERT INTO extract_response_parts (extract_id, number, content) VALUES (%s, %s, %b)", (extract_id, number, content)
    )


async def _note_phones(transaction: Connection, load: Load, envelope: Envelope) -> None:
    """A phone that differs is said, and never taken over: it would be shown to a clinician at night."""
    if not isinstance(envelope, V3Envelope):
        return
    cursor = await transaction.execute(
        "SELECT emergency_phone, office_phone FROM authorities WHERE code = %s", (load.authority_code,)
    )
    row = await cursor.fetchone()
    held = dict(zip(("emergency_phone", "office_phone"), row or (), strict=False))
    for use, (which, column) in _PHONES.items():
        sent = envelope.phones.get(use, "")
        if sent and _digits(sent) != _digits(held.get(column) or ""):
            await transaction.execute(
                """
                INSERT INTO extract_notes (extract_id, code, detail)
                VALUES (%s, %s, jsonb_build_object('which', %s::text, 'sent', %s::text, 'held', %s::text))
                """,
                (load.extract_id, NoteCode.PHONE_DIFFERS.value, which, sent[:40], held.get(column) or "none"),
            )


def _digits(phone: str) -> str:
    """A phone number as it is dialled in England, so that two spellings of one are the same."""
    return re.sub(r"^(0044|44)", "0", re.sub(r"[^0-9]", "", phone.replace("+44", "0").replace("(0)", "")))


def refused_response(sequence: int | None, code: str, words: str) -> bytes:
    """The answer to a file of which nothing was loaded; the sequence number is -1 where it could not be read."""
    response = refusal_response(code)
    return (render_head(now(), sequence, 0, response, f"{code}: {words}" if words else code) + TAIL).encode()


async def summary_response(transaction: Transaction, authority_code: str, extract_id: UUID) -> bytes:
    """The answer to an extract of a format that has none for each record: the code of the file alone. Raises NotFound."""
    cursor = await transaction.execute(
        "SELECT records, rejected + held FROM extracts WHERE authority_code = %s AND id = %s", (authority_code, extract_id)
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such extract")
    records, not_loaded = row
    response = file_response(records, records - not_loaded)
    return (render_head(now(), None, records, response, f"{not_loaded} of {records} records were not loaded") + TAIL).encode()


async def read_response(transaction: Connection, actor: Actor, authority_code: str, extract_id: UUID) -> bytes:
    """The whole answer to one upload of the authority, as XML; who reads it is written down. Raises NotFound."""
    content = b"".join([part async for part in read_response_parts(transaction, authority_code, extract_id)])
    await record_audit(transaction, actor, "extract.read-response", "extract", str(extract_id))
    return content


async def read_response_parts(transaction: Transaction, authority_code: str, extract_id: UUID) -> AsyncIterator[bytes]:
    """The same piece by piece, for whoever sends it on. Raises NotFound before the first piece."""
    number = 0
    while True:
        cursor = await transaction.execute(
            """
            SELECT p.content FROM extract_response_parts p JOIN extracts e ON e.id = p.extract_id
            WHERE e.authority_code = %s AND p.extract_id = %s AND p.number = %s
            """,
            (authority_code, extract_id, number),
        )
        row = await cursor.fetchone()
        if row is None:
            break
        yield gzip.decompress(row[0])
        number += 1
    if number == 0:
        raise NotFound("there is no response to this extract")
