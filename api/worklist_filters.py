"""What somebody chose to see of the worklist, as it stands in the address. Pure.

`api.worklist` reads it from a query and writes it into every link; what makes no sense in an address is not chosen, and no
address can hold anything else: nothing about a patient.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Request

from domain.care_setting import CareSetting
from safeguarding.telling.urgency import Sort
from safeguarding.telling.worklist import Chosen, Stands

_Choice = TypeVar("_Choice", bound=StrEnum)
_LONGEST = 200
_SITE = re.compile(r"[A-Z0-9]{3,12}")


class View(StrEnum):
    """Whose alerts: everybody's, those that the own team has now, or those that one has taken or answered."""

    ALL = "all"
    TEAM = "team"
    MINE = "mine"


@dataclass(frozen=True, slots=True)
class Filters:
    """What is chosen; the defaults are the whole list, the most urgent first."""

    view: View = View.ALL
    state: Stands | None = None
    site: str = ""
    setting: CareSetting | None = None
    sort: Sort = Sort.URGENCY

    @property
    def query(self) -> str:
        """As it stands in an address: only what differs from the whole list, always in the same order."""
        fields = {"view": self.view, "state": self.state, "site": self.site, "setting": self.setting, "sort": self.sort}
        whole = Filters()
        return urlencode({name: str(value) for name, value in fields.items() if value != getattr(whole, name)})

    @property
    def path(self) -> str:
        """The address of the page."""
        return f"/worklist{self.suffix}"

    @property
    def suffix(self) -> str:
        """What follows in an address to keep what is chosen."""
        return f"?{self.query}" if self.query else ""

    @property
    def leaves_out(self) -> bool:
        """Whether somebody who waits could be left out."""
        return replace(self, sort=Sort.URGENCY) not in {Filters(), Filters(state=Stands.WAITING)}

    def but(self, **changes: Any) -> "Filters":
        """The same, with something else chosen."""
        return replace(self, **changes)

    def chosen(self, team_code: str) -> Chosen:
        """What to ask the store for, for somebody of a team."""
        return Chosen(
            team=team_code if self.view is View.TEAM else None,
            mine=self.view is View.MINE,
            stands=self.state,
            site=self.site or None,
            care_setting=self.setting,
        )


def read_filters(query: Mapping[str, str]) -> Filters:
    """What an address chooses."""
    site = query.get("site", "").upper()
    return Filters(
        view=_one_of(View, query.get("view")) or View.ALL,
        state=_one_of(Stands, query.get("state")),
        site=site if _SITE.fullmatch(site) else "",
        setting=_one_of(CareSetting, query.get("setting")),
        sort=_one_of(Sort, query.get("sort")) or Sort.URGENCY,
    )


def asked(request: Request) -> Filters:
    """What the address of a request chooses."""
    return read_filters(request.query_params)


Asked = Annotated[Filters, Depends(asked)]


def from_text(text: str) -> Filters:
    """What a query chooses that a form of ours sent along."""
    return read_filters(dict(parse_qsl(text[:_LONGEST])))


def _one_of(values: type[_Choice], given: str | None) -> _Choice | None:
    return values(given) if given in set(values) else None
