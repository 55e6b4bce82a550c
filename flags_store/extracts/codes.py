"""The codes with which an extract or one of its records is refused, and the words that go with each: one table.

`csv_reader`, `extract_record` and `reconcile` refuse with them; reports show both. `docs/authority-extract.md` lists the
same table, and a test compares them. National codes (CPR, CPF) are another list, for another door.
"""

from enum import StrEnum


class FileCode(StrEnum):
    """Why a whole file is refused; nothing of it is loaded."""

    EMPTY_FILE = "empty-file"
    WRONG_HEADER = "wrong-header"
    NOT_UTF8 = "not-utf8"
    NO_RECORDS = "no-records"
    UNSAFE_XML = "unsafe-xml"
    BROKEN_XML = "broken-xml"
    CUT_XML = "cut-xml"
    WRONG_ENCODING = "wrong-encoding"
    OVERSIZED_XML = "oversized-xml"
    WRONG_ROOT = "wrong-root"
    UNSUPPORTED_INTERACTION = "unsupported-interaction"
    NO_SEQUENCE_NUMBER = "no-sequence-number"
    WRONG_SENDER = "wrong-sender"
    ZIP_DAMAGED = "zip-damaged"
    ZIP_ENCRYPTED = "zip-encrypted"
    ZIP_METHOD = "zip-method"
    ZIP_TOO_BIG = "zip-too-big"
    TABLE_MISSING = "table-missing"
    TABLE_TWICE = "table-twice"
    TABLE_EMPTY = "table-empty"
    TABLE_COLUMNS = "table-columns"
    TABLE_ENCODING = "table-encoding"
    TABLE_QUOTES = "table-quotes"
    TABLE_LINE_TOO_LONG = "table-line-too-long"
    TIME_MISSING = "time-missing"
    TOO_MUCH = "too-much"


class RecordCode(StrEnum):
    """Why one record is refused; the others load."""

    LINE_TOO_LONG = "line-too-long"
    WRONG_COLUMNS = "wrong-columns"
    BAD_QUOTES = "bad-quotes"
    BAD_CHARACTER = "bad-character"
    TOO_LONG = "too-long"
    MISSING = "missing"
    BAD_NHS_NUMBER = "bad-nhs-number"
    NOT_TEST_NUMBER = "not-test-number"
    TEST_NUMBER = "test-number"
    NOT_ISSUED_NUMBER = "not-issued-number"
    UNKNOWN_KIND = "unknown-kind"
    BAD_DATE = "bad-date"
    END_BEFORE_START = "end-before-start"
    DUE_DATE_NOT_UNBORN = "due-date-not-unborn"
    DUE_DATE_IMPLAUSIBLE = "due-date-implausible"
    ADULT_AT_START = "adult-at-start"
    START_IN_FUTURE = "start-in-future"
    BIRTH_IN_FUTURE = "birth-in-future"
    DELETE_IN_FUTURE = "delete-in-future"
    TWO_PEOPLE = "two-people"
    CONTRADICTION = "contradiction"
    NOT_HELD = "not-held"
    OVERLAP = "overlap"
    TOO_MANY = "too-many"
    NOT_IN_PDS = "not-in-pds"
    PDS_DIFFERS = "pds-differs"
    INVALIDATED = "invalidated"
    SEALED = "sealed"
    OLD_NHS_NUMBER = "old-nhs-number"
    NO_PLANS = "no-plans"
    TOO_MANY_PLANS = "too-many-plans"
    UNKNOWN_PLAN = "unknown-plan"
    NO_PERSON = "no-person"
    CHILD_AND_MOTHER = "child-and-mother"
    PLAN_OF_ANOTHER = "plan-of-another"
    PERSON_UNKNOWN = "person-unknown"
    PERSONS_DIFFER = "persons-differ"
    TWO_NUMBERS = "two-numbers"
    NO_NHS_NUMBER = "no-nhs-number"
    NO_NHS_NUMBER_OF_MOTHER = "no-nhs-number-of-mother"
    NO_NAME = "no-name"
    NO_BIRTH_DATE = "no-birth-date"
    UNBORN_WITH_NUMBER = "unborn-with-number"
    UNBORN_IN_CARE = "unborn-in-care"
    NO_MOTHER = "no-mother"
    MOTHER_UNCLEAR = "mother-unclear"
    PLAN_TWICE = "plan-twice"
    CARE_WITHOUT_ID = "care-without-id"
    CARE_OF_TWO = "care-of-two"
    CARE_STARTS_DIFFER = "care-starts-differ"
    EPISODE_MUST_FOLLOW = "episode-must-follow"
    TOO_MANY_EPISODES = "too-many-episodes"


