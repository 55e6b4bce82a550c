"""Scheduled or unscheduled, and from which site: how a client's look is taken. Pure; its test is a truth table.

`lookup` asks before it goes to the desk. The header chooses only within what the client is registered for.
Sources: CP-IS FHIR API consumer guide (IsUnscheduledAccessEvent); docs/facts.md, section 2.
"""

from dataclasses import dataclass

from domain.care_setting import CareSetting
from fhir_adapter.errors import NOT_ALLOWED, Refused
from runtime.clients import Care
from safeguarding.directory import Directory, Site


@dataclass(frozen=True, slots=True)
class Manner:
    """How a look is taken. `as_asked` is False where the header asked for what the client is not registered for."""

    unscheduled: bool
    as_asked: bool

    @property
    def words(self) -> str:
        """For the outcome entry of the Bundle."""
        asked = "" if self.as_asked else f" Asked as {_WORDS[not self.unscheduled]}, which is not open to this client and site."
        return f"Answered as {_WORDS[self.unscheduled]}: {_MEANING[self.unscheduled]}.{asked}"


_WORDS = {True: "unscheduled care", False: "scheduled care"}
_MEANING = {True: "a look at a flagged patient enters the shared access history", False: "nobody is told of this look"}


def decide_manner(care: Care, header: bool | None, setting: CareSetting) -> Manner:
    """Unscheduled where the header says so or says nothing, within the client's rights; never in a private service."""
    asked = header is None or header
    registered = {Care.BOTH: asked, Care.SCHEDULED: False, Care.UNSCHEDULED: True}[care]
    unscheduled = registered and not setting.is_private
    return Manner(unscheduled, header is None or header == unscheduled)


def setting_of_look(site: Site, manner: Manner) -> CareSetting:
    """The site's own setting; an unscheduled look from a service of scheduled care is unclassified: the safe side."""
    if manner.unscheduled and not site.setting.is_unscheduled:
        return CareSetting.UNCLASSIFIED
    return site.setting


def choose_site(directory: Directory, organisation_code: str, asked: str | None) -> Site:
    """The site that a client looks from: the one asked for, else the organisation's first.

    Services of unscheduled care come before others, private ones last, then by code. Raises Refused (403) for a site
    of another organisation, known or not, and where the organisation has none.
    """
    sites = sorted(directory.sites_of(organisation_code), key=_rank)
    if asked is not None and asked != organisation_code:
        sites = [site for site in sites if site.ods_code == asked]
    if not sites:
        raise Refused(NOT_ALLOWED, "NHSD-End-User-Organisation-ODS must be a site of the client's own organisation.")
    return sites[0]


def _rank(site: Site) -> tuple[bool, bool]:
    return site.setting.is_private, not site.setting.is_unscheduled
