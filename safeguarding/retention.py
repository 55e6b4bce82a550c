"""What is kept about whom, for how long: one table that drives the job, the documents and the tests.

`safeguarding.housekeeping` runs what the service may erase; the owner's `nightlight retention` drops old partitions.
Source: docs/facts.md, section 7; NHS Records Management Code (children's records to the 25th birthday, 26th if 17 at the end).
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Kept:
    """One line of the table. `life` counts from `since`; None where only the agreement with the authority ends it."""

    what: str
    about: str
    since: str
    life: timedelta | None
    erased_by: str


ENCOUNTER_LIFE = timedelta(hours=72)
NEVER_CLOSED_LIFE = timedelta(hours=72)
LOOK_LIFE = timedelta(hours=12)
SESSION_LIFE = timedelta(days=90)
QUARANTINE_LIFE = timedelta(days=30)
ARRIVALS_LIFE = timedelta(days=400)
TRACE_LIFE = timedelta(hours=24)
CARD_LIFE = timedelta(days=400)
REJECTED_LIFE = timedelta(days=365)
REPORT_LIFE = timedelta(days=365)
RESPONSE_LIFE = timedelta(days=90)
MESH_LIFE = timedelta(days=400)
UPLOAD_LIFE = timedelta(days=7)
TRAIL_YEARS = 26

RETENTION = (
    Kept(
        "flags, aliases, alerts, answers and replies, identity incidents",
        "flagged people",
        "the last plan ended",
        None,
        "the agreement: 25th or 26th birthday",
    ),
    Kept("raw message bytes", "nobody flagged, processed well", "commit", timedelta(0), "never written; a hash is"),
    Kept("bytes of an upload", "everybody in it", "receipt", UPLOAD_LIFE, "the loader: once it is loaded or refused"),
    Kept("minimal encounter", "nobody flagged", "it closed", ENCOUNTER_LIFE, "housekeeping"),
    Kept("encounter without a discharge", "nobody flagged", "the last event", NEVER_CLOSED_LIFE, "housekeeping: expires first"),
    Kept("encounter of a look", "nobody flagged", "the look", LOOK_LIFE, "housekeeping: expires first"),
    Kept("control ID and hash of a message", "whoever it is about", "receipt", None, "housekeeping: NIGHTLIGHT_CONTROL_ID_DAYS"),
    Kept("quarantined message", "whoever it is about", "the decision", QUARANTINE_LIFE, "housekeeping"),
    Kept("access, audit event, attempt", "staff and flagged people", "the look", timedelta(days=365 * TRAIL_YEARS), "the owner"),
    Kept(
        "hash of a number that nobody has a flag for", "nobody flagged", "the look", timedelta(days=365 * TRAIL_YEARS), "the owner"
    ),
    Kept("number of arrivals at a site", "nobody: counts alone", "the day", ARRIVALS_LIFE, "housekeeping"),
    Kept(
        "name and birth date that PDS is asked with", "who came without a number", "receipt", TRACE_LIFE, "the answer; housekeeping"
    ),
    Kept(
        "card that an EHR was given, and what became of it",
        "staff and patients, by ids alone",
        "it was shown",
        CARD_LIFE,
        "housekeeping",
    ),
    Kept(
        "rejected record, and its correction",
        "whoever it is about",
        "it was done",
        REJECTED_LIFE,
        "housekeeping; never while it waits",
    ),
    Kept("rejected record in the report of its extract", "whoever it is about", "receipt", REPORT_LIFE, "housekeeping"),
    Kept("answer to a national upload", "everybody in it", "the load", RESPONSE_LIFE, "housekeeping"),
    Kept("line about a MESH message", "nobody: ids alone", "it was settled", MESH_LIFE, "housekeeping"),
    Kept("session", "staff", "it ended", SESSION_LIFE, "housekeeping"),
)
