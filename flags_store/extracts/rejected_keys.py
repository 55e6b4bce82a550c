"""What makes a rejected record the same from one extract to the next, although its line and its mistakes are not. Pure.

`rejected_work` finds the piece of work by the key, and by the content whether it says what it said before.
Source: docs/adr/0037 (a rejected record is one piece of work across extracts).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from flags_store.extracts.codes import RecordCode
from flags_store.extracts.record import COLUMNS, RowError

SEALED_CODES = frozenset({RecordCode.INVALIDATED.value, RecordCode.SEALED.value})
"""Such a record is shown as sensitive, and is never corrected here."""

_BRITISH = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_NEW_WITH_EVERY_RUN = frozenset({"clae_cla_episode_id", "moth_table_id"})


def key_of_error(authority_code: str, error: RowError) -> bytes:
    """The key of a refused record: by its columns where it has them all, else by all that it says.

    What is sealed has a key to which no other record leads: nothing may ever join an adopted child's old number to the new one.
    """
    if error.fields and error.code in SEALED_CODES:
        return _hash("sealed", authority_code, content_of_fields(error.fields).hex())
    if error.fields:
        return key_of_fields(authority_code, error.fields)
    return _hash("whole", authority_code, *_lasting(error.record))


def key_of_another(key: bytes, error: RowError) -> bytes:
    """The key of a record of another child that would have the same key: a number was copied, and no id tells the two apart."""
    return _hash("another", key.hex(), *child_of(error))


def child_of(error: RowError) -> tuple[str, ...]:
    """Who it is about, by given name and birth date; nothing where an id says that, or nobody knows."""
    sent = dict(zip(COLUMNS, error.fields, strict=True)) if error.fields else {}
    if not sent or sent["local_id"].strip():
        return ()
    return sent["given_name"].strip().casefold(), _day(sent["birth_date"].strip())


def key_of_fields(authority_code: str, fields: Sequence[str]) -> bytes:
    """The key of ten columns: whose plan, of which kind, from which day.

    Whose: the authority's own id, since a mistyped NHS number is the commonest mistake; else the number as it was sent; else names
    and birth date.
    """
    sent = {name: value.strip() for name, value in zip(COLUMNS, fields, strict=True)}
    return _hash("plan", authority_code, *_whose(sent), sent["kind"].upper(), _day(sent["start_date"]))


def key_of_flag(authority_code: str, flag_id: UUID) -> bytes:
    """The key of a plan that is held, and that PDS contradicts."""
    return _hash("flag", authority_code, str(flag_id))


def content_of(error: RowError) -> bytes:
    """A hash of all that the record says, but for what is new with every run of an export."""
    return content_of_fields(error.fields) if error.fields else _hash("says", *_lasting(error.record))


def content_of_fields(fields: Sequence[str]) -> bytes:
    """The same of ten columns."""
    return _hash("fields", *(value.strip() for value in fields))


def _whose(sent: Mapping[str, str]) -> tuple[str, ...]:
    if sent["local_id"]:
        return ("local", sent["local_id"])
    if number := re.sub(r"[\s-]", "", sent["nhs_number"]):
        return ("number", number)
    return ("names", sent["given_name"].casefold(), sent["family_name"].casefold(), _day(sent["birth_date"]))


def _day(text: str) -> str:
    """The same day, however it is written; what is no date stands for itself."""
    match = _BRITISH.fullmatch(text)
    return "-".join(reversed(match.groups())) if match else text


def _lasting(record: Mapping[str, str]) -> list[str]:
    return [f"{name}={value.strip()}" for name, value in sorted(record.items()) if name not in _NEW_WITH_EVERY_RUN]


def _hash(*parts: str) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()
