"""The history of one alert in plain words: who was told, by what, how that went, who looked, who answered, what still waits. Pure.

`api.alert_pages` gives it what `safeguarding.telling.history` read. The codes are those of docs/alerts.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from api.delivery_words import SERVERS, why
from api.worklist_words import short, team_name
from domain.alert import AlertEvent, AttemptOutcome, ChannelName
from domain.routing import Routing
from runtime.clock import ENGLAND
from safeguarding.directory import Directory
from safeguarding.telling.conversation import Said
from safeguarding.telling.history import Attempted, History, Look, Waits
from safeguarding.time_words import when_next

_LOOKED = {
    "alert.view": "opened the alert",
    "alert.shown": "was shown the alert on the worklist",
    "alert.history": "opened this history",
}
_COLOURS = {
    AttemptOutcome.SENT: "green", AttemptOutcome.DELIVERED: "green", AttemptOutcome.TEMPORARY: "orange",
    AttemptOutcome.PERMANENT: "red",
}  # fmt: skip
_MOST_TIMES = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when, who or what, and what happened. `times` are all instants, where the same was tried again and again."""

    at: datetime
    kind: str
    what: str
    more: str = ""
    text: str = ""
    tag: str = ""
    colour: str = ""
    times: tuple[datetime, ...] = ()
    left_out: int = 0


def lines(history: History, routing: Routing, directory: Directory) -> list[Line]:
    """The whole history, oldest first."""
    all_lines = [
        *(_said(each, routing) for each in history.said),
        *_attempts(history.attempts, routing, directory),
        *(_look(each) for each in history.looks),
    ]
    return sorted(all_lines, key=lambda line: line.at)


def waits(history: History, routing: Routing, directory: Directory, at: datetime) -> list[str]:
    """What has not gone out yet, each with since when, and why."""
    return [_wait(each, routing, directory, at) for each in history.waits]


def seconds(value: datetime) -> str:
    """ "08:45:07", England's time."""
    return f"{value.astimezone(ENGLAND):%H:%M:%S}"


def _said(said: Said, routing: Routing) -> Line:
    if said.side == "nightlight":
        to = f" Now with: {team_name(routing, said.team)}." if said.team else ""
        return Line(said.at, "told", f"Nightlight: {said.words}.{to}")
    where = f", {said.organisation}" if said.organisation else ""
    answered = " answered" if said.is_written else ""
    again = f"Told again; first: {team_name(routing, said.team)}" if said.team else ""
    words = f"“{said.words}”" if said.is_written else said.words
    return Line(said.at, "said", f"{said.who}{where}{answered}: {words}", again, said.text)


def _attempts(attempts: Sequence[Attempted], routing: Routing, directory: Directory) -> Iterator[Line]:
    """One line for each attempt; the same failure again and again is one, with all its times."""
    ordered = sorted(attempts, key=lambda each: (each.delivery_id, each.at, each.number))
    for _, same in groupby(ordered, key=lambda each: (each.delivery_id, each.outcome, each.detail)):
        run = list(same)
        first, times = run[0], tuple(each.at for each in run)
        channel, outcome = ChannelName(first.channel), AttemptOutcome(first.outcome)
        to = _to(channel, first.recipient, first.team, routing, directory)
        more = _about(first.notice)
        if len(run) > 1:
            more = f"Tried {len(run)} times until {short(times[-1], times[0])}. {more}".strip()
        yield Line(
            first.at, "attempt", f"{to}: {_went(channel, outcome, first.detail)}.", more, tag=_TAGS[outcome],
            colour=_COLOURS[outcome], times=times[:_MOST_TIMES] if len(run) > 1 else (), left_out=max(0, len(run) - _MOST_TIMES),
        )  # fmt: skip


_TAGS = {
    AttemptOutcome.SENT: "Sent", AttemptOutcome.DELIVERED: "Delivered", AttemptOutcome.TEMPORARY: "Not sent",
    AttemptOutcome.PERMANENT: "Needs a person",
}  # fmt: skip


def _went(channel: ChannelName, outcome: AttemptOutcome, detail: str) -> str:
    if detail == "bundled":
        return "told together with others of which messages came late"
    if outcome is AttemptOutcome.DELIVERED:
        return "a browser has shown it" if channel is ChannelName.SCREEN else "it has arrived"
    if outcome is AttemptOutcome.SENT:
        return "open worklists were told to look" if channel is ChannelName.SCREEN else f"{SERVERS[channel]} has taken it"
    return why(channel, detail)


def _to(channel: ChannelName, recipient: str, team: str, routing: Routing, directory: Directory) -> str:
    name = f" ({team_name(routing, team)})" if team else ""
    if channel is ChannelName.SCREEN:
        return "Screen"
    if channel is ChannelName.HL7:
        site = directory.sites.get(recipient)
        return f"{channel.words} of {site.name if site else recipient}"
    return channel.words if channel is ChannelName.SUBSCRIPTION else f"{channel.words} to {recipient}{name}"


def _about(notice: str) -> str:
    """What a delivery told of, where it was not the arrival."""
    event, _, time = notice.partition(" ")
    words = {
        AlertEvent.LEFT_BEFORE_SEEN: "that the child left before being seen",
        AlertEvent.CANCEL: "that the arrival was cancelled",
        AlertEvent.REINSTATE: "that the arrival stands after all",
        AlertEvent.WRONG_IDENTITY: "that it was another patient",
        AlertEvent.TRANSFER: "that the child was moved",
        AlertEvent.DISCHARGE: "that the child was discharged",
        AlertEvent.RETURN: "that the child is there after all",
        AlertEvent.ESCALATE: "because nobody had acknowledged it",
        AlertEvent.REPLY: "that the hospital answered back",
        AlertEvent.ASK: "that the hospital asks again",
    }.get(AlertEvent(event) if event in set(AlertEvent) else AlertEvent.TAKE, "")
    return (
        f"It tells {words}{', for the ' + _nth(time) if time else ''}.".replace("tells because", "was sent because")
        if words
        else ""
    )


def _nth(time: str) -> str:
    return f"{time}{'nd' if time == '2' else 'rd' if time == '3' else 'th'} time"


def _look(look: Look) -> Line:
    role = f", {look.role.replace('-', ' ')}," if look.role else ""
    return Line(look.at, "look", f"{look.who}{role} {_LOOKED.get(look.action, look.action)}.")


def _wait(each: Waits, routing: Routing, directory: Directory, at: datetime) -> str:
    channel = ChannelName(each.channel)
    to = _to(channel, each.recipient, each.team, routing, directory)
    if each.due_at > at and each.is_gathering:
        return f"{to}: waits until {short(each.due_at, at)}, to be told together with others of which messages came late."
    if each.due_at > at:
        return f"{to}: waits until {when_next(each.due_at, at)}, when they are next on duty."
    since = f"waits since {short(each.due_at, at)}"
    if each.is_with_others:
        return f"{to}: {since}; it is told together with another alert, in one message that has not gone out yet."
    if each.is_in_hand:
        return f"{to}: {since}; it is being sent now."
    if not each.attempts or each.detail is None:
        return f"{to}: {since}; it has not been tried yet."
    tried = "tried once" if each.attempts == 1 else f"tried {each.attempts} times"
    again = f"next at {short(each.next_attempt_at, at)}" if each.next_attempt_at > at else "next at once"
    return f"{to}: {since}, because {why(channel, each.detail)}; {tried}; {again}."
