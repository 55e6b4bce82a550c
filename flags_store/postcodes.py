"""The postcode directory: which part of each postcode district lies in which authority, counted from a list of postcodes.

`nightlight postcodes load` reads one and replaces what was loaded before; `flags_store.placements` says by it what is in area.
Source: Office for National Statistics, Postcode Directory (columns pcd/pcd7/pcds and laua/oslaua/ladNNcd; doterm: no longer used).
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from domain.actor import Actor
from domain.errors import InvalidInput
from runtime.audit import record_audit
from runtime.database import Connection, Transaction

OUTWARD = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?")
_WHOLE = re.compile(rf"({OUTWARD.pattern})[0-9][A-Z]{{2}}")
_GSS = re.compile(r"[EWSN][0-9]{8}")
_POSTCODE = ("pcds", "pcd", "pcd7", "pcd8")
_AUTHORITY = re.compile(r"(os)?laua|lad[0-9]{2}cd|ctyua|utla[0-9]{2}cd")
_OVER = "doterm"

Districts = Mapping[str, Mapping[str, float]]
"""By outward postcode: the share of it that lies in each authority, by its code (GSS)."""


def read_directory(lines: Iterable[str]) -> Districts:
    """The districts of a list of postcodes, a line each with a header. Postcodes that are no longer used are passed over.

    Raises InvalidInput where the columns are not there, or nothing in them is a postcode.
    """
    rows = csv.reader(lines)
    header = [name.strip().lower() for name in next(rows, [])]
    postcode = next((header.index(name) for name in _POSTCODE if name in header), None)
    authority = next((place for place, name in enumerate(header) if _AUTHORITY.fullmatch(name)), None)
    if postcode is None or authority is None:
        raise InvalidInput("the first line must name a column of postcodes (pcds) and one of authorities (laua or ladNNcd)")
    over = header.index(_OVER) if _OVER in header else None
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if len(row) == len(header) and not (over is not None and row[over].strip()):
            outward, gss = outward_of(row[postcode]), row[authority].strip().upper()
            if outward and _GSS.fullmatch(gss):
                counts[outward][gss] += 1
    if not counts:
        raise InvalidInput("there is no postcode with an authority in the file")
    return {outward: {gss: count / each.total() for gss, count in each.items()} for outward, each in counts.items()}


def outward_of(postcode: str) -> str:
    """The first half of a postcode, however it is written; empty where it is none.

    "LS1 4AP", "ls14ap", "LS1 4" and "LS1" are LS1: what stands before a space is a first half or nothing.
    """
    first, *_ = postcode.upper().split() or [""]
    whole = _WHOLE.fullmatch(first)
    if whole:
        return whole[1]
    return first if OUTWARD.fullmatch(first) else ""


async def replace_directory(transaction: Connection, actor: Actor, name: str, districts: Districts) -> int:
    """Load a directory in the place of the one before, with an audit event. Returns how many districts it has."""
    rows = [(outward, gss, share) for outward, each in districts.items() for gss, share in each.items()]
    await transaction.execute("DELETE FROM postcode_districts")
    async with transaction.cursor().copy("COPY postcode_districts (outward, gss_code, share) FROM STDIN") as copy:
        for row in rows:
            await copy.write_row(row)
    await transaction.execute(
        """
        INSERT INTO postcode_directory (name, loaded_at) VALUES (%s, now())
        ON CONFLICT (only_one) DO UPDATE SET name = excluded.name, loaded_at = excluded.loaded_at
        """,
        (name,),
    )
    await record_audit(transaction, actor, "postcodes.load", "store", "postcodes", districts=len(districts))
    return len(districts)


async def directory_name(transaction: Transaction) -> str:
    """What the directory is called that is loaded; empty where none is."""
    row = await (await transaction.execute("SELECT name FROM postcode_directory")).fetchone()
    return str(row[0]) if row else ""
