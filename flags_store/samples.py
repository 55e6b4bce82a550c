"""The monthly sample: 20 open plans of an authority, drawn at random, compared by hand with its own system, and the result.

`safeguarding.samples` hands it to the page and the command. Who sees names is audited for each person.
Source: docs/facts.md, section 4; docs/onboarding.md, "The monthly sample".
"""

import secrets
from collections import defaultdict
from datetime import datetime, time, timedelta
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput, NotFound
from flags_store.extracts.open_plans import OPEN, RULES
from flags_store.sample_values import WRONG, OverdueSample, Result, Sample, SampledRecord
from flags_store.sampling import choose
from runtime.audit import record_audit
from runtime.clock import ENGLAND, england_day, now
from runtime.database import Connection

SAMPLE_SIZE = 20
MOST_NOTE = 500
_SEEDS = 2**31


async def draw_sample(transaction: Connection, actor: Actor, authority_code: str, seed: int | None = None) -> Sample:
    """Draw this month's sample. `seed` is chosen by chance where none is named.

    Raises NotFound (authority), Conflict where this month's is drawn or there is nothing to draw from.
    """
    today = england_day(now())
    month = today.replace(day=1)
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    cursor = await transaction.execute("SELECT FROM authorities WHERE code = %s FOR NO KEY UPDATE", (authority_code,))
    if cursor.rowcount == 0:
        raise NotFound(f"there is no authority {authority_code}")
    if any(each.month == month for each in await list_samples(transaction, authority_code)):
        raise Conflict(f"the sample of {month:%B %Y} was drawn already")
    plans: dict[str, list[UUID]] = defaultdict(list)
    cursor = await transaction.execute(_OPEN_PLANS, {"authority": authority_code, "today": today, **RULES})
    for kind, flag in await cursor.fetchall():
        plans[kind].append(flag)
    if not plans:
        raise Conflict(f"authority {authority_code} holds no open plan: there is nothing to draw from")
    chosen = choose(plans, SAMPLE_SIZE, seed)
    row = await (
        await transaction.execute(
            "INSERT INTO samples (authority_code, month, seed, drawn_from, drawn_by) VALUES (%s, %s, %s, %s, %s) RETURNING id",
            (authority_code, month, seed, sum(map(len, plans.values())), actor.name),
        )
    ).fetchone()
    assert row is not None
    await transaction.execute(
        "INSERT INTO sample_records (sample_id, position, flag_id) SELECT %s, position, flag"
        " FROM unnest(%s::uuid[]) WITH ORDINALITY AS drawn (flag, position)",
        (row[0], chosen),
    )
    await record_audit(transaction, actor, "sample.draw", "authority", authority_code, records=len(chosen), seed=seed)
    return await _find(transaction, authority_code, row[0])


_OPEN_PLANS: LiteralString = f"""
    SELECT f.kind, f.id FROM flags f JOIN persons p ON p.id = f.person_id WHERE f.authority_code = %(authority)s AND {OPEN}
"""  # noqa: S608 (a constant)


async def list_samples(transaction: Connection, authority_code: str | None = None) -> list[Sample]:
    """The samples of one authority, or of all, the newest first; nobody's name is in them."""
    cursor = transaction.cursor(row_factory=class_row(Sample))
    await cursor.execute(_SAMPLES, {"authority": authority_code})
    return await cursor.fetchall()


_SAMPLES = """
    SELECT s.id, s.authority_code, s.month, s.seed, s.drawn_from, s.drawn_at, s.drawn_by, count(*)::int AS records,
           count(*) FILTER (WHERE r.result = 'right')::int AS "right", count(*) FILTER (WHERE r.result = 'wrong')::int AS wrong,
           count(*) FILTER (WHERE r.result = 'not-found')::int AS not_found
    FROM samples s JOIN sample_records r ON r.sample_id = s.id JOIN flags f ON f.id = r.flag_id
    JOIN persons p ON p.id = f.person_id AND p.sealed_at IS NULL
    WHERE %(authority)s::text IS NULL OR s.authority_code = %(authority)s
    GROUP BY s.id ORDER BY s.month DESC, s.authority_code
"""


