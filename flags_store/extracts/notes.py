"""Notes: what is worth saying of an extract and refuses nothing, written with it and shown with its report.

`intake` writes them in the transaction of the load; `reports` reads them. Source: docs/facts.md, section 4 ("differences
are named").
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flags_store.extracts.codes import NOTE_WORDS, NoteCode
from flags_store.extracts.loads import Load
from flags_store.extracts.record import Note
from runtime.database import Connection

MOST_PLACES = 1_000
"""So many notes of one extract keep their place; the others are counted."""


@dataclass(frozen=True, slots=True)
class ExtractNote:
    """What is said, how often, and where in the file (empty where it is of the whole, or of many)."""

    code: str
    words: str
    count: int
    place: str = ""


def to_note(code: str, detail: Mapping[str, object], count: int, place: str = "") -> ExtractNote:
    """A note as it is shown."""
    return ExtractNote(code, NOTE_WORDS[NoteCode(code)].format(**detail), count, place)


class Counted:
    """Notes as they come, each counted once for each place as long as there are not too many."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, notes: Iterable[Note]) -> None:
        """Count these too."""
        for note in notes:
            place = note.place if len(self._counts) < MOST_PLACES else ""
            self._counts[note.code.value, place, json.dumps(dict(note.detail), sort_keys=True)] += 1

    def rows(self) -> list[tuple[str, str, str, int]]:
        """Code, place, detail and count."""
        return [(*key, count) for key, count in self._counts.items()]


async def record_notes(transaction: Connection, load: Load, counted: Counted) -> None:
    """Write all that was counted."""
    rows = counted.rows()
    if rows:
        await transaction.execute(
            """
            INSERT INTO extract_notes (extract_id, code, place, detail, count)
            SELECT %s, code, place, detail::jsonb, count
            FROM unnest(%s::text[], %s::text[], %s::text[], %s::integer[]) AS came (code, place, detail, count)
            """,
            (load.extract_id, *(list(column) for column in zip(*rows, strict=True))),
        )


async def differing_counts(transaction: Connection, load: Load) -> list[Note]:
    """Where the authority says that it holds another number of open plans of a kind than are held now."""
    cursor = await transaction.execute(
        """
        SELECT said.key, said.value::integer, (
            SELECT count(*) FROM flags f
            WHERE f.authority_code = e.authority_code AND f.kind = said.key AND f.deleted_on IS NULL AND f.withdrawn_at IS NULL
              AND (f.end_date IS NULL OR f.end_date > (now() AT TIME ZONE 'Europe/London')::date)
        )
        FROM extracts e CROSS JOIN jsonb_each_text(e.declared) AS said
        WHERE e.id = %s ORDER BY said.key
        """,
        (load.extract_id,),
    )
    return [
        Note(NoteCode.COUNT_DIFFERS, detail={"kind": kind, "declared": declared, "held": held})
        for kind, declared, held in await cursor.fetchall()
        if declared != held
    ]
