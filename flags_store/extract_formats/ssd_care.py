"""Looked-after children of a dataset: the episodes of one `clae_cla_id` become one period of care, and that a record.

`ssd_reader` goes through them; `ssd_periods` decides. What was made of a period is kept for its placements (`ssd_placements`).
Source: docs/facts.md, section 4 ("Looked after").
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import groupby, islice

from domain.flag import FlagKind
from flags_store.extract_formats.reading import Came, Terms
from flags_store.extract_formats.ssd_births import Birth, Told, birth_of
from flags_store.extract_formats.ssd_disk import Disk, DiskRow
from flags_store.extract_formats.ssd_output import Output, Said
from flags_store.extract_formats.ssd_periods import Episode, Period, Status, cut_off, period_of, without_short_breaks
from flags_store.extract_formats.ssd_persons import Person, find_person
from flags_store.extract_formats.ssd_plans import is_long_ended, reject_person, with_birth
from flags_store.extract_formats.ssd_tables import CLA_EPISODES
from flags_store.extract_formats.ssd_values import BadDateError, is_day, to_day, to_words
from flags_store.extract_formats.ssd_words import reason_code, status_code
from flags_store.extracts.codes import NoteCode, RecordCode
from flags_store.extracts.record import Note

MOST_EPISODES = 1_000
MOST_STATUSES = 1_000
MOST_WORDS = 100
_DATES = ("clae_cla_episode_start_date", "clae_cla_episode_ceased_date", "clae_entered_care_date")


def read_care(disk: Disk, output: Output, terms: Terms, taken_on: date) -> Iterator[Came]:
    """Every period of care, and what was left out or is not known."""
    care = _Care(disk, output, terms, taken_on)
    disk.put("BEGIN")
    for care_id, rows in groupby(disk.rows(_EPISODES), key=lambda row: row["clae_cla_id"]):
        if care_id:
            yield from care.read(care_id, list(islice(rows, MOST_EPISODES + 1)))
        else:
            for row in rows:
                person = find_person(disk, row["clae_person_id"])
                yield output.reject(_said("", [row]), person, "start_date", RecordCode.CARE_WITHOUT_ID)
    disk.put("COMMIT")
    yield from care.notes()


class _Care:
    def __init__(self, disk: Disk, output: Output, terms: Terms, taken_on: date) -> None:
        self._disk, self._output, self._terms, self._taken_on = disk, output, terms, taken_on
        self._long_ended = 0
        self._short_breaks = 0
        self._statuses: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def read(self, care_id: str, rows: list[DiskRow]) -> Iterator[Came]:
        said = _said(care_id, rows)
        people = sorted({row["clae_person_id"] for row in rows})
        person = find_person(self._disk, people[0])
        period = self._period(rows)
        self._remember(care_id, people[0] if len(people) == 1 else "", counts=True, end=None)
        if isinstance(period, Period) and period.end and is_long_ended(period.end.isoformat(), self._taken_on):
            self._leave_out(care_id)
        elif len(people) > 1:
            yield self._output.reject(said, None, "local_id", RecordCode.CARE_OF_TWO)
        elif person is None:
            yield self._output.reject(said, None, "local_id", RecordCode.PERSON_UNKNOWN)
        elif person.problem:
            yield reject_person(self._output, said, person)
        elif isinstance(period, RecordCode):
            words = {"limit": MOST_EPISODES} if period is RecordCode.TOO_MANY_EPISODES else {}
            is_start = period in {RecordCode.MISSING, RecordCode.CARE_STARTS_DIFFER} or not is_day(said.start)
            column = "start_date" if is_start else "end_date"
            yield self._output.reject(said, person, column, period, **words)
        else:
            yield from self._of_person(said, person, period)

    def notes(self) -> Iterator[Note]:
        """What was left out, and what is not known, each once."""
        if self._long_ended:
            yield Note(NoteCode.LONG_ENDED, detail={"table": CLA_EPISODES.name, "count": self._long_ended})
        if self._short_breaks:
            yield Note(NoteCode.SHORT_BREAKS, detail={"count": self._short_breaks})
        for code, unknown in ((NoteCode.UNKNOWN_STATUS, self._statuses), (NoteCode.UNKNOWN_REASON, self._reasons)):
            for word, times in sorted(unknown.items()):
                yield Note(code, detail={"word": word, "count": times})

    def _period(self, rows: list[DiskRow]) -> Period | RecordCode:
        if len(rows) > MOST_EPISODES:
            return RecordCode.TOO_MANY_EPISODES
        if not all(is_day(row[name]) for row in rows for name in _DATES):
            return RecordCode.BAD_DATE
        return period_of(self._episode(row) for row in rows)

    def _episode(self, row: DiskRow) -> Episode:
        start, ceased, entered = (to_day(row[name]) for name in _DATES)
        return Episode(start, ceased, reason_code(row["clae_cla_episode_ceased_reason"], self._terms.statuses), entered)

    def _of_person(self, said: Said, person: Person, period: Period) -> Iterator[Came]:
        told = birth_of(person, self._taken_on)
        if told.birth is not Birth.BORN:
            is_unborn = told.birth is Birth.UNBORN
            column, code = ("nhs_number", RecordCode.UNBORN_IN_CARE) if is_unborn else ("birth_date", RecordCode.NO_BIRTH_DATE)
            yield self._output.reject(said, person, column, code)
            return
        cut, why = cut_off(period, _day_or_none(person.death), told.day, self._taken_on)
        if cut.end and is_long_ended(cut.end.isoformat(), self._taken_on):
            self._leave_out(said.plan_id)
            return
        left = self._without_short_breaks(said, person, cut)
        shown = [each for each in left if not (each.end and is_long_ended(each.end.isoformat(), self._taken_on))]
        self._remember(said.plan_id, person.id, counts=bool(shown), end=max((each.end or date.max for each in shown), default=None))
        for each in shown:
            yield self._record(said, person, each, told)
        if shown:
            yield from self._remarks(said, cut, why)

    def _without_short_breaks(self, said: Said, person: Person, period: Period) -> list[Period]:
        rows = list(self._disk.rows(_STATUSES, person.id, MOST_STATUSES))
        known = [(row, status_code(row["lega_legal_status"], self._terms.statuses)) for row in rows]
        if self._terms.short_breaks:
            return [period]
        self._note(self._statuses, [row["lega_legal_status"] for row, code in known if code is None])
        left = without_short_breaks(period, [_status(row, code) for row, code in known], self._taken_on)
        self._short_breaks += left != [period]
        return left

    def _record(self, said: Said, person: Person, period: Period, told: Told) -> Came:
        end = period.end.isoformat() if period.end else ""
        of_period = replace(said, start=period.start.isoformat(), end=end, adopted=period.adopted)
        return self._output.record(with_birth(of_period, told), person)

    def _remarks(self, said: Said, period: Period, why: NoteCode | None) -> Iterator[Note]:
        if why:
            yield Note(why, said.place)
        if period.is_apart:
            yield Note(NoteCode.EPISODES_APART, said.place)
        reason = said.about["clae_cla_episode_ceased_reason"]
        if period.end and reason and reason_code(reason, self._terms.statuses) is None:
            self._note(self._reasons, [reason])

    def _note(self, words: Counter[str], unknown: list[str]) -> None:
        words.update(word for each in unknown if each and ((word := to_words(each)) in words or len(words) < MOST_WORDS))

    def _leave_out(self, care_id: str) -> None:
        self._long_ended += 1
        self._remember(care_id, "", counts=False, end=None)

    def _remember(self, care_id: str, person_id: str, *, counts: bool, end: date | None) -> None:
        ended_on = end.isoformat() if end and end != date.max else ""
        self._disk.put("INSERT OR REPLACE INTO period VALUES (?, ?, ?, ?)", care_id, person_id, int(counts), ended_on)


def _said(care_id: str, rows: list[DiskRow]) -> Said:
    """The period as a person would look it up: by its first line, with the dates of the first and the last episode."""
    first = min(rows, key=lambda row: row["line"])
    last = max(rows, key=lambda row: (_sortable(row[_DATES[1]]), _sortable(row[_DATES[0]]), row["line"]))
    earliest = min(rows, key=lambda row: (_sortable(row[_DATES[0]]), row["line"]))
    entered = next((row[_DATES[2]] for row in rows if row[_DATES[2]]), "")
    about = {
        "clae_cla_id": care_id, "clae_person_id": first["clae_person_id"], "clae_entered_care_date": entered,
        "clae_cla_episode_start_date": earliest[_DATES[0]], "clae_cla_episode_ceased_date": last[_DATES[1]],
        "clae_cla_episode_ceased_reason": last["clae_cla_episode_ceased_reason"],
    }  # fmt: skip
    place = f"{CLA_EPISODES.name} line {first['line']}"
    return Said(FlagKind.LAC, entered or earliest[_DATES[0]], last[_DATES[1]], place, care_id, about)


def _sortable(text: str) -> str:
    """A day for putting rows into order; a missing one is the latest."""
    day = _day_or_none(text)
    return day.isoformat() if day else "9999-12-31"


def _status(row: DiskRow, code: str | None) -> Status:
    """A date that cannot be read is as good as none: a short break with it leaves nothing out."""
    start, end = _day_or_none(row["lega_legal_status_start_date"]), _day_or_none(row["lega_legal_status_end_date"])
    is_good = is_day(row["lega_legal_status_start_date"]) and is_day(row["lega_legal_status_end_date"])
    return Status(code, start, end) if is_good else Status(code, None, None)


def _day_or_none(text: str) -> date | None:
    try:
        return to_day(text)
    except BadDateError:
        return None


_EPISODES = """
    SELECT * FROM ssd_cla_episodes
    ORDER BY clae_cla_id, day(clae_cla_episode_start_date), day(clae_cla_episode_ceased_date), line
"""
_STATUSES = "SELECT * FROM ssd_legal_status WHERE lega_person_id = ? AND lega_legal_status <> '' ORDER BY line LIMIT ?"
