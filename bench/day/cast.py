"""Who plays in a story: invented people, none of them in two stories at once, and whom their flags belong to.

`hospital` casts each story by its index; `world` puts the plans of the flagged children and of the mothers into the extracts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.day.story import Who
from bench.people import OTHERS, Patient, mother, patient
from bench.world import AUTHORITIES
from nightlight.demo.sample import invented_number

MOST_STORIES = 99_000
UNBORN = 1_000
_PRIOR, _BATCH = 100_000, 200_000
UNBORN_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of one story. An authority is empty where nobody must hear of the child."""

    site: str
    child: Who
    authority: str
    other_number: str
    baby: Who
    baby_number: str
    mother_authority: str
    day_before: datetime
    flagged: int
    index: int

    def others(self, count: int) -> tuple[Who, ...]:
        """People who are in no other story but a batch."""
        first = self.flagged + _BATCH + self.index * count % (OTHERS - _BATCH - count)
        return tuple(_who(patient(first + offset, self.flagged)) for offset in range(count))


def cast_for(index: int, *, flagged: int, is_flagged: bool, has_unborn_plan: bool, site: str, begins: datetime) -> Cast:
    """The people of the story with this index. `flagged` is how many children have a plan: each may be met once."""
    child = patient(index if is_flagged else flagged + index, flagged)
    parent = mother(index % UNBORN if has_unborn_plan else UNBORN + index, flagged)
    baby = Who(f"B{index}", "", parent.family_name.upper(), "Baby", f"{begins:%Y%m%d}", parent.number)
    return Cast(
        site=site,
        child=_who(child),
        authority=AUTHORITIES[index % len(AUTHORITIES)] if is_flagged else "",
        other_number=invented_number(flagged + _PRIOR + index),
        baby=baby,
        baby_number=invented_number(flagged + index),
        mother_authority=AUTHORITIES[index % UNBORN % len(AUTHORITIES)] if has_unborn_plan else "",
        day_before=begins - timedelta(hours=9),
        flagged=flagged,
        index=index,
    )


def _who(child: Patient) -> Who:
    return Who(
        f"{7_000_000 + child.sequence}", child.number, child.family_name.upper(), child.given_name, f"{child.birth_date:%Y%m%d}"
    )
