"""What it means for a check and its answer that the site is not live: tried out, and never taken for "none known". Pure.

`patients_seen` and `work` ask for every check; at a live site both give back what they got.
Source: docs/facts.md, sections 4 and 5; docs/onboarding.md, "A site that is not live".
"""

from dataclasses import replace

from domain.answer import Caution, CouldNotCheck, CouldNotCheckReason, NoneKnown, Outcome, Recorded
from domain.encounter import Identity
from safeguarding.check import Check
from safeguarding.directory import LIVE, Directory

_NOBODY = Identity(None, CouldNotCheckReason.SITE_NOT_LIVE)
_CAUTIONS = {"trial": Caution.SITE_ON_TRIAL, "paused": Caution.SITE_PAUSED}


def state_at(check: Check, directory: Directory) -> str:
    """How the site of a check stands; who asks from no site is answered as at a live one."""
    site = directory.sites.get(check.site)
    return LIVE if site is None else site.state


def as_at_site(check: Check, directory: Directory) -> Check:
    """The check as the site's state allows: a test where it is not live, about nobody where it is still setting up.

    A test tells nobody and enters no history. What such a site says of two numbers being one person is not believed either.
    """
    state = state_at(check, directory)
    if state == LIVE:
        return check
    if state == "setting-up":
        return replace(check, test=True, identity=_NOBODY, prior=None)
    return replace(check, test=True, identity=replace(check.identity, mother_number=None), prior=None)


def said_at_site(outcome: Outcome, state: str) -> Outcome:
    """The answer with what the state of the site gives cause for. Where it is setting up nothing is said of anybody; where it is
    paused, that nothing is known does not count as checked."""
    if state == LIVE or isinstance(outcome, Recorded | CouldNotCheck):
        return outcome
    if state == "setting-up" or (state == "paused" and isinstance(outcome, NoneKnown)):
        return CouldNotCheck(CouldNotCheckReason.SITE_NOT_LIVE, outcome.coverage, outcome.encounter_id)
    return replace(outcome, cautions=(*outcome.cautions, _CAUTIONS[state]))
