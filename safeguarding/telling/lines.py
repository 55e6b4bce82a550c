"""Where an alert's line begins anew: who is told first of what has now happened, by the rules of its authority.

`safeguarding.corrections`, `safeguarding.telling.replies` and the escalation ask it inside their transactions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts.raising import Told
from alerts.routing.route import telling
from domain.alert import AlertEvent
from domain.care_setting import CareSetting
from domain.flag import FlagKind
from domain.routing import OCCASION_OF, Occasion, Sighting
from flags_store.extracts.open_plans import OPEN, RULES
from runtime.clock import england_day
from runtime.database import Transaction
from safeguarding.directory import Directory


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules of an alert's authority look at."""

    alert_id: UUID
    authority_code: str
    kinds: frozenset[FlagKind]
    care_setting: CareSetting

    def sighting(self, occasion: Occasion) -> Sighting:
        """For a rule."""
        return Sighting(self.kinds, self.care_setting, occasion)


async def to_tell(
    transaction: Transaction, directory: Directory, alerts: Sequence[UUID], event: AlertEvent, at: datetime
) -> list[Told]:
    """What `tell_each` needs for these alerts: for an event that begins a line anew, who is first in it."""
    occasion = OCCASION_OF.get(event)
    if occasion is None or not alerts:
        return [Told(alert_id) for alert_id in alerts]
    seen = await read_seen(transaction, alerts, at)
    return [
        Told(alert_id, telling(directory.routing(seen[alert_id].authority_code), seen[alert_id].sighting(occasion), 0, at))
        for alert_id in alerts
    ]


async def read_seen(transaction: Transaction, alerts: Sequence[UUID], at: datetime) -> Mapping[UUID, Seen]:
    """What was seen, of each of these alerts."""
    cursor = await transaction.execute(_SEEN, {"alerts": list(alerts), "today": england_day(at), **RULES})
    return {
        alert_id: Seen(alert_id, code, frozenset(map(FlagKind, kinds)), CareSetting(setting))
        for alert_id, code, setting, kinds in await cursor.fetchall()
    }


_SEEN = f"""
    SELECT a.id, a.authority_code, e.care_setting,
           ARRAY(SELECT DISTINCT f.kind FROM flags f JOIN persons p ON p.id = f.person_id
                 WHERE f.person_id = a.person_id AND f.authority_code = a.authority_code AND {OPEN})
    FROM alerts a JOIN encounters e ON e.id = a.encounter_id WHERE a.id = ANY(%(alerts)s)
"""  # noqa: S608 (constants)
