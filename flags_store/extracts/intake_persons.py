"""The persons of an extract: who is held with which plans, and how names, birth date and masking follow the newest extract.

`intake` calls it, before and after reconciling. A person is added with the first flag, and no key is ever changed.
Source: docs/facts.md, sections 3 and 4.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from domain.flag import ADULT_AT, FlagKind, birthday_in
from domain.names import same_name
from domain.nhs_number import NhsNumber
from flags_store.extracts.change_audit import Changed, record_changes
from flags_store.extracts.loads import Load
from flags_store.extracts.reconcile import Action, HeldPlan
from flags_store.extracts.record import ExtractRecord
from runtime.clock import england_day, now
from runtime.database import Connection


@dataclass(slots=True)
class HeldPerson:
    """A person as held, with the plans of one authority.

    `is_sealed`: adopted, and closed for good. `is_shared`: another authority has flags on them too.
    """

    id: UUID
    given_name: str
    family_name: str
    birth_date: date | None
    sensitive: bool
    is_sealed: bool = False
    is_shared: bool = False
    plans: list[HeldPlan] = field(default_factory=list)

    def differs(self, record: ExtractRecord) -> bool:
        """Whether names or birth date are written differently."""
        held = (self.given_name, self.family_name, self.birth_date)
        return held != (record.given_name, record.family_name, record.birth_date)

    def is_somebody_else(self, record: ExtractRecord) -> bool:
        """Whether they differ by more than spelling habits."""
        same_names = same_name(self.given_name, record.given_name) and same_name(self.family_name, record.family_name)
        return self.birth_date != record.birth_date or not same_names


Held = dict[NhsNumber, HeldPerson]


async def read_held(transaction: Connection, authority_code: str, numbers: Sequence[NhsNumber]) -> Held:
    """The persons on these numbers, and their plans of this authority, deleted ones too."""
    cursor = await transaction.execute(_HELD, (list(numbers),), prepare=False)
    held: Held = {}
    for number, *details, authority, flag_id, kind, start, end, deleted, due, local_id, plan_id in await cursor.fetchall():
        person = held.setdefault(number, HeldPerson(*details))
        if authority == authority_code:
            person.plans.append(HeldPlan(flag_id, FlagKind(kind), start, end, deleted, due, local_id, plan_id))
        elif flag_id is not None and deleted is None:
            person.is_shared = True
    return held


# OFFSET 0 has each person's flags found by their key, whatever the planner believes of a table that has just been filled.
_HELD = """
    SELECT p.nhs_number, p.id, p.given_name, p.family_name, p.birth_date, p.sensitive, p.sealed_at IS NOT NULL, f.*
    FROM persons p
    LEFT JOIN LATERAL (
        SELECT authority_code, id, kind, start_date, end_date, deleted_on, expected_delivery_date, local_id, plan_id
        FROM flags WHERE person_id = p.id OFFSET 0
    ) AS f ON true
    WHERE p.nhs_number = ANY(%s::text[])
"""


async def write_persons(
    transaction: Connection,
    load: Load,
    held: Mapping[NhsNumber, HeldPerson],
    actions: Iterable[Action],
    masked: Collection[NhsNumber] = (),
) -> dict[NhsNumber, UUID]:
    """Add and update those whom accepted records name, and give the id of everybody. An extract never unmasks anyone.

    `masked`: those whom the register calls restricted; of an extract that is declared sensitive it is everybody.
    """
    actions = list(actions)
    named = {(action.record.nhs_number, action.record.kind, action.record.start_date) for action in actions}
    newest = {
        number: (record, load.sensitive or number in masked)
        for number, record in _newest(actions).items()
        if _is_news(held.get(number), record, masks=load.sensitive or number in masked)
    }
    ids = {number: person.id for number, person in held.items()}
    if not newest:
        return ids
    rows = [
        (number, each.given_name, each.family_name, _birth_date(held.get(number), each, named), masks)
        for number, (each, masks) in sorted(newest.items())
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor = await transaction.execute(_WRITE, columns, prepare=False)
    ids |= dict(await cursor.fetchall())
    amended = [Changed("person.amend", "person", ids[number], _detail(held[number], record, masks=masks))
               for number, (record, masks) in newest.items() if number in held]  # fmt: skip
    await record_changes(transaction, load, amended)
    return ids


_WRITE = """
    INSERT INTO persons AS held (nhs_number, given_name, family_name, birth_date, sensitive)
    SELECT nhs_number, given_name, family_name, birth_date, masks
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::date[], %s::boolean[])
        AS came (nhs_number, given_name, family_name, birth_date, masks)
    ORDER BY nhs_number
    ON CONFLICT (nhs_number) DO UPDATE
    SET given_name = excluded.given_name, family_name = excluded.family_name, birth_date = excluded.birth_date,
        sensitive = held.sensitive OR excluded.sensitive
    WHERE held.sealed_at IS NULL
    RETURNING nhs_number, id
"""


def _newest(actions: Iterable[Action]) -> dict[NhsNumber, ExtractRecord]:
    """The last record of each person that stands for a plan; what was recorded in error says nothing about anyone."""
    newest: dict[NhsNumber, ExtractRecord] = {}
    for record in (action.record for action in actions if action.record.delete_date is None):
        if record.nhs_number not in newest or newest[record.nhs_number].line < record.line:
            newest[record.nhs_number] = record
    return newest


def _is_news(known: HeldPerson | None, record: ExtractRecord, *, masks: bool) -> bool:
    """Of a sealed person nothing is news."""
    return known is None or (not known.is_sealed and (known.differs(record) or (masks and not known.sensitive)))


def _birth_date(known: HeldPerson | None, record: ExtractRecord, named: Collection[tuple[NhsNumber, FlagKind, date]]) -> date:
    """The record's; the later of the two where another authority knows the person too.

    An earlier one could end the other authority's plan by age: a mistyped number would make its child "none known". So it would
    with a plan that the same authority holds and does not name here, as when a mother's number is mistyped.
    """
    if known is None or known.birth_date is None:
        return record.birth_date
    is_at_stake = known.is_shared or (
        _is_adult(record.birth_date)
        and any(
            plan.deleted_on is None
            and plan.kind is not FlagKind.UCPP
            and (record.nhs_number, plan.kind, plan.start_date) not in named
            for plan in known.plans
        )
    )
    return max(known.birth_date, record.birth_date) if is_at_stake else record.birth_date


def _is_adult(born: date) -> bool:
    return birthday_in(born, born.year + ADULT_AT) <= england_day(now())


def _detail(known: HeldPerson, record: ExtractRecord, *, masks: bool) -> dict[str, bool]:
    """What is worth counting: masked now; or said otherwise than before, while another authority knows the person too."""
    return {
        "masked": masks and not known.sensitive,
        "differs_from_another_authority": known.is_shared and known.is_somebody_else(record),
    }
