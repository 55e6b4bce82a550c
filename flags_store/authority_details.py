"""What an authority has set of itself, changed one by one: names, phones, mailboxes, codes, shares, its successor.

`nightlight authority details` and the onboarding's pages call `update_authority`; whoever loads calls `check_sends` first.
Source: docs/facts.md, section 4 (codes name their scheme and have successors) and section 5 (two phones).
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from psycopg.rows import dict_row

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.audit import record_audit
from runtime.database import Connection

SCHEMES = {
    "dfe": ("three digits, such as 301", re.compile(r"[0-9]{3}")),
    "gss": ("a letter and eight digits, such as E10000099", re.compile(r"[A-Z][0-9]{8}")),
    "ods": ("three to six letters and digits, such as X9A01", re.compile(r"[A-Z0-9]{3,6}")),
}
"""How each scheme writes its codes: in words, and as a pattern."""

_PHONE = re.compile(r"\+?[0-9][0-9 ()-]*( ?(ext|x)\.? ?[0-9]{1,6})?", re.IGNORECASE)
_FEWEST_DIGITS, _MOST_DIGITS = 3, 21
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_MAILBOX = re.compile(r"[A-Z0-9]{5,20}")


class Superseded(Conflict):
    """The authority has been succeeded by another one, which sends in its place."""


class Details(TypedDict, total=False):
    """What can be changed; empty text takes a mailbox, a GSS code or a successor away. Shares lie above 0."""

    name: str
    office_phone: str
    emergency_phone: str
    alert_email: str
    data_email: str
    mesh_mailbox: str
    gss_code: str
    code_scheme: str
    successor_code: str
    shrink_share: float
    surge_share: float
    rhythm: timedelta
    short_breaks: bool


async def update_authority(transaction: Connection, actor: Actor, code: str, **changes: Unpack[Details]) -> None:
    """Change what is named and nothing else, audited with the new values.

    Raises NotFound (authority, successor), InvalidInput for what makes no sense, Conflict where the mailbox is another's or the
    successors would go in a circle.
    """
    if not changes:
        raise InvalidInput("say what shall change")
    held = await _lock(transaction, code)
    wanted = _checked(code, changes)
    if wanted.get("mesh_mailbox"):
        await _check_mailbox(transaction, code, wanted["mesh_mailbox"])
    if wanted.get("successor_code"):
        await _check_successor(transaction, code, wanted["successor_code"])
    await transaction.execute(_UPDATE, {**held, **wanted, "code": code})
    await record_audit(transaction, actor, "authority.details", "authority", code, **_told(wanted))


async def check_sends(transaction: Connection, code: str) -> None:
    """Raises Superseded, naming the successor, where the authority has one: its extracts are loaded no more.

    The flags that it holds stay with it, and show, until they are ended.
    """
    cursor = await transaction.execute(
        "SELECT s.code, s.name FROM authorities a JOIN authorities s ON s.code = a.successor_code WHERE a.code = %s", (code,)
    )
    row = await cursor.fetchone()
    if row:
        raise Superseded(f"authority {code} has been succeeded by {row[0]}, {row[1]}: load the extract for {row[0]}")


def check_phone(phone: str) -> str:
    """The phone without blanks around it. Raises InvalidInput where nobody could dial it."""
    digits = sum(letter.isdigit() for letter in phone)
    if not _PHONE.fullmatch(phone.strip()) or not _FEWEST_DIGITS <= digits <= _MOST_DIGITS:
        raise InvalidInput(f'"{phone}" is not a phone number, such as 020 7946 0101')
    return phone.strip()


_UPDATE = """
    UPDATE authorities
    SET name = %(name)s, office_phone = %(office_phone)s, emergency_phone = %(emergency_phone)s, alert_email = %(alert_email)s,
        data_email = %(data_email)s, mesh_mailbox = %(mesh_mailbox)s, gss_code = %(gss_code)s, code_scheme = %(code_scheme)s,
        successor_code = %(successor_code)s, shrink_share = %(shrink_share)s, surge_share = %(surge_share)s, rhythm = %(rhythm)s,
        short_breaks = %(short_breaks)s
    WHERE code = %(code)s
