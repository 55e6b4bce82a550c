"""The use case of the house: patients were seen. A group of checks in, one reply each, all in one transaction.

The desk calls it and commits. In the order it happens: recall repeats, find the encounters, follow the event,
look at the flags (which audits the look), decide, write the encounters, remember the messages, raise alerts.
What one step need not wait for of another is sent to the store together.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from alerts.raising import raise_alerts
from domain.answer import CouldNotCheckReason, Recorded
from domain.encounter import TriggerEvent
from domain.nhs_number import NhsNumber, is_synthetic
from flags_store.aliases import end_merge, record_merge
from flags_store.looks import Asked, ask, look
from flags_store.newborns import record_births, spread_links
from flags_store.sweep_calls import call_for_sweep
from runtime.database import Transaction
from runtime.writes import write_together
from safeguarding.check import Check, MessageKey, Reply, outcome_word
from safeguarding.corrections import correct_alerts, tell_of
from safeguarding.directory import Directory
from safeguarding.encounter_events import key_of
from safeguarding.encounters import GroupMustRetry, Wanted, read_encounters, seek_encounters, to_write
from safeguarding.inbox import Recalled, recall, to_remember
from safeguarding.site_states import as_at_site
from safeguarding.telling.news import told_events
from safeguarding.trace_wants import Want, want_of, want_traces
from safeguarding.work import Work, identity_of

_NO_ENCOUNTER = frozenset({TriggerEvent.COMMAND, TriggerEvent.PRE_ADMIT, TriggerEvent.OTHER})


async def patients_seen(
    transaction: Transaction, checks: Sequence[Check], directory: Directory, key: bytes, *, traces: bool = False
) -> list[Reply]:
    """Answer a group of checks that share no control ID, encounter or person.

    `key` hashes the numbers that nobody has a flag for. `traces`: who came without a number is written down, to be asked for.
    Raises GroupMustRetry for an authority that the directory does not know yet, psycopg's SerializationFailure where another
    process changed the same rows meanwhile, and its other errors for what cannot be stored.
    """
    works = [Work(as_at_site(_usable(check, directory), directory)) for check in checks]
    sought = await seek_encounters(transaction, _wanted(works, directory))
    asked = await ask(transaction, (key for work in works for key in work.keys_ahead()))
    known = await recall(transaction, [check.message for check in checks if check.message])
    found = await read_encounters(sought)
    fresh = [(position, work) for position, work in enumerate(works) if work.check.message not in known.answered]
    for position, work in fresh:
        work.follow(found.get(position, []), may_open=_may_open(work.check, directory))
    await _answer(transaction, [work for _, work in fresh], asked, directory, key)
    if traces:
        await want_traces(transaction, key, _wants([work for _, work in fresh]))
    return [_reply(work, known) for work in works]


def _reply(work: Work, known: Recalled) -> Reply:
    message = work.check.message
    if message in known.answered:
        return Reply(Recorded(), known.answered[message], repeated=True)
    return replace(work.reply(), recycled=True) if message in known.recycled else work.reply()


async def _answer(transaction: Transaction, works: Sequence[Work], asked: Asked, directory: Directory, key: bytes) -> None:
    linked = await _link_merged(transaction, works), await _link_newborns(transaction, works)
    await _look(transaction, works, key, None if any(linked) else asked)
    _check_authorities(works, directory)
    for work in works:
        work.decide(directory)
    await _write(transaction, works)
    await _tell(transaction, works, directory)


def _usable(check: Check, directory: Directory) -> Check:
    """A production store takes no invented number, and no digit ten times over, for a person."""
    if not directory.is_production:
        return check
    identity = check.identity
    if identity.nhs_number and _is_nobodys(identity.nhs_number):
        identity = replace(identity, nhs_number=None, no_number=CouldNotCheckReason.TEST_NUMBER)
    if identity.mother_number and _is_nobodys(identity.mother_number):
        identity = replace(identity, mother_number=None)
    return check if identity is check.identity else replace(check, identity=identity)


def _is_nobodys(number: NhsNumber) -> bool:
    return is_synthetic(number) or len(set(number)) == 1


def _wanted(works: Sequence[Work], directory: Directory) -> list[Wanted]:
    wanted = (_wanted_by(position, work.check, directory) for position, work in enumerate(works))
    return [each for each in wanted if each]


def _wanted_by(position: int, check: Check, directory: Directory) -> Wanted | None:
    if check.encounter_id:
        return Wanted(position, (check.site,), None, (), (), str(check.encounter_id))
    if check.trigger in _NO_ENCOUNTER:
        return None
    whos = [who for who in (check.prior, check.identity) if who]
    numbers = tuple(who.nhs_number for who in whos if who.nhs_number)
    locals_ = tuple(local.value for who in whos for local in who.local_numbers if local.facility == check.site)
    return Wanted(position, _sites(check, directory), key_of(check), locals_, numbers)


def _sites(check: Check, directory: Directory) -> tuple[str, ...]:
    """A message is about its own site; a look, or a start, joins an encounter anywhere in its organisation."""
    site = directory.sites.get(check.site)
    if not (check.trigger.is_lookup or check.joins) or site is None:
        return (check.site,)
    return tuple(dict.fromkeys((check.site, *(each.ods_code for each in directory.sites_of(site.organisation_code)))))


def _may_open(check: Check, directory: Directory) -> bool:
    """Where the site's own feed is live, a read alone opens no encounter: the attendance itself will."""
    site = directory.sites.get(check.site)
    return not check.trigger.is_lookup or not (site and site.feed_live and not site.lookups_alert)


