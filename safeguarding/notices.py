"""What authorities and the operator are told by e-mail: the week's work, a feed that is late or came again, an agreement's end.

`nightlight.processes.notices` calls it over and over. What is due is written down first, once, whatever restarts; then it is sent
until a mail server has taken it. Source: docs/facts.md, sections 4 and 5; docs/authority/rejected-records.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from email.headerregistry import Address

from alerts.channels.mail_server import MailServer, compose, to_recipient, to_sender
from domain.alert import AttemptOutcome
from domain.channel import Attempted
from flags_store.authorities import Authority, read_authorities
from flags_store.notices import (
    Audience,
    Facts,
    Notice,
    NoticeKind,
    Told,
    claim_notice,
    is_recorded,
    mark_failed,
    mark_sent,
    oldest_unsent,
    read_told,
    record_notice,
)
from runtime.clock import ENGLAND, now
from runtime.database import Connection, Database
from runtime.logs import get_logger
from safeguarding.extracts.work import DataWork, read_work
from safeguarding.notice_words import PATHS, write_notice
from safeguarding.onboarding.agreements import WARNED_BEFORE, RunningOut, agreements_running_out

LATE_AGAIN = timedelta(days=3)
"""How often a feed that stays late is told of again."""
AGREEMENT_DAYS = (-1, 7, 30)
"""Days that an agreement still holds when the operator is told again; below 0 it has run out."""
WEEKLY_AT = time(7, 0)
LEASE = timedelta(minutes=2)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=30)
NEVER = "never"

log = get_logger()


@dataclass(frozen=True, slots=True)
class Due:
    """A notice that should be there. `times`: how often lateness was told before, in this lateness."""

    audience: Audience
    kind: NoticeKind
    period: str
    times: int = 0


@dataclass(frozen=True, slots=True)
class Post:
    """How notices leave. Without a `server` they wait; without an `operator` nobody writes to one."""

    server: MailServer | None
    sender: Address
    operator: str
    link: Callable[[str], str]

    @classmethod
    def of(cls, smtp_url: str, mail_from: str, operator: str, link: Callable[[str], str]) -> "Post":
        """From the settings of these names. Raises ValueError where one does not fit."""
        if operator and to_recipient(operator) is None:
            raise ValueError("NIGHTLIGHT_OPERATOR_EMAIL must be one address, such as on-call@example.org")
        return cls(MailServer.from_url(smtp_url) if smtp_url else None, to_sender(mail_from), operator, link)


def due_of(authority: Authority, told: Sequence[Told], at: datetime, *, operator: bool) -> list[Due]:
    """What should have been told of an authority by an instant. Pure; whatever is written down already is no harm.

    Only a live feed alarms. An authority without an address for its data officers is told nothing; the operator then reads that.
    """
    audiences = [Audience.AUTHORITY] * bool(authority.data_email) + [Audience.OPERATOR] * operator
    due = (
        [Due(Audience.AUTHORITY, NoticeKind.WEEKLY, week_of(at))]
        if authority.data_email and authority.state != "setting-up"
        else []
    )
    if authority.state != "live":
        return due
    for audience in audiences:
        mine = [each for each in told if each.audience is audience]
        due += [_late(authority, mine, at, audience)] if authority.is_late(at) else _again(authority, mine, audience)
    return due


def week_of(at: datetime) -> str:
    """The ISO week whose Monday, 07:00 in England, was the last; such as 2026-W48."""
    local = at.astimezone(ENGLAND)
    monday = local.date() - timedelta(days=local.weekday())
    if local.weekday() == 0 and local.time() < WEEKLY_AT:
        monday -= timedelta(days=7)
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def _late(authority: Authority, told: Sequence[Told], at: datetime, audience: Audience) -> Due:
    base = _base(authority)
    began = min((each.created_at for each in told if _base_of(each) == base), default=at)
    if authority.last_extracted_at is not None:
        began = authority.last_extracted_at + authority.rhythm
    times = max(0, (at - began) // LATE_AGAIN)
    return Due(audience, NoticeKind.LATE, f"{base}#{times}", times)


def _again(authority: Authority, told: Sequence[Told], audience: Audience) -> list[Due]:
    late = {_base_of(each) for each in told if each.kind is NoticeKind.LATE}
    over = {each.period for each in told if each.kind is NoticeKind.RECEIVED_AGAIN}
    return [Due(audience, NoticeKind.RECEIVED_AGAIN, base) for base in sorted(late - over - {_base(authority)})]


def _base(authority: Authority) -> str:
    return authority.last_extracted_at.isoformat() if authority.last_extracted_at else NEVER


def _base_of(told: Told) -> str:
    return told.period.partition("#")[0]


async def record_due(database: Database, *, operator: bool, at: datetime | None = None) -> int:
    """Write down what is due and not written down yet, and say how much that was."""
    at = at or now()
    async with database.transaction() as transaction:
        authorities, told = await read_authorities(transaction), await read_told(transaction)
    recorded = 0
    for authority in authorities:
        for due in due_of(authority, told.get(authority.code, []), at, operator=operator):
            async with database.transaction() as transaction:
                recorded += await _record(transaction, authority, due, at)
    if operator:
        async with database.transaction() as transaction:
            for each in await agreements_running_out(transaction, at):
                recorded += await _record_running_out(transaction, each)
    return recorded


async def _record_running_out(transaction: Connection, agreement: RunningOut) -> bool:
    """Once from 60, 30 and 7 days before the last day of an agreement, and once it is over."""
    party = f"{agreement.party_kind} {agreement.party_code}"
    stage = next((days for days in AGREEMENT_DAYS if agreement.days_left <= days), WARNED_BEFORE.days)
    period = f"{party} {agreement.last_day.isoformat()}#{stage}"
    facts: Facts = {"party": party, "last_day": agreement.last_day.isoformat(), "days_left": agreement.days_left}
    return await record_notice(transaction, None, Audience.OPERATOR, NoticeKind.AGREEMENT, period, facts)


async def _record(transaction: Connection, authority: Authority, due: Due, at: datetime) -> bool:
    if await is_recorded(transaction, authority.code, due.audience, due.kind, due.period):
        return False
    facts = _freshness(authority, due)
    if due.kind is NoticeKind.WEEKLY:
        facts = _week(await read_work(transaction, authority, at))
    return await record_notice(transaction, authority.code, due.audience, due.kind, due.period, facts)


def _freshness(authority: Authority, due: Due) -> Facts:
    return {
        "last_extracted_at": _text(authority.last_extracted_at), "rhythm_seconds": authority.rhythm.total_seconds(),
        "times": due.times, "told": int(bool(authority.data_email)),
    }  # fmt: skip


def _week(work: DataWork) -> Facts:
    counts = work.counts
    return {
        "rejected": counts.rejected, "rejected_since": _text(counts.rejected_since), "still_sent": counts.still_sent,
        "held": counts.held, "held_since": _text(counts.held_since), "missing": counts.missing, "matched": work.matched_words,
        "last_extracted_at": _text(work.last_extracted_at), "rhythm_seconds": work.rhythm.total_seconds(),
    }  # fmt: skip


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


async def send_next(database: Database, post: Post) -> bool:
    """Send the notice that has waited longest, and say whether there was one that could be tried.

    A crash between the mail server's yes and our note sends it twice, with one Message-ID. Without a server all wait.
    """
    if post.server is None:
        return False
    async with database.transaction() as transaction:
        notice = await claim_notice(transaction, LEASE, operator=bool(post.operator))
    if notice is None:
        return False
    attempted = await _hand_over(post, post.server, notice)
    async with database.transaction() as transaction:
        if attempted.outcome is AttemptOutcome.SENT:
            await mark_sent(transaction, notice.id)
        else:
            await mark_failed(transaction, notice.id, attempted.detail or "failed", _wait(notice.tries))
    if attempted.outcome is not AttemptOutcome.SENT:
        log.warning("notice not sent", kind=notice.kind, error=attempted.detail)
    return True


async def _hand_over(post: Post, server: MailServer, notice: Notice) -> Attempted:
    is_operator = notice.audience is Audience.OPERATOR
    recipient = to_recipient(post.operator if is_operator else notice.data_email or "")
    if recipient is None:
        return Attempted(AttemptOutcome.PERMANENT, "no-address")
    subject, text = write_notice(notice, post.link("/" if is_operator else PATHS[notice.kind]))
    return await server.hand_over(compose(notice.id, post.sender, recipient, subject, text), helo=post.sender.domain)


async def oldest_notice(transaction: Connection) -> datetime | None:
    """Since when the oldest notice has waited to be sent, or None."""
    return await oldest_unsent(transaction)


def _wait(tries: int) -> timedelta:
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries - 1, 20)))