"""


async def _lock(transaction: Connection, code: str) -> dict[str, Any]:
    """What is held now. Two who change it do so one after the other; the desk, which only points at it, waits for neither."""
    cursor = transaction.cursor(row_factory=dict_row)
    await cursor.execute(
        """
        SELECT name, office_phone, emergency_phone, alert_email, data_email, mesh_mailbox, gss_code, code_scheme, successor_code,
               shrink_share, surge_share, rhythm, short_breaks
        FROM authorities WHERE code = %s FOR NO KEY UPDATE
        """,
        (code,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no authority {code}: add it first with nightlight authority add")
    return row


def _checked(code: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _CHECKS[name](code, value) for name, value in changes.items()}


def _check_name(_: str, value: str) -> str:
    if not value.strip():
        raise InvalidInput("an authority needs a name")
    return value.strip()


def _check_email(_: str, value: str) -> str | None:
    if value and not _EMAIL.fullmatch(value.strip()):
        raise InvalidInput(f'"{value}" is not an e-mail address')
    return value.strip() or None


def _check_mesh(_: str, value: str) -> str | None:
    mailbox = value.strip().upper()
    if mailbox and not _MAILBOX.fullmatch(mailbox):
        raise InvalidInput(f'"{value}" is not a MESH mailbox: 5 to 20 letters and digits')
    return mailbox or None


def _check_gss(_: str, value: str) -> str | None:
    words, pattern = SCHEMES["gss"]
    if value and not pattern.fullmatch(value.strip().upper()):
        raise InvalidInput(f'"{value}" is not a GSS code: {words}')
    return value.strip().upper() or None


def _check_scheme(code: str, value: str) -> str:
    if value not in SCHEMES:
        raise InvalidInput(f'"{value}" is no scheme of codes: choose {", ".join(SCHEMES)}')
    words, pattern = SCHEMES[value]
    if not pattern.fullmatch(code):
        raise InvalidInput(f"{code} is not a code of that scheme ({value}): {words}")
    return value


def _check_share(largest: float) -> Any:
    def check(_: str, value: float) -> float:
        if not 0 < value <= largest:
            raise InvalidInput(f"a share lies above 0 and is {largest:g} at most: 0.1 is a tenth")
        return value

    return check


def _check_rhythm(_: str, value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise InvalidInput("a rhythm is longer than nothing")
    return value


_CHECKS: dict[str, Any] = {
    "name": _check_name,
    "office_phone": lambda _, value: check_phone(value),
    "emergency_phone": lambda _, value: check_phone(value),
    "alert_email": _check_email,
    "data_email": _check_email,
    "mesh_mailbox": _check_mesh,
    "gss_code": _check_gss,
    "code_scheme": _check_scheme,
    "successor_code": lambda _, value: value.strip() or None,
    "shrink_share": _check_share(1),
    "surge_share": _check_share(1000),
    "rhythm": _check_rhythm,
    "short_breaks": lambda _, value: bool(value),
}


async def _check_mailbox(transaction: Connection, code: str, mailbox: str) -> None:
    cursor = await transaction.execute("SELECT code FROM authorities WHERE mesh_mailbox = %s AND code <> %s", (mailbox, code))
    row = await cursor.fetchone()
    if row:
        raise Conflict(f"the MESH mailbox {mailbox} is that of authority {row[0]}")


async def _check_successor(transaction: Connection, code: str, successor: str) -> None:
    cursor = await transaction.execute(
        """
        WITH RECURSIVE following AS (
            SELECT code, successor_code FROM authorities WHERE code = %s
            UNION SELECT a.code, a.successor_code FROM authorities a JOIN following f ON a.code = f.successor_code
        )
        SELECT code FROM following
        """,
        (successor,),
    )
    codes = {row[0] for row in await cursor.fetchall()}
    if successor == code:
        raise Conflict(f"authority {code} cannot succeed itself")
    if not codes:
        raise NotFound(f"there is no authority {successor}: add it first with nightlight authority add")
    if code in codes:
        raise Conflict(f"authority {code} comes after {successor} already: successors cannot go in a circle")


def _told(wanted: Mapping[str, Any]) -> dict[str, str | int | bool | None]:
    return {name: value if value is None or isinstance(value, bool) else str(value) for name, value in wanted.items()}