class NoteCode(StrEnum):
    """What is said of an extract and refuses nothing."""

    COUNT_DIFFERS = "count-differs"
    SEQUENCE_GAP = "sequence-gap"
    SPELLING = "spelling"
    SUPERSEDED = "superseded"
    DECEASED = "deceased"
    RESTRICTED = "restricted"
    UNBORN_CLOSED = "unborn-closed"
    QUANTITY_DIFFERS = "quantity-differs"
    PHONE_DIFFERS = "phone-differs"
    OTHER_AUTHORITYS = "other-authoritys"
    LONG_ENDED = "long-ended"
    SHORT_BREAKS = "short-breaks"
    UNKNOWN_STATUS = "unknown-status"
    UNKNOWN_REASON = "unknown-reason"
    ENDED_BY_DEATH = "ended-by-death"
    ENDED_BY_AGE = "ended-by-age"
    EPISODES_APART = "episodes-apart"
    WAITING_FOR_NUMBER = "waiting-for-number"
    PLACEMENTS_LEFT_OUT = "placements-left-out"


FILE_WORDS = {
    FileCode.EMPTY_FILE: "The file is empty.",
    FileCode.WRONG_HEADER: "The first line is not the header that is expected: {problem}.",
    FileCode.NOT_UTF8: "Line {line} is not UTF-8: save the file as “CSV UTF-8”.",
    FileCode.NO_RECORDS: "The file has a header and no records: did the export run to its end?",
    FileCode.UNSAFE_XML: "The XML has a DOCTYPE or entities, which are never read: send it without.",
    FileCode.BROKEN_XML: "The XML is broken at line {line}: the file was damaged, or is something else.",
    FileCode.CUT_XML: "The XML ends before its last element does, at line {line}: was the file cut off on the way?",
    FileCode.WRONG_ENCODING: "The XML is not in the encoding that it declares: send it as UTF-8.",
    FileCode.OVERSIZED_XML: "The XML has a tag that is longer, or elements that are nested deeper, than any upload has them.",
    FileCode.WRONG_ROOT: "The outermost element of the XML is not File: this is no CP-IS local authority upload.",
    FileCode.UNSUPPORTED_INTERACTION: "This interaction, or its version, is not read here: send CP-ISLocalAuthorityUpload-v1-0.",
    FileCode.NO_SEQUENCE_NUMBER: "The file has no sequence number: File/id must stand before the records and hold a whole number.",
    FileCode.WRONG_SENDER: "The file says that another authority sent it.",
    FileCode.ZIP_DAMAGED: "The zip is damaged or cut short: make it and send it again.",
    FileCode.ZIP_ENCRYPTED: "The zip has a password: make it without one.",
    FileCode.ZIP_METHOD: "The zip is packed in an unusual way: make it with the zip of Windows, or with Deflate.",
    FileCode.ZIP_TOO_BIG: "The zip holds more than {limit}: send the tables of the dataset and nothing else.",
    FileCode.TABLE_MISSING: "There is no {table}: every table is a file with its name, such as ssd_person.csv.",
    FileCode.TABLE_TWICE: "There are two files of {table}: which is right?",
    FileCode.TABLE_EMPTY: "{table} is empty: its first line must name the columns.",
    FileCode.TABLE_COLUMNS: "{table} cannot be read: {problem}.",
    FileCode.TABLE_ENCODING: "{table} is neither UTF-8 nor UTF-16 nor windows-1252.",
    FileCode.TABLE_QUOTES: "{table}, line {line}: a quotation mark is not closed, or stands in the wrong place.",
    FileCode.TABLE_LINE_TOO_LONG: "{table}, line {line}: it is longer than {limit} characters.",
    FileCode.TIME_MISSING: "Say when the tables were taken from your system: the dataset itself does not.",
    FileCode.TOO_MUCH: "There are more than {limit}: send the extract of one authority and nothing else.",
}
RECORD_WORDS = {
    RecordCode.LINE_TOO_LONG: "The line is longer than {limit} bytes.",
    RecordCode.WRONG_COLUMNS: "The line has {found} fields; it must have {expected}.",
    RecordCode.BAD_QUOTES: "A quotation mark is not closed on its line, or stands in the wrong place.",
    RecordCode.BAD_CHARACTER: "The field holds a control character, such as a line break, a tab or a NUL.",
    RecordCode.TOO_LONG: "The field is longer than {limit} characters.",
    RecordCode.MISSING: "The field is empty, and is needed.",
    RecordCode.BAD_NHS_NUMBER: "This is not an NHS number: 10 digits are needed, of which the last checks the others.",
    RecordCode.NOT_TEST_NUMBER: "This store holds invented people only: their NHS numbers begin with 999.",
    RecordCode.TEST_NUMBER: "NHS numbers that begin with 999 belong to invented people; this store holds real ones.",
    RecordCode.NOT_ISSUED_NUMBER: "NHS numbers of this range, or of one digit repeated, are not issued in England.",
    RecordCode.UNKNOWN_KIND: "The kind must be CPP, LAC or UCPP.",
    RecordCode.BAD_DATE: "This is not a date from 1900 to 2100, written 2026-03-01 or 01/03/2026.",
    RecordCode.END_BEFORE_START: "The plan ends before it starts.",
    RecordCode.DUE_DATE_NOT_UNBORN: "Only the plan of an unborn child (UCPP) has an expected delivery date.",
    RecordCode.DUE_DATE_IMPLAUSIBLE: "The expected delivery date must lie between 28 days before the start and 308 after it.",
    RecordCode.ADULT_AT_START: "By the date of birth, the person was 18 or older when the plan started.",
    RecordCode.START_IN_FUTURE: "The plan starts in the future: send it from that day on.",
    RecordCode.BIRTH_IN_FUTURE: "The date of birth lies in the future: for an unborn child, send UCPP with the mother’s.",
    RecordCode.DELETE_IN_FUTURE: "The delete date lies in the future.",
    RecordCode.TWO_PEOPLE: "Records of this NHS number give different dates of birth, or are of different children: whose is it?",
    RecordCode.CONTRADICTION: "Line {other} says something else about the same plan; neither is loaded.",
    RecordCode.NOT_HELD: "There is no such plan to delete: no {kind} of this person starts on this day.",
    RecordCode.OVERLAP: "A {kind} that starts on {start} stands in the way: end it, delete it, or correct this start.",
    RecordCode.TOO_MANY: "The file has more than {limit} records of this NHS number; none of them is loaded.",
    RecordCode.NOT_IN_PDS: "PDS, the national register, knows nobody by this NHS number: check the number.",
    RecordCode.PDS_DIFFERS: "PDS, the national register, holds another {details} under this NHS number. Check the number, too.",
    RecordCode.INVALIDATED: "This NHS number is valid no longer: nothing is opened on it, and it is linked to no other number.",
    RecordCode.SEALED: "The record of this NHS number is sealed: nothing is opened on it, and it is linked to no other number.",
    RecordCode.OLD_NHS_NUMBER: "This is an NHS number of the old style: send the one of ten digits.",
    RecordCode.NO_PLANS: "The record has neither a plan nor a period of care.",
    RecordCode.TOO_MANY_PLANS: "The record has more than {limit} plans.",
    RecordCode.UNKNOWN_PLAN: "The record has a plan that is none of CPPInformation, LACInformation and UCPInformation.",
    RecordCode.NO_PERSON: "The record names neither a child nor the mother of an unborn child.",
    RecordCode.CHILD_AND_MOTHER: "The record names a child and the mother of an unborn child: send a record for each.",
    RecordCode.PLAN_OF_ANOTHER: "The plan of an unborn child goes with the mother, and every other plan with the child.",
    RecordCode.PERSON_UNKNOWN: "ssd_person has nobody with this pers_person_id.",
    RecordCode.PERSONS_DIFFER: "ssd_person says different things of this person, in lines {first} and {second}: which is right?",
    RecordCode.TWO_NUMBERS: "Two NHS numbers are given for this person, by ssd_person or ssd_linked_identifiers: which is right?",
    RecordCode.NO_NHS_NUMBER: "There is no NHS number: the guide to the dataset has the SELECT that fills pers_single_unique_id.",
    RecordCode.NO_NHS_NUMBER_OF_MOTHER: "The mother has no NHS number: the guide to the dataset has the SELECT that fills it.",
    RecordCode.NO_NAME: "There is no surname: the guide to the dataset has the SELECT that fills pers_forename and pers_surname.",
    RecordCode.NO_BIRTH_DATE: "There is neither a birth date nor an expected one: is the child born?",
    RecordCode.UNBORN_WITH_NUMBER: "By the dates the child is not born, and yet there is an NHS number: whose is it?",
    RecordCode.UNBORN_IN_CARE: "By the dates the child is not born, and cannot be looked after yet.",
    RecordCode.NO_MOTHER: "The child is not born, and ssd_mother names no mother who is in ssd_person.",
    RecordCode.MOTHER_UNCLEAR: "The child is not born, and ssd_mother names several people, or nobody marked as a mother.",
    RecordCode.PLAN_TWICE: "ssd_cp_plans says different things of this plan, in lines {first} and {second}: which is right?",
    RecordCode.CARE_WITHOUT_ID: "The episode has no clae_cla_id: to which period of care does it belong?",
    RecordCode.CARE_OF_TWO: "Episodes of this period of care (clae_cla_id) are of different people.",
    RecordCode.CARE_STARTS_DIFFER: "Episodes of this period of care give different clae_entered_care_date: which is right?",
    RecordCode.EPISODE_MUST_FOLLOW: "The last episode ended with X1, so another one must follow, and none is there.",
    RecordCode.TOO_MANY_EPISODES: "There are more than {limit} episodes of this period of care.",
}
NOTE_WORDS = {
    NoteCode.COUNT_DIFFERS: "You say that you hold {declared} open plans of kind {kind}; after this extract {held} are held.",
    NoteCode.SEQUENCE_GAP: "The sequence number is {found}, and {expected} was expected: were extracts lost on the way?",
    NoteCode.SPELLING: "The name is spelled differently in PDS (case, hyphen, apostrophe or space), and was accepted.",
    NoteCode.SUPERSEDED: "PDS has replaced this NHS number by a newer one: send that from now on. The record was accepted.",
    NoteCode.DECEASED: "PDS says that this person has died, and the record was accepted: is the plan still open?",
    NoteCode.RESTRICTED: "PDS says that nobody may learn where this person is: the record was accepted, and is masked.",
    NoteCode.UNBORN_CLOSED: "The plan of an unborn child was ended: the child’s own plan has come under the same plan id.",
    NoteCode.QUANTITY_DIFFERS: "The file says that it has {said} records, and has {found}: was a part lost on the way?",
    NoteCode.PHONE_DIFFERS: "The file gives {sent} as the {which} phone; {held} is held, and stays until somebody changes it.",
    NoteCode.OTHER_AUTHORITYS: "A temporary plan of another authority (cppl_cp_plan_ola is Y) was not loaded.",
    NoteCode.LONG_ENDED: "Left out of {table}, because ended more than 365 days before the extract was taken: {count}.",
    NoteCode.SHORT_BREAKS: "Periods of care of which time under V1, V3 or V4 alone (short breaks) was left out: {count}.",
    NoteCode.UNKNOWN_STATUS: "Unknown legal status “{word}”, counted as looked after: {count}. Say what it means.",
    NoteCode.UNKNOWN_REASON: "Unknown reason for which care ceased “{word}”: {count}. Say what it means.",
    NoteCode.ENDED_BY_DEATH: "Care that was open after the child’s death was ended on that day.",
    NoteCode.ENDED_BY_AGE: "Care that was open after the 18th birthday was ended on that day.",
    NoteCode.EPISODES_APART: "Episodes of this period of care leave days out, or overlap; it was loaded as one period.",
    NoteCode.WAITING_FOR_NUMBER: "The child may be born and has no NHS number: the plan stays on the mother’s until it comes.",
    NoteCode.PLACEMENTS_LEFT_OUT: "Left out of ssd_cla_placement, because without a period of care or a start: {count}.",
}
