"""The plan of an extract: what is to become of each record, kept on the disk of its stage until it is applied.

`planning` puts in what `deciding` decided; `intake` takes it out, and `outcomes` are told from it. Source: docs/adr/0031.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from flags_store.extracts.codes import RecordCode
from flags_store.extracts.deciding import Decided, SealReason
from flags_store.extracts.matched import Match
from flags_store.extracts.outcomes import RecordOutcome
from flags_store.extracts.reconcile import Action, Change
from flags_store.extracts.stage import Stage
from flags_store.extracts.stage_rows import error_row, held_text, to_held, to_staged


@dataclass(slots=True)
class Part:
    """Some persons of the plan, with what is to be applied to them. `doubted`: plans that show another basis from now on."""

    actions: list[Action] = field(default_factory=list)
    matches: dict[NhsNumber, Match] = field(default_factory=dict)
    doubted: dict[UUID, MatchBasis] = field(default_factory=dict)
    seals: dict[NhsNumber, SealReason] = field(default_factory=dict)


class Plan:
    """What is to become of a stage. Its methods block, as the stage's do. `holds`: what is lost waits for a second person."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._disk = stage.disk
        self.holds = False
        self.openings = 0
        self.endings = 0
        self._left = 0

    def clear(self) -> None:
        """Begin anew."""
        for table in ("planned", "refused", "person"):
            self._disk.execute(f"DELETE FROM {table}")  # noqa: S608 (names from above)
        self.holds, self.openings, self.endings, self._left = False, 0, 0, 0

    def put(self, decided: Sequence[Decided]) -> None:
        """Keep what was decided about these persons."""
        actions = [
            (action.record.line, action.change, held_text(action.held), action.record.line in each.lost)
            for each in decided
            for action in each.actions
        ]
        refused = [error_row(refusal) for each in decided for refusal in each.refusals]
        persons = [
            (each.number, json.dumps([str(plan.flag_id) for plan in each.doubted]), each.seal)
            for each in decided
            if each.doubted or each.seal
        ]
        self._disk.execute("BEGIN")
        self._disk.executemany("INSERT INTO planned VALUES (?, ?, ?, ?)", actions)
        self._disk.executemany("INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", refused)
        self._disk.executemany("INSERT INTO person VALUES (?, ?, ?)", persons)
        self._disk.execute("COMMIT")
        self.openings += sum(change is Change.OPEN for _, change, _, _ in actions)
        self.endings += sum(lost and change is not Change.OPEN for _, change, _, lost in actions)

    def keep_together(self) -> None:
        """Records that belong together, as a correction and the deletion of what it stands for do: where one is refused, the others
        leave everything as it is."""
        _, refused, _ = self.counts()
        if refused:
            self._left = self._disk.execute("DELETE FROM planned").rowcount

    def counts(self) -> tuple[Counter[Change], int, int]:
        """How many records do what, how many are refused, and how many are held."""
        rows = self._disk.execute("SELECT change, count(*) FROM planned WHERE NOT (lost AND ?) GROUP BY 1", (self.holds,))
        changes = Counter({Change(change): count for change, count in rows})
        changes[Change.UNCHANGED] += self._left
        [(refused,)] = self._disk.execute("SELECT (SELECT count(*) FROM error) + (SELECT count(*) FROM refused)")
        [(held,)] = self._disk.execute("SELECT count(*) FROM planned WHERE lost AND ?", (self.holds,))
        return changes, refused, held

    def parts(self, most: int) -> Iterator[Part]:
        """What is to be applied, in the order of NHS numbers, in parts of about `most` records."""
        part = Part()
        for _, actions in self._persons("NOT (p.lost AND ?)", self.holds):
            part.actions += actions
            if len(part.actions) >= most:
                yield self._with_matches(part)
                part = Part()
        yield self._with_matches(part)
        yield from self._of_persons(most)

    def held(self, most: int) -> Iterator[list[Action]]:
        """What waits for a second person, in such parts."""
        waiting: list[Action] = []
        for _, actions in self._persons("p.lost AND ?", self.holds):
            waiting += actions
            if len(waiting) >= most:
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def outcomes(self) -> Iterator[RecordOutcome]:
        """What became of each record, in the order of the file."""
        for line, place, number, local_id, change, code, held in self._disk.execute(_OUTCOMES, (self.holds, self.holds)):
            match = self._stage.match_of(NhsNumber(number))
            yield RecordOutcome(
                line,
                place,
                number,
                local_id,
                Change(change) if change else None,
                RecordCode(code) if code else None,
                bool(held),
                match,
            )

    def _persons(self, condition: str, *values: object) -> Iterator[tuple[NhsNumber, list[Action]]]:
        rows = self._disk.execute(_ACTIONS.format(condition=condition), values)
        for number, same in groupby(rows, key=lambda row: row[0]):
            yield (
                NhsNumber(number),
                [
                    Action(Change(change), to_staged(line, read, sent, extras), to_held(held))
                    for _, line, read, sent, extras, change, held in same
                ],
            )

    def _with_matches(self, part: Part) -> Part:
        part.matches = self._stage.matches_of(dict.fromkeys(action.record.nhs_number for action in part.actions))
        return part

    def _of_persons(self, most: int) -> Iterator[Part]:
        """Those of whom more is known than their records say; there are few."""
        part = Part()
        for number, doubted, seal in self._disk.execute("SELECT * FROM person ORDER BY nhs_number"):
            basis = self._stage.match_of(number).basis
            part.doubted |= {UUID(flag_id): basis for flag_id in json.loads(doubted)}
            if seal:
                part.seals[number] = seal
            if len(part.doubted) + len(part.seals) >= most:
                yield part
                part = Part()
        yield part


_ACTIONS = """
    SELECT r.nhs_number, r.line, r.read, r.sent, r.extras, p.change, p.held
    FROM record r CROSS JOIN planned p ON p.line = r.line WHERE {condition} ORDER BY r.nhs_number, r.line
"""
# A record that was refused by itself names its person only where it has all its columns; the first is the number, the last the id.
_OUTCOMES = """
    SELECT r.line, coalesce(json_extract(nullif(r.extras, ''), '$.place'), ''), r.nhs_number, json_extract(r.read, '$[9]'),
           CASE WHEN NOT (p.lost AND ?) THEN p.change END, x.code, p.lost AND ?
    FROM record r LEFT JOIN planned p ON p.line = r.line LEFT JOIN refused x ON x.line = r.line
    UNION ALL
    SELECT line, place, coalesce(json_extract(fields, '$[0]'), ''), coalesce(json_extract(fields, '$[9]'), ''), NULL, code, 0
    FROM error
    ORDER BY 1
"""
