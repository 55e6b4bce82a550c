"""Who to ring now: the one function behind every banner, Bundle and e-mail.

Source: docs/facts.md, section 5 ("who to ring" on every banner, negatives included).
"""

from dataclasses import dataclass
from datetime import datetime

from alerts.routing.route import OnDuty, to_ring
from domain.routing import Sighting
from safeguarding.directory import Directory, Site


@dataclass(frozen=True, slots=True)
class Contact:
    """One line of "who to ring now": who, by which phone, and why them."""

    who: str
    phone: str
    why: str


def duty_team(directory: Directory, authority_code: str, at: datetime, sighting: Sighting | None = None) -> OnDuty:
    """Whom a clinician rings at an instant: by the authority's own rules, for what was seen where it is known."""
    return to_ring(directory.routing(authority_code), at, sighting)


def contacts(directory: Directory, site: Site | None, authority_codes: list[str], at: datetime) -> list[Contact]:
    """The hospital's own safeguarding team, each responsible authority at this hour, the host authority, and 999."""
    lines = []
    if site and site.safeguarding_phone:
        lines.append(Contact(f"{site.name} safeguarding team", site.safeguarding_phone, "your own hospital"))
    lines += [_authority_line(directory, code, at, "responsible for the plan") for code in dict.fromkeys(authority_codes)]
    if site and site.host_authority_code and site.host_authority_code not in authority_codes:
        lines.append(_authority_line(directory, site.host_authority_code, at, "where the child is now"))
    return [*lines, Contact("Police", "999", "immediate danger")]


def _authority_line(directory: Directory, code: str, at: datetime, why: str) -> Contact:
    team = duty_team(directory, code, at)
    return Contact(f"{directory.authorities[code].name} {team.team}", team.phone, why)


def ring_instead(site: Site) -> str:
    """What to do about a sensitive flag, whose authority is withheld."""
    team = f"the {site.name} safeguarding team on {site.safeguarding_phone}" if site.safeguarding_phone else ""
    return f"Details are withheld. Ring {team or 'your own safeguarding team'}, or break the glass in Nightlight."
