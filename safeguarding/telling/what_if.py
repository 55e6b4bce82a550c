"""What would happen if a child were seen: who is told, by what, when, and who next. Nothing is raised and nothing is written.

The box on the page "Who is told" (`api.telling`) and `nightlight authority what-if` ask it; it is `alerts.routing.route.unfold`,
which real alerts follow too, with what is told besides the teams.
Source: docs/facts.md, section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.routing.route import OnDuty, to_ring, unfold
from alerts.subscribers import LISTENS
from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.routing import Contact, Occasion, Sighting, Telling
from runtime.database import Connection
from safeguarding.directory import LIVE, Site
from safeguarding.telling.rules import Rulebook


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer. `nobody` says why none is told, and is empty where somebody is.

    `systems` are told at once, whoever is on duty; `line` is who is told one after the other while nobody acknowledges.
    """

    at: datetime
    sighting: Sighting
    site: Site | None
    nobody: str
    systems: tuple[Contact, ...]
    line: tuple[Telling, ...]
    ring: OnDuty


async def what_if(transaction: Connection, book: Rulebook, sighting: Sighting, at: datetime, site: Site | None = None) -> WhatIf:
    """Follow the authority's rules as they stand. `site` is where the child is seen, where that is known."""
    nobody = why_nobody(book, sighting, site)
    return WhatIf(
        at, sighting, site, nobody,
        () if nobody else tuple(await _systems(transaction, book, sighting, site)),
        () if nobody else tuple(unfold(book.routing, sighting, at)),
        to_ring(book.routing, at, sighting),
    )  # fmt: skip


def why_nobody(book: Rulebook, sighting: Sighting, site: Site | None) -> str:
    """Why nobody is told, as a sentence, or nothing."""
    setting = sighting.care_setting
    if setting.is_private:
        return f"Nobody is told of a visit to this service ({setting.words}), whatever the rules say."
    if not setting.is_unscheduled:
        return f"{setting.words} is scheduled care: nobody is told of it."
    if not sighting.kinds:
        return "Nobody is told of a child without an open plan."
    if site and not site.is_live:
        return f"{site.name} is not live: nobody is told of children who are seen there."
    if book.authority.state not in {LIVE, "paused"}:
        return f"{book.authority.name} is not live: hospitals do not see its plans, and nobody is told."
    return ""


async def _systems(transaction: Connection, book: Rulebook, sighting: Sighting, site: Site | None) -> Sequence[Contact]:
    """Screens and systems: the worklists, the hospital's own system, MESH and subscribers, as `alerts.raising` tells them."""
    authority, is_new = book.authority, sighting.occasion is Occasion.ATTENDANCE
    cursor = await transaction.execute(
        f"""
        SELECT s.id::text FROM subscriptions s, (SELECT %s::text AS site, %s::text AS care_setting) AS e
        WHERE s.authority_code = %s AND {LISTENS} ORDER BY s.id
        """,  # noqa: S608 (a constant)
        (site.ods_code if site else "", sighting.care_setting.value, authority.code),
    )
    return [
        Contact(ChannelName.SCREEN, authority.code),
        *([Contact(ChannelName.HL7, site.ods_code)] if is_new and site and site.is_told else []),
        *([Contact(ChannelName.MESH, authority.mesh_mailbox)] if is_new and authority.mesh_mailbox else []),
        *(Contact(ChannelName.SUBSCRIPTION, row[0]) for row in await cursor.fetchall()),
    ]


SETTINGS = tuple(each for each in CareSetting if each.is_unscheduled)
"""The services of which somebody is told."""
