"""One check on its way through the use case: its encounters before and after, its looks, and what they found. Pure.

`patients_seen` moves a group of these from step to step; nothing here touches the database.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from alerts.raising import NewAlert
from domain.actor import Actor
from domain.alert import LATE, AlertReason
from domain.answer import Flagged, Outcome, Recorded
from domain.encounter import Encounter, Identity, LocalNumber, TriggerEvent
from domain.flag import Flag
from domain.nhs_number import NhsNumber
from flags_store.looks import Look
from flags_store.newborns import Birth
from runtime.clock import england_day
from safeguarding.check import Check, Reply
from safeguarding.decision import decide_answer, decide_whom_to_tell, identity_cautions, tells
from safeguarding.directory import Directory
from safeguarding.encounter_events import belonging, follow, is_arrival, is_late
from safeguarding.site_states import said_at_site, state_at
from safeguarding.telling.routings import first_telling

_NO_LOOK = frozenset({TriggerEvent.DISCHARGE, TriggerEvent.CANCEL_ADMIT, TriggerEvent.OTHER})


@dataclass(frozen=True, slots=True)
class Found:
    """One number that was looked at, the encounter it was looked at for, and the flags that are shown."""

    encounter: Encounter | None
    number: NhsNumber | None
    flags: tuple[Flag, ...] = ()
    local_numbers: tuple[LocalNumber, ...] = ()


@dataclass(slots=True)
class Work:
    """A check, and what has become of it so far."""

    check: Check
    before: dict[UUID, Encounter] = field(default_factory=dict)
    after: list[Encounter] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    is_new_birth: bool = False
    """Whether it has just linked the baby to its mother's plan."""
    outcome: Outcome = field(default_factory=Recorded)
    acknowledgement: bytes = b""
    raised: list[UUID] = field(default_factory=list)
    told: int = 0

    def follow(self, encounters: list[Encounter], *, may_open: bool) -> None:
        """Take the encounters that the check is about, and do to them what the event does."""
        mine = belonging(self.check, encounters)
        self.before = {encounter.id: encounter for encounter in mine}
        self.after = follow(self.check, mine, may_open=may_open)
        self.found = list(self._to_look_at())

    def _to_look_at(self) -> Iterator[Found]:
        check = self.check
        if check.trigger in _NO_LOOK:
            return
        if check.trigger is TriggerEvent.UNLINK and self.after:
            yield from (Found(each, each.nhs_number, (), locals_of(each)) for each in self.after)
            return
        if check.trigger.is_lookup or not self.after:
            yield Found(self.after[0] if self.after else None, check.identity.nhs_number, (), check.identity.local_numbers)
        else:
            yield from (Found(each, each.nhs_number, (), locals_of(each)) for each in self.after)
            is_traced = check.encounter_id is not None  # then the hospital's own number has come first, and a trace knows no better
            if not is_traced and check.identity.nhs_number not in {None, *(each.nhs_number for each in self.after)}:
                yield Found(self.after[0], check.identity.nhs_number)  # of a late message: it may be right all the same
        if check.prior and check.prior.nhs_number:
            yield Found(self.after[0] if self.after else None, check.prior.nhs_number)

    def keys_ahead(self) -> Iterator[tuple[str, str]]:
        """What its looks will most likely be for: by these the flags are asked for before its encounters are known."""
        if self.check.trigger not in _NO_LOOK:
            for who in (self.check.identity, self.check.prior):
                yield from who.keys if who else ()

    def births(self) -> list[Birth]:
        """The babies among its encounters whose mothers are named."""
        check = self.check
        born_on = check.identity.birth_date if check.is_of_baby else None
        births = (to_birth(each, check.actor, check.at, born_on) for each in self.after)
        return [birth for birth in births if birth]

    def to_look(self, found: Found) -> Look:
        """The look, with who looks and whether it enters the shared history."""
        check, encounter = self.check, found.encounter
        setting = encounter.care_setting if encounter else check.care_setting
        return Look(
            check.actor, check.purpose, check.trigger, setting, found.number, check.at, self._in_history(found),
            encounter.id if encounter else None, check.request_id, check.once, found.local_numbers,
        )  # fmt: skip

    def _in_history(self, found: Found) -> bool:
        check, encounter = self.check, found.encounter
        if check.silent or check.test:
            return False
        if check.trigger.is_lookup:
            return check.care_setting.is_unscheduled and not check.care_setting.is_private
        before = self.before.get(encounter.id) if encounter else None
        is_new = encounter is not None and (self._newly_known(encounter) or not (before and tells(before)))
        return encounter is not None and tells(encounter) and is_new

    def _newly_known(self, encounter: Encounter) -> bool:
        before = self.before.get(encounter.id)
        return before is None or before.nhs_number != encounter.nhs_number

    def take(self, flags: list[tuple[Flag, ...]]) -> None:
        """Take what the looks found, in their order, and mark the encounters by it."""
        pairs = list(zip(self.found, flags, strict=True))
        self.after = [
            self._marked(after, [flag for each, held in pairs if each.encounter and each.encounter.id == after.id for flag in held])
            for after in self.after
        ]
        by_id = {each.id: each for each in self.after}
        self.found = [
            Found(by_id[each.encounter.id] if each.encounter else None, each.number, held, each.local_numbers)
            for each, held in pairs
        ]

    def _marked(self, encounter: Encounter, flags: Sequence[Flag]) -> Encounter:
        if (self.check.trigger.is_lookup or self.check.trigger is TriggerEvent.BANNER) and encounter.id in self.before:
            return encounter  # who only looks marks no encounter but the one that the look itself opened
        if self.check.trigger in _NO_LOOK:
            return encounter
        words = ",".join(caution.value for caution in identity_cautions(self.check.identity, flags))
        another = self.check.trigger is TriggerEvent.UNLINK or self._newly_known(encounter)
        flagged = bool(flags) or (encounter.flagged and not another)
        if (flagged, words) == (encounter.flagged, encounter.cautions):
            return encounter
        return replace(encounter, flagged=flagged, cautions=words)

    def renumbered(self) -> list[tuple[Encounter, Encounter]]:
        """Encounters of babies, before and after, whose hospital number has changed while the patient has not."""
        pairs = [(self.before[each.id], each) for each in self.after if each.id in self.before]
        return [
            (before, after)
            for before, after in pairs
            if after.mother_number and before.local_number != after.local_number and before.nhs_number in {None, after.nhs_number}
        ]

    @property
    def corrected(self) -> list[UUID]:
        """The encounters that have another patient than before, or whose patient is said again and has no flag that was found."""
        pairs = [(self.before[each.id], each) for each in self.after if each.id in self.before]
        return [
            after.id
            for before, after in pairs
            if before.nhs_number not in {None, after.nhs_number} or (before.flagged and self._says_again(before, after))
        ]

    def _says_again(self, before: Encounter, after: Encounter) -> bool:
        number = self.check.identity.nhs_number
        if number is None or number != after.nhs_number or self.check.trigger.is_lookup or is_late(self.check, before):
            return False
        mine = [each for each in self.found if each.encounter and each.encounter.id == after.id]
        return bool(mine) and not any(each.flags for each in mine)

    @property
    def paired(self) -> list[NhsNumber]:
        """The numbers of which the check says that they are one patient, or that they are not."""
        prior = self.check.prior
        return [number for number in (self.check.identity.nhs_number, prior.nhs_number) if number] if prior else []

    def alerts(self, directory: Directory) -> list[NewAlert]:
        """Who must be told; `alerts` raises those that are not raised yet."""
        check = self.check
        if check.silent or check.trigger is TriggerEvent.BANNER:
            return []
        own = self._own_persons()
        return [
            NewAlert(
                each.encounter.id, code, flag.person_id, self._reason(each.encounter, flag),
                first_telling(directory.routing(code), each.flags, each.encounter, check.at), check.at,
                directory.hospital_of(each.encounter) if (each.encounter.id, flag.person_id) in own else None,
                self._is_replayed(each.encounter, self._reason(each.encounter, flag)),
            )
            for each in self.found
            if each.encounter and each.flags
            for code, flag in self._to_tell(each).items()
        ]  # fmt: skip

    def _own_persons(self) -> set[tuple[UUID, UUID]]:
        """To whom the encounters' own numbers lead: what another number led to is put into no patient's record."""
        return {
            (each.encounter.id, flag.person_id)
            for each in self.found
            if each.encounter and each.flags and each.number == each.encounter.nhs_number
            for flag in each.flags
        }

    def _to_tell(self, found: Found) -> dict[str, Flag]:
        before = self.before.get(found.encounter.id) if found.encounter else None
        born = self.is_new_birth and self.check.is_birth
        identified = before is not None and (born or found.number not in {None, before.nhs_number})
        return decide_whom_to_tell(found.encounter, found.flags, england_day(self.check.at), just_identified=identified)

    def _reason(self, encounter: Encounter, flag: Flag) -> AlertReason:
        if flag.is_of_mother and self.is_new_birth:
            return AlertReason.NEWBORN
        late = not is_arrival(self.check) and self._newly_known(encounter)
        return AlertReason.LATE_IDENTITY if late else AlertReason.ATTENDANCE

    def _is_replayed(self, encounter: Encounter, reason: AlertReason) -> bool:
        """Whether it is the message that came late, by which the arrival is known. A late plan or number is told of by itself."""
        check = self.check
        came_late = encounter.id not in self.before or check.at - check.moment > LATE
        return reason is AlertReason.ATTENDANCE and came_late and check.at - encounter.arrived_at > LATE

    def decide(self, directory: Directory) -> None:
        """Decide the answer, and render the acknowledgement that is stored with the message."""
        self.outcome = said_at_site(self._outcome(directory), state_at(self.check, directory))
        self.acknowledgement = self.check.acknowledge(self.outcome) if self.check.acknowledge else b""

    def reply(self) -> Reply:
        """What the door gets, once all of it is on disk."""
        return Reply(self.outcome, self.acknowledgement, alerts=tuple(self.raised), told=len(self.raised) + self.told)

    def _outcome(self, directory: Directory) -> Outcome:
        check = self.check
        if not self.found:
            return Recorded(self.after[0].id if self.after else None)
        coverage, today = directory.coverage(check.at), england_day(check.at)
        answers = [
            decide_answer(
                check.identity,
                each.number,
                each.flags,
                coverage,
                each.encounter,
                today,
                is_production=directory.is_production,
            )
            for each in self.found
        ]
        return next((answer for answer in answers if isinstance(answer, Flagged)), answers[0])


def to_birth(encounter: Encounter, actor: Actor, at: datetime, born_on: date | None = None) -> Birth | None:
    """The baby of an encounter whose mother is named, if anything leads to the baby."""
    locals_ = locals_of(encounter)
    if encounter.mother_number is None or encounter.test or not (encounter.nhs_number or locals_):
        return None
    return Birth(actor, encounter.mother_number, encounter.nhs_number, locals_, born_on, encounter.site, england_day(at))


def identity_of(encounter: Encounter) -> Identity:
    """Who the encounter's patient is, as far as it says."""
    return Identity(encounter.nhs_number, None, locals_of(encounter))


def locals_of(encounter: Encounter) -> tuple[LocalNumber, ...]:
    """The number that the hospital itself gave, by which a newborn is found that has no other."""
    return (LocalNumber(encounter.site, encounter.local_number),) if encounter.local_number else ()