async def _find(transaction: Connection, authority_code: str, sample_id: UUID) -> Sample:
    for each in await list_samples(transaction, authority_code):
        if each.id == sample_id:
            return each
    raise NotFound("there is no such sample")


async def read_sample(
    transaction: Connection, actor: Actor, authority_code: str, sample_id: UUID
) -> tuple[Sample, list[SampledRecord]]:
    """A sample of the own authority with the people in it. Each of them is audited as looked at.

    Raises NotFound where it is another authority's, or not there. Whose record was sealed since is left out.
    """
    sample = await _find(transaction, authority_code, sample_id)
    cursor = transaction.cursor(row_factory=class_row(SampledRecord))
    await cursor.execute(
        """
        SELECT r.position, p.id AS person_id, p.nhs_number, p.family_name, p.given_name, p.birth_date, f.local_id, f.kind,
               f.start_date, f.end_date, f.expected_delivery_date, r.result, r.wrong, r.note, r.marked_at, r.marked_by
        FROM sample_records r JOIN flags f ON f.id = r.flag_id JOIN persons p ON p.id = f.person_id
        WHERE r.sample_id = %s AND p.sealed_at IS NULL ORDER BY r.position
        """,
        (sample_id,),
    )
    records = await cursor.fetchall()
    await record_audit(transaction, actor, "sample.view", "sample", str(sample_id), authority=authority_code, records=len(records))
    for each in records:
        await record_audit(transaction, actor, "sample.look", "person", str(each.person_id), sample=str(sample_id))
    return sample, records


async def mark_record(
    transaction: Connection,
    actor: Actor,
    authority_code: str,
    sample_id: UUID,
    position: int,
    result: Result,
    wrong: str = "",
    note: str = "",
) -> None:
    """Write down what was found for one record; said again, the later word counts.

    Raises NotFound (another authority's sample, no such record), InvalidInput (wrong without a what, too long a note).
    """
    await _find(transaction, authority_code, sample_id)
    if result is Result.WRONG and wrong not in WRONG:
        raise InvalidInput("say what is wrong with the record")
    if len(note) > MOST_NOTE:
        raise InvalidInput(f"the note is longer than {MOST_NOTE} characters")
    what = wrong if result is Result.WRONG else ""
    marked = await transaction.execute(
        """
        UPDATE sample_records SET result = %s, wrong = %s, note = %s, marked_at = now(), marked_by = %s
        WHERE sample_id = %s AND position = %s
        """,
        (result.value, what, note.strip(), actor.name, sample_id, position),
    )
    if marked.rowcount == 0:
        raise NotFound("there is no such record in the sample")
    await record_audit(
        transaction, actor, "sample.mark", "sample", str(sample_id), position=position, result=result.value, wrong=what
    )


async def overdue_samples(transaction: Connection, at: datetime) -> list[OverdueSample]:
    """The live authorities, with open plans before this month began, whose sample of last month is missing or not done."""
    this_month = england_day(at).replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    cursor = await transaction.execute(
        """
        SELECT a.code FROM authorities a
        WHERE a.state = 'live' AND EXISTS (
            SELECT FROM extracts e WHERE e.authority_code = a.code AND e.state = 'loaded' AND e.completed_at < %s
        ) AND EXISTS (SELECT FROM flags f WHERE f.authority_code = a.code AND f.end_date IS NULL AND f.deleted_on IS NULL)
        ORDER BY a.code
        """,
        (datetime.combine(this_month, time(), ENGLAND),),
    )
    codes = [str(row[0]) for row in await cursor.fetchall()]
    drawn = {each.authority_code: each for each in await list_samples(transaction) if each.month == last_month}
    overdue = [OverdueSample(code, last_month, drawn[code].waiting if code in drawn else None) for code in codes]
    return [each for each in overdue if each.waiting != 0]
