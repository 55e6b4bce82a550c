"""The pages by role: one table from which every page's navigation is made, and the page that each role begins with.

`api.pages` hands it to api/templates/base.jinja. A new page is one line in PLACES.
Source: NHS digital service manual (header, navigation).
"""

from dataclasses import dataclass

from domain.actor import Role

_CLINICIAN = frozenset({Role.CLINICIAN})
_SITE_STAFF = frozenset({Role.CLINICIAN, Role.SITE_SAFEGUARDING})
_SITE_SAFEGUARDING = frozenset({Role.SITE_SAFEGUARDING})
_WHO_SETTLES = frozenset({Role.DATA_OFFICER, Role.SITE_SAFEGUARDING, Role.INFORMATION_GOVERNANCE})
_WHO_COUNTS = frozenset({Role.SITE_SAFEGUARDING, Role.INFORMATION_GOVERNANCE})


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the navigation leads to. `under` are addresses, besides its own, of pages that one reaches through it; a `*`
    in them stands for any one part, such as a site's code."""

    path: str
    words: str
    roles: frozenset[Role]
    under: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether somebody who is at this address is at this place, or came through it."""
        return any(_leads(each.split("/"), path.split("/")) for each in (self.path, *self.under))


def _leads(parts: list[str], asked: list[str]) -> bool:
    return len(asked) >= len(parts) and all(part in {"*", each} for part, each in zip(parts, asked, strict=False))


PLACES = (
    Place("/encounters", "Encounters", _SITE_STAFF),
    Place("/boards", "Boards", _CLINICIAN, under=("/sites/*/board",)),
    Place("/boards", "Boards and days", _SITE_SAFEGUARDING, under=("/sites/*/board", "/sites/*/day")),
    Place("/worklist", "Alerts", frozenset({Role.SOCIAL_WORKER}), under=("/alerts",)),
    Place("/quarantine", "Messages not taken", _SITE_SAFEGUARDING),
    Place("/rules", "Site rules", _SITE_SAFEGUARDING, under=("/sites/*/rules",)),
    Place("/extracts", "Extracts", frozenset({Role.DATA_OFFICER})),
    Place("/rejects", "Rejected records", frozenset({Role.DATA_OFFICER})),
    Place("/children", "Find a child", frozenset({Role.SOCIAL_WORKER, Role.DATA_OFFICER})),
    Place("/placements", "Where children live", frozenset({Role.SOCIAL_WORKER, Role.DATA_OFFICER})),
    Place("/telling", "Who is told", frozenset({Role.SOCIAL_WORKER, Role.DATA_OFFICER})),
    Place("/samples", "Monthly sample", frozenset({Role.DATA_OFFICER})),
    Place("/webhooks", "Webhooks", frozenset({Role.DATA_OFFICER})),
    Place("/access-review", "Access review", frozenset({Role.INFORMATION_GOVERNANCE})),
    Place("/incidents", "Identity incidents", _WHO_SETTLES),
    Place("/onboarding", "Onboarding", frozenset({Role.DATA_OFFICER, Role.INFORMATION_GOVERNANCE})),
    Place("/cards", "Cards", _WHO_COUNTS),
    Place("/deliveries", "Deliveries", frozenset({Role.OPERATOR})),
)
"""In the order in which they are shown; a role begins with its first."""

HOMES = {role: next((place.path, place.words) for place in PLACES if role in place.roles) for role in Role}
"""Where each role begins, and what that page is called."""


def navigation(role: Role, path: str) -> list[dict[str, str | bool]]:
    """The role's pages as the design system's header takes them; the one where somebody is, or came through, is marked."""
    return [
        {"text": place.words, "href": place.path, "current": place.path == path, "active": place.holds(path)}
        for place in PLACES
        if role in place.roles
    ]
