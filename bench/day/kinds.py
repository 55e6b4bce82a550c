"""The kinds of patient that a hospital's feed is about, with their shares, and what must come of each.

`hospital` draws a kind for each story. Only what is said here is expected in the end: an authority hears of an unscheduled
encounter of a child with an open plan as soon as anybody can know who the child is, and of nothing else.
"""

from collections.abc import Callable
from dataclasses import replace

from bench.day.cast import Cast
from bench.day.story import Stay, Story

_ED, _PAS, _MATERNITY = "ED", "PAS", "MAT"
BATCH_OF = 25


def emergency(story: Story, cast: Cast) -> None:
    """ED, some admitted; some leave before being seen, some of those come back; some discharges are taken back."""
    visits = 2 if story.chance.random() < 0.08 else 1
    for _ in range(visits):
        stay = Stay(story.new_visit(), "E")
        notices = ["raised"]
        story.add("A04", _ED, cast.child, stay)
        story.add_updates(8, _ED, cast.child, stay)
        fate = story.chance.random()
        if fate < 0.25:
            stay = replace(stay, patient_class="I", method="21", function="420")
            story.add("A06", _PAS, cast.child, stay)
            for _ in range(story.chance.randrange(4)):
                story.add("A02", _PAS, cast.child, stay)
                story.add_updates(9, _PAS, cast.child, stay)
        elif fate < 0.32:
            story.add("A03", _ED, cast.child, stay, left=True)
            notices.append("left-before-seen")
            if fate < 0.28:
                story.add("A13", _ED, cast.child, stay)
                story.add_updates(3, _ED, cast.child, stay)
                notices.append("reinstate")
        elif fate < 0.35:
            story.add("A03", _ED, cast.child, stay)
            story.add("A13", _ED, cast.child, stay)
        open_still = fate < 0.06
        if not open_still and not 0.28 <= fate < 0.32:
            story.add("A03", _ED if fate >= 0.25 else _PAS, cast.child, stay)
        story.must_be(stay.visit, "open" if open_still else "closed", cast.authority, *notices)


def outpatient(story: Story, cast: Cast) -> None:
    """A clinic's appointment: nobody is told."""
    stay = Stay(story.new_visit(), "O", "", "130")
    story.add("A05", _PAS, cast.child, stay)
    story.add("A04", _PAS, cast.child, stay)
    story.add_updates(4, _PAS, cast.child, stay)
    story.add("A03", _PAS, cast.child, stay)
    story.must_be(stay.visit, "closed")


def person(story: Story, cast: Cast) -> None:
    """Demographics of somebody who is not here: no encounter."""
    if story.chance.random() < 0.3:
        story.add("A28", _PAS, cast.child)
    for _ in range(story.chance.randrange(1, 12)):
        story.add("A31", _PAS, cast.child)


def elective(story: Story, cast: Cast) -> None:
    """A planned stay: nobody is told. Some are cancelled after they began."""
    stay = Stay(story.new_visit(), "I", "11", "130")
    story.add("A05", _PAS, cast.child, stay)
    story.add("A01", _PAS, cast.child, stay)
    story.add_updates(14, _PAS, cast.child, stay)
    if story.chance.random() < 0.05:
        story.add("A11", _PAS, cast.child, stay)
        story.must_be(stay.visit, "cancelled")
        return
    story.add("A02", _PAS, cast.child, stay)
    story.add_updates(8, _PAS, cast.child, stay)
    story.add("A03", _PAS, cast.child, stay)
    story.must_be(stay.visit, "closed")


def resident(story: Story, cast: Cast) -> None:
    """Came as an emergency before the feed began: the first that is heard of it is an update."""
    stay = Stay(story.new_visit(), "I", "21", "420", since=cast.day_before)
    story.add("A08", _PAS, cast.child, stay)
    story.add_updates(30, _PAS, cast.child, stay)
    story.add("A02", _PAS, cast.child, stay)
    story.add_updates(12, _PAS, cast.child, stay)
    goes = story.chance.random() < 0.4
    if goes:
        story.add("A03", _PAS, cast.child, stay)
    story.must_be(stay.visit, "closed" if goes else "open", cast.authority, "raised")


