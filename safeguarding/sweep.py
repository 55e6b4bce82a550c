"""The sweep for late alerts: a flag that arrives while the child is in a department tells the authority then, and marks the stay.

A stay in scheduled care is marked alike, so that boards and banners have it, and nobody is told of it.

An ADT that saw no flag and an extract that saw no encounter can commit side by side (write skew). So the dispatcher's process
sweeps after an extract or a merge has committed, and again once every desk transaction that was open at that time has ended.
"""

from uuid import UUID

from alerts.raising import NewAlert, RaisedAlert, raise_alerts
from domain.actor import NIGHTLIGHT, Purpose
from domain.alert import AlertReason
from domain.encounter import Encounter, TriggerEvent
from flags_store.looks import Look, look
from flags_store.newborns import record_births
from runtime.clock import england_day, now
from runtime.database import Database, Transaction
from safeguarding.board import PRIVATE_SETTINGS
from safeguarding.decision import decide_whom_to_tell, tells
from safeguarding.directory import Directory, DirectoryReader
from safeguarding.encounters import Wanted, read_encounters, seek_encounters
from safeguarding.telling.routings import first_telling
from safeguarding.work import locals_of, to_birth

BATCH = 500


async def sweep_due(database: Database, directory: DirectoryReader, key: bytes) -> tuple[bool, list[RaisedAlert]]:
    """One round: raise what is missing for the extracts that are due. Returns whether another round is needed, and the alerts.

    An extract is done once a round began after every transaction had ended that was open when the extract was first swept;
    each part of it that is still being loaded starts that anew (it clears `sweep_horizon`).
    Several dispatchers may sweep at once: one at a time looks, and whoever has not looked at all settles nothing.
    """
    async with database.transaction() as transaction:
        cursor = await transaction.execute(_DUE)
        due = await cursor.fetchall()
        await transaction.execute(_SET_HORIZON)
    if not due:
        return False, []
    raised, is_whole = await _sweep(database, await directory.current(), key, sorted({code for _, code, _, _ in due}))
    if not is_whole:
        return True, raised
    settled = [(extract_id, horizon) for extract_id, _, horizon, is_settled in due if is_settled]
    async with database.transaction() as transaction:
        await transaction.execute(
            "SELECT FROM extracts WHERE id = ANY(%s) ORDER BY id FOR UPDATE", ([each for each, _ in settled],)
        )
        await transaction.execute(_DONE, ([each for each, _ in settled], [horizon for _, horizon in settled]))
    return len(settled) < len(due), raised


_DUE = """
    SELECT id, authority_code, sweep_horizon::text,
           state <> 'loading' AND sweep_horizon <= pg_snapshot_xmin(pg_current_snapshot()) AS settled
    FROM extracts WHERE sweep_due ORDER BY id FOR UPDATE
"""
_SET_HORIZON = """
    UPDATE extracts SET sweep_horizon = pg_snapshot_xmax(pg_current_snapshot()) WHERE sweep_due AND sweep_horizon IS NULL
"""
_DONE = """
    UPDATE extracts AS e SET sweep_due = false, sweep_horizon = NULL
    FROM unnest(%s::uuid[], %s::text[]) AS settled (id, horizon)
    WHERE e.id = settled.id AND e.sweep_horizon = settled.horizon::xid8
"""


async def _sweep(
    database: Database, directory: Directory, key: bytes, authority_codes: list[str]
) -> tuple[list[RaisedAlert], bool]:
    """The alerts that were raised, and whether nobody was passed over."""
    raised: list[RaisedAlert] = []
    async with database.transaction() as transaction:
        cursor = await transaction.execute(_CANDIDATES, (authority_codes, PRIVATE_SETTINGS))
        candidates: list[tuple[UUID, int]] = [(encounter_id, version) for encounter_id, version in await cursor.fetchall()]
    for start in range(0, len(candidates), BATCH):
        batch = candidates[start : start + BATCH]
        async with database.transaction() as transaction:
            if not await _has_lock(transaction):
                return raised, False
            as_they_were = await _unchanged(transaction, batch)
            raised += await _raise_late(transaction, directory, key, as_they_were)
        if len(as_they_were) < len(batch):
            return raised, False
    return raised, True


async def _has_lock(transaction: Transaction) -> bool:
    """Whether nobody else looks now. A look is in the history of the child, and two would be there twice."""
    cursor = await transaction.execute("SELECT pg_try_advisory_xact_lock(hashtext('sweep for late alerts'))")
    return await cursor.fetchone() == (True,)


