"""What waits for a second person: endings that the shrink guard held, and openings of a surge, which are shown meanwhile.

`intake` writes it and settles what newer news has overtaken, in the transaction of the load; `held_views` lists it, and
`safeguarding.extracts.held` decides on it. Source: docs/facts.md, section 4 ("shrink guard"); docs/adr/0032.
"""

import json
from collections.abc import Mapping, Sequence
from typing import LiteralString
from uuid import UUID

from flags_store.extracts.loads import Load
from flags_store.extracts.reconcile import Action
from flags_store.extracts.record import Extras
from runtime.audit import record_audit
from runtime.database import Transaction


async def hold(transaction: Transaction, load: Load, actions: Sequence[Action], open_plans: int) -> int:
    """Keep records of the load (`guard.losses`) that are not applied, and say how many. It may be called part by part.

    `open_plans`: of the authority, as they were judged by. What waits for the same plan already is replaced; it goes on waiting
    since when it first did. Everybody here is a person whom the store holds: nobody else has anything to lose.
    """
    last = {
        (each.record.nhs_number, each.record.kind, each.record.start_date): each for each in sorted(actions, key=_standing_last)
    }
    if not last:
        return 0
    rows = [
        (
            action.record.nhs_number, action.held.flag_id if action.held else None, action.record.kind.value,
            action.record.start_date, action.change.value, action.record.line, json.dumps(action.record.fields),
            extras_to_json(action.record.extras),
        )
        for action in last.values()
    ]  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)]
    actor = load.actor
    about = (load.authority_code, load.extract_id, open_plans, actor.kind.value, actor.id, actor.name)
    await transaction.execute(_HOLD, (*about, *columns))
    await record_audit(transaction, actor, "extract.hold", "extract", str(load.extract_id), held=len(actions))
    return len(actions)


def _standing_last(action: Action) -> tuple[bool, int]:
    """Of records that repeat each other, the one that `reconcile` went by comes last."""
    return action.held is not None, action.record.line


_HOLD: LiteralString = """
    INSERT INTO held_changes (authority_code, extract_id, open_plans, sender_kind, sender_id, sender_name,
                              person_id, flag_id, kind, start_date, change, line, fields, extras)
    SELECT %s, %s, %s, %s, %s, %s, coalesce(f.person_id, p.id), flag_id, came.kind, came.start_date, change, line,
           ARRAY(SELECT jsonb_array_elements_text(fields::jsonb)), extras::jsonb
    FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::date[], %s::text[], %s::int[], %s::text[], %s::text[])
         AS came (nhs_number, flag_id, kind, start_date, change, line, fields, extras)
    LEFT JOIN flags f ON f.id = flag_id
    LEFT JOIN persons p ON p.nhs_number = came.nhs_number
    ORDER BY came.nhs_number, came.kind, came.start_date
    ON CONFLICT (authority_code, person_id, kind, start_date) WHERE decision IS NULL
    DO UPDATE SET extract_id = excluded.extract_id, open_plans = excluded.open_plans, sender_kind = excluded.sender_kind,
                  sender_id = excluded.sender_id, sender_name = excluded.sender_name, flag_id = excluded.flag_id,
                  change = excluded.change, line = excluded.line, fields = excluded.fields, extras = excluded.extras,
                  release_began = NULL
"""


async def settle_waiting(transaction: Transaction, load: Load) -> int:
    """After the load's flags are written, whatever its cause: what it has news of waits no longer. How many were settled.

    News is a plan that was confirmed, changed or withdrawn since. What a second person has released is `released`, all else
    `replaced`: an old held ending is never applied over newer news. Call it before `hold`, once a load.
    """
    named = await transaction.execute(_SETTLE_NAMED, (load.actor.name, load.extract_id))
    needing = await transaction.execute(_SETTLE_NEEDING, (load.actor.name, load.authority_code))
    settled = len(await named.fetchall()) + len(await needing.fetchall())
    if settled:
        await record_audit(transaction, load.actor, "held.settle", "extract", str(load.extract_id), settled=settled)
    return settled


_SETTLE_NAMED: LiteralString = """
    UPDATE held_changes h
    SET decision = CASE WHEN e.cause = 'released' AND h.release_began IS NOT NULL THEN 'released' ELSE 'replaced' END,
        decided_at = now(), decided_by = %s, fields = NULL, extras = '{}'
    FROM flags f, extracts e
    WHERE e.id = %s AND h.authority_code = e.authority_code AND h.decision IS NULL
      AND f.authority_code = h.authority_code AND f.person_id = h.person_id AND f.kind = h.kind AND f.start_date = h.start_date
      AND (f.last_extract_id = e.id OR f.withdrawn_at IS NOT NULL)
    RETURNING h.id
"""
# A plan that needed the days of a held ending has nothing to wait for once that ending is settled.
_SETTLE_NEEDING: LiteralString = """
    UPDATE held_changes h
    SET decision = 'replaced', decided_at = now(), decided_by = %s, fields = NULL, extras = '{}'
    WHERE h.decision IS NULL AND h.authority_code = %s AND h.flag_id IS NULL AND h.release_began IS NULL
      AND NOT EXISTS (SELECT FROM held_changes n WHERE n.decision IS NULL AND n.authority_code = h.authority_code
                        AND n.person_id = h.person_id AND n.kind = h.kind AND n.flag_id IS NOT NULL)
    RETURNING h.id
"""


async def note_surge(transaction: Transaction, load: Load, flag_ids: Sequence[UUID], open_plans: int) -> None:
    """Note that the load opened abnormally many plans: these. They are shown; a second person confirms, or takes them back.

    It may be called part by part, after the flags are written.
    """
    actor = load.actor
    await transaction.execute(
        """
        INSERT INTO surges (extract_id, authority_code, open_plans, sender_kind, sender_id, sender_name)
        VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        (load.extract_id, load.authority_code, open_plans, actor.kind.value, actor.id, actor.name),
    )
    await transaction.execute(
        "INSERT INTO surge_openings (extract_id, flag_id) SELECT %s, unnest(%s::uuid[]) ON CONFLICT DO NOTHING",
        (load.extract_id, list(flag_ids)),
    )
    await record_audit(transaction, actor, "extract.surge", "extract", str(load.extract_id), openings=len(flag_ids))


def extras_to_json(extras: Extras) -> str:
    """What a format knew of a record beside its columns, to be kept with it."""
    return json.dumps({"place": extras.place, "plan_id": extras.plan_id, "adopted": extras.adopted, "sent": dict(extras.sent)})


def extras_from(kept: Mapping[str, object]) -> Extras:
    """The same, as it was."""
    sent = kept.get("sent")
    pairs = {str(name): str(value) for name, value in sent.items()} if isinstance(sent, Mapping) else {}
    return Extras(str(kept.get("place", "")), str(kept.get("plan_id", "")), kept.get("adopted") is True, pairs)