def cancelled(story: Story, cast: Cast) -> None:
    """Registered in the ED by mistake."""
    stay = Stay(story.new_visit(), "E")
    story.add("A04", _ED, cast.child, stay)
    story.add_updates(2, _ED, cast.child, stay)
    story.add("A11", _ED, cast.child, stay)
    story.must_be(stay.visit, "cancelled", cast.authority, "raised", "cancel")


def unnumbered(story: Story, cast: Cast) -> None:
    """Arrives without an NHS number; mostly it comes later, by an update of the visit or of the person."""
    stay, unknown = Stay(story.new_visit(), "E"), replace(cast.child, number="")
    story.add("A04", _ED, unknown, stay)
    story.add_updates(4, _ED, unknown, stay)
    identified = story.chance.random() < 0.85
    if identified and story.chance.random() < 0.5:
        story.add("A08", _ED, cast.child, stay)
    elif identified:
        story.add("A31", _PAS, cast.child)
    story.add_updates(4, _ED, cast.child if identified else unknown, stay)
    story.add("A03", _ED, unknown, stay)
    story.must_be(stay.visit, "closed", cast.authority if identified else "", "raised")


def birth(story: Story, cast: Cast) -> None:
    """Made known as a person, then admitted: one encounter. The mother's authority hears of it; the number comes later."""
    stay, baby = Stay(story.new_visit(), "I", "82", "501"), cast.baby
    story.add("A28", _MATERNITY, baby)
    story.add("A01", _MATERNITY, baby, stay)
    story.add_updates(5, _MATERNITY, baby, stay)
    named = replace(baby, number=cast.baby_number)
    story.add("A31", _PAS, named)
    story.add_updates(5, _MATERNITY, named, stay)
    goes = story.chance.random() < 0.5
    if goes:
        story.add("A03", _MATERNITY, named, stay)
    story.must_be(stay.visit, "closed" if goes else "open", cast.mother_authority, "raised")


def merged(story: Story, cast: Cast) -> None:
    """Registered with a temporary hospital number, which is merged into the patient's own: then the NHS number is known."""
    stay, temporary = Stay(story.new_visit(), "E"), replace(cast.child, number="", local=f"T{story.index}")
    story.add("A04", _ED, temporary, stay)
    story.add_updates(3, _ED, temporary, stay)
    story.add("A40", _PAS, cast.child, prior=f"{temporary.local}^^^{cast.site}^MR")
    story.add_updates(4, _ED, cast.child, stay)
    story.add("A03", _ED, cast.child, stay)
    story.must_be(stay.visit, "closed", cast.authority, "raised")


def superseded(story: Story, cast: Cast) -> None:
    """Comes under a new NHS number; only the merge leads to the plan that is held on the old one."""
    stay, renumbered = Stay(story.new_visit(), "E"), replace(cast.child, number=cast.other_number)
    story.add("A04", _ED, renumbered, stay)
    story.add_updates(3, _ED, renumbered, stay)
    story.add("A40", _PAS, renumbered, prior=f"{cast.child.number}^^^NHS^NH")
    story.add_updates(3, _ED, renumbered, stay)
    story.add("A03", _ED, renumbered, stay)
    story.must_be(stay.visit, "closed", cast.authority, "raised")


def batch(story: Story, cast: Cast) -> None:
    """A night's demographics in one frame."""
    story.add("A31", _PAS, cast.child)
    story.steps[-1] = replace(story.steps[-1], batch=cast.others(BATCH_OF - 1))


Kind = Callable[[Story, Cast], None]

SHARES: dict[Kind, float] = {
    person: 0.30,
    outpatient: 0.26,
    emergency: 0.23,
    resident: 0.06,
    elective: 0.06,
    unnumbered: 0.03,
    cancelled: 0.02,
    birth: 0.015,
    merged: 0.015,
    superseded: 0.005,
    batch: 0.001,
}