async def _unchanged(transaction: Transaction, batch: list[tuple[UUID, int]]) -> list[UUID]:
    """Those that nobody has marked, or told of, since they were found."""
    cursor = await transaction.execute(
        """
        SELECT e.id FROM unnest(%s::uuid[], %s::int[]) AS found (id, version) JOIN encounters e USING (id, version) ORDER BY e.id
        """,
        ([each for each, _ in batch], [version for _, version in batch]),
    )
    return [encounter_id for (encounter_id,) in await cursor.fetchall()]


# From the flags to whoever is there by index: a stay in scheduled care may be open for weeks, and there are many of them.
_CANDIDATES = """
    WITH plans AS MATERIALIZED (
        SELECT f.id, f.person_id, f.authority_code, f.kind
        FROM flags f JOIN authorities t ON t.code = f.authority_code AND t.state IN ('live', 'paused')
        WHERE f.authority_code = ANY(%s) AND f.deleted_on IS NULL
          AND f.start_date <= (now() AT TIME ZONE 'Europe/London')::date
          AND (f.end_date IS NULL OR f.end_date >= (now() AT TIME ZONE 'Europe/London')::date)
    ), known AS MATERIALIZED (
        SELECT plans.*, p.nhs_number AS number FROM plans JOIN persons p ON p.id = plans.person_id
        UNION
        SELECT plans.*, a.value FROM plans JOIN person_aliases a USING (person_id) WHERE a.facility = '' AND a.ended_at IS NULL
        UNION
        SELECT plans.*, l.value FROM plans JOIN newborn_links l ON l.flag_id = plans.id
        WHERE l.facility = '' AND l.resolved_at IS NULL
    )
    SELECT DISTINCT here.id, here.version
    FROM known CROSS JOIN LATERAL (
        SELECT e.* FROM encounters e WHERE e.nhs_number = known.number AND e.state = 'open'
        UNION ALL
        SELECT e.* FROM encounters e WHERE e.mother_number = known.number AND e.state = 'open' AND known.kind = 'UCPP'
        OFFSET 0
    ) AS here
    WHERE NOT here.test AND here.care_setting <> ALL(%s)
      AND (NOT here.flagged
           OR here.unscheduled AND NOT EXISTS (SELECT FROM alerts a WHERE a.encounter_id = here.id AND a.person_id = known.person_id
                                                                      AND a.authority_code = known.authority_code))
    ORDER BY here.id
"""


async def _raise_late(transaction: Transaction, directory: Directory, key: bytes, ids: list[UUID]) -> list[RaisedAlert]:
    wanted = [Wanted(position, (), None, (), (), str(encounter_id)) for position, encounter_id in enumerate(ids)]
    found = await read_encounters(await seek_encounters(transaction, wanted))
    encounters = [encounter for position in range(len(ids)) for encounter in found.get(position, [])]
    if not encounters:
        return []
    at = now()
    await record_births(transaction, [birth for encounter in encounters if (birth := to_birth(encounter, NIGHTLIGHT, at))])
    flags = await look(transaction, key, [_late_look(encounter) for encounter in encounters])
    alerts = [
        NewAlert(
            encounter.id, code, flag.person_id, AlertReason.LATE_FLAG,
            first_telling(directory.routing(code), held, encounter, at), at, directory.hospital_of(encounter),
        )
        for encounter, held in zip(encounters, flags, strict=True)
        for code, flag in decide_whom_to_tell(encounter, held, england_day(at)).items()
    ]  # fmt: skip
    raised = await raise_alerts(transaction, alerts)
    told = {alert.encounter_id for alert in raised}
    marked = [
        encounter
        for encounter, held in zip(encounters, flags, strict=True)
        if encounter.id in told or (held and not encounter.flagged)
    ]
    await transaction.execute(_MARK, ([each.id for each in marked], [each.nhs_number for each in marked]))
    return raised


# Whoever the encounter was of when it was looked at: a message may have named another patient meanwhile, and was looked at itself.
_MARK = """
    UPDATE encounters AS e SET flagged = true, version = version + 1
    FROM unnest(%s::uuid[], %s::text[]) AS marked (id, nhs_number)
    WHERE e.id = marked.id AND e.nhs_number IS NOT DISTINCT FROM marked.nhs_number
"""


def _late_look(encounter: Encounter) -> Look:
    return Look(
        NIGHTLIGHT, Purpose.SAFEGUARDING, TriggerEvent.SWEEP, encounter.care_setting, encounter.nhs_number, now(),
        in_history=tells(encounter), encounter_id=encounter.id, local_numbers=locals_of(encounter),
    )  # fmt: skip