async def _link_merged(transaction: Transaction, works: Sequence[Work]) -> bool:
    """Returns whether any work says that two numbers are one patient, or are not."""
    merged = [work.check for work in works if work.check.prior]
    for check in merged:
        assert check.prior is not None
        one, other = check.prior.nhs_number, check.identity.nhs_number
        if check.trigger is TriggerEvent.UNLINK:
            if one and other:
                await end_merge(transaction, check.actor, one, other, check.site, check.moment)
            continue
        if one and other:
            await record_merge(transaction, check.actor, one, other, check.site, check.moment)
        await spread_links(transaction, check.prior.keys, check.identity.keys)
        await spread_links(transaction, check.identity.keys, check.prior.keys)
    await call_for_sweep(transaction, _joined_numbers(merged))
    return bool(merged)


def _joined_numbers(merged: Sequence[Check]) -> list[NhsNumber]:
    """The numbers of patients who are one from now on: who is open with either, at any other site, is looked at by the sweep."""
    whos = [who for check in merged if check.trigger is not TriggerEvent.UNLINK for who in (check.prior, check.identity)]
    return [who.nhs_number for who in whos if who and who.nhs_number]


async def _link_newborns(transaction: Transaction, works: Sequence[Work]) -> bool:
    """Returns whether any work is about a baby, whose numbers may lead to its mother's plan from now on."""
    linked = False
    for work in works:
        for before, after in work.renumbered():
            await spread_links(transaction, identity_of(before).keys, identity_of(after).keys)
            linked = True
        if births := work.births():
            work.is_new_birth = bool(await record_births(transaction, births))
            linked = True
    return linked


async def _look(transaction: Transaction, works: Sequence[Work], key: bytes, asked: Asked | None) -> None:
    looks = [work.to_look(each) for work in works for each in work.found]
    found = iter(await look(transaction, key, looks, asked) if looks else [])
    for work in works:
        work.take([next(found) for _ in work.found])
        for each in work.found:
            if any(flag.is_of_mother for flag in each.flags):
                keys = work.check.identity.keys if each.encounter is None else identity_of(each.encounter).keys
                await spread_links(transaction, keys, keys)


def _check_authorities(works: Sequence[Work], directory: Directory) -> None:
    """A flag of an authority that the directory does not know yet: it is read anew before anybody is answered."""
    held = {flag.authority_code for work in works for each in work.found for flag in each.flags}
    if not held <= directory.authorities.keys():
        raise GroupMustRetry


async def _write(transaction: Transaction, works: Sequence[Work]) -> None:
    after = [(work.before.get(each.id), each) for work in works for each in work.after]
    opened = [each for before, each in after if before is None]
    changed = [each for before, each in after if before is not None and before != each]
    await write_together(transaction, [*to_write(opened, changed), *to_remember(_answered(works))])


def _answered(works: Sequence[Work]) -> list[tuple[MessageKey, UUID | None, str, bytes]]:
    return [
        (work.check.message, work.outcome.encounter_id, outcome_word(work.outcome), work.acknowledgement)
        for work in works
        if work.check.message
    ]


def _wants(works: Sequence[Work]) -> list[Want]:
    """Whom somebody must find a number for."""
    wants = (want_of(work.check, each) for work in works for each in work.after)
    return [want for want in wants if want]


async def _tell(transaction: Transaction, works: Sequence[Work], directory: Directory) -> None:
    owners = {each.id: work for work in works for each in work.after}
    for alert in await raise_alerts(transaction, [alert for work in works for alert in work.alerts(directory)]):
        owners[alert.encounter_id].raised.append(alert.id)
    for work in works:
        if work.corrected or work.paired:
            at, by = work.check.at, work.check.actor.name
            work.told += await correct_alerts(transaction, directory, work.corrected, work.paired, at, by)
        for encounter in work.after:
            events = told_events(work.before.get(encounter.id), encounter)
            if events:
                at, by = work.check.at, work.check.actor.name
                work.told += await tell_of(transaction, directory, encounter, events, at, by, besides=work.raised)
