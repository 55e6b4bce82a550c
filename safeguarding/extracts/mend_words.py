"""What would mend a rejected record, by the code of its refusal, in words for the person who has to do it.

The page of rejected records shows it beside the reason; docs/authority/rejected-records.md has the same table, and a test compares.
Source: docs/authority-extract.md.
"""

from flags_store.extracts.codes import RecordCode

_SPLIT = "Type the ten values into their fields here, and correct the export: its lines do not come out whole."
_NUMBER = "Look the child up in your system or the NHS record and enter the right number."
_SEALED = (
    "Nothing is mended here: old and new number must never stand side by side. Send the child anew from your system, or dismiss."
)

ADVICE: dict[RecordCode, str] = {
    RecordCode.LINE_TOO_LONG: _SPLIT,
    RecordCode.WRONG_COLUMNS: _SPLIT,
    RecordCode.BAD_QUOTES: _SPLIT,
    RecordCode.BAD_CHARACTER: "Type the value again, without line breaks and tabs.",
    RecordCode.TOO_LONG: "Shorten the value: something else was probably typed into this field.",
    RecordCode.MISSING: "Enter the value. Nobody can be found by a record without it.",
    RecordCode.BAD_NHS_NUMBER: f"A digit is wrong or missing, or two are swapped. {_NUMBER}",
    RecordCode.NOT_TEST_NUMBER: "This is a test system. Send real children to the production system only.",
    RecordCode.TEST_NUMBER: f"The number is a made-up one. {_NUMBER}",
    RecordCode.NOT_ISSUED_NUMBER: f"No child in England has this number; it may be a placeholder. {_NUMBER}",
    RecordCode.UNKNOWN_KIND: "Choose CPP, LAC or UCPP. If it is none of these, the record must not be loaded: dismiss it.",
    RecordCode.BAD_DATE: "Enter the day as 2026-03-01 or 01/03/2026.",
    RecordCode.END_BEFORE_START: "Correct the start or the end. If the plan never was, enter when that was found as delete date.",
    RecordCode.DUE_DATE_NOT_UNBORN: "Take the expected delivery date away, or make the record a UCPP on the mother’s number.",
    RecordCode.DUE_DATE_IMPLAUSIBLE: "Correct the expected delivery date or the start, or leave the date empty.",
    RecordCode.ADULT_AT_START: "Correct the date of birth or the start. For an unborn child the kind is UCPP.",
    RecordCode.START_IN_FUTURE: "Correct the start. If it is right, wait: the record loads with your first extract after that day.",
    RecordCode.BIRTH_IN_FUTURE: "Correct the date of birth. For an unborn child send a UCPP with all that is the mother’s.",
    RecordCode.DELETE_IN_FUTURE: "Enter the day on which the mistake was found: today or earlier.",
    RecordCode.TWO_PEOPLE: f"Two records share one number and are not one child. {_NUMBER}",
    RecordCode.CONTRADICTION: "Decide which of the records is true, mend that one, and dismiss the other.",
    RecordCode.NOT_HELD: "If the plan was never loaded, dismiss the record. Otherwise correct number, kind or start.",
    RecordCode.OVERLAP: "Correct the start, or mend the plan that stands in the way: send its end, or its delete date.",
    RecordCode.TOO_MANY: f"One number stands for many records: it is probably a placeholder. {_NUMBER}",
    RecordCode.NOT_IN_PDS: f"The number was mistyped, or was never given out. {_NUMBER}",
    RecordCode.PDS_DIFFERS: "Compare name and date of birth with the child’s papers, and correct them or the number.",
    RecordCode.INVALIDATED: _SEALED,
    RecordCode.SEALED: _SEALED,
    RecordCode.OLD_NHS_NUMBER: _NUMBER,
    RecordCode.NO_PLANS: "If there is a plan, enter its kind and start. If there is none, dismiss the record.",
    RecordCode.TOO_MANY_PLANS: "Send one record for each plan: enter one here, and the others with your next extract.",
    RecordCode.UNKNOWN_PLAN: "Enter the kind and the start of the plan, and have the export corrected.",
    RecordCode.NO_PERSON: "Enter whose plan it is: the child’s details, or for a UCPP the mother’s.",
    RecordCode.CHILD_AND_MOTHER: "Enter one of the two here: the child with its plan, or the mother with the UCPP.",
    RecordCode.PLAN_OF_ANOTHER: "For a UCPP enter the mother’s details, for any other plan the child’s.",
    RecordCode.PERSON_UNKNOWN: "Enter the person’s details here, and have the export corrected: its tables do not fit together.",
    RecordCode.PERSONS_DIFFER: "Find out which of the two is right, enter it here, and correct the person in your system.",
    RecordCode.TWO_NUMBERS: _NUMBER,
    RecordCode.NO_NHS_NUMBER: _NUMBER,
    RecordCode.NO_NHS_NUMBER_OF_MOTHER: "Look the mother up in your system or the NHS record, and enter her number.",
    RecordCode.NO_NAME: "Enter given name and family name, and have the export corrected.",
    RecordCode.NO_BIRTH_DATE: "Enter the date of birth. For an unborn child enter a UCPP with all that is the mother’s.",
    RecordCode.UNBORN_WITH_NUMBER: "Correct the date of birth, or enter a UCPP with all that is the mother’s.",
    RecordCode.UNBORN_IN_CARE: "Correct the date of birth, or the start of the care.",
    RecordCode.NO_MOTHER: "Enter a UCPP with the mother’s number, name and date of birth, and record her in your system.",
    RecordCode.MOTHER_UNCLEAR: "Enter a UCPP with all that is the mother’s, and mark her as mother in your system.",
    RecordCode.PLAN_TWICE: "Find out which of the two is right, enter it here, and correct the plan in your system.",
    RecordCode.CARE_WITHOUT_ID: "Enter the period of care here as a LAC, and have the export corrected.",
    RecordCode.CARE_OF_TWO: "Enter the period of care of each child as a record of its own, and have the export corrected.",
    RecordCode.CARE_STARTS_DIFFER: "Enter the right start of the care here, and correct the episodes in your system.",
    RecordCode.EPISODE_MUST_FOLLOW: "Enter here how the care stands today, and record the next episode in your system.",
    RecordCode.TOO_MANY_EPISODES: "Enter the period of care here as a LAC: one id probably stands for many.",
}
_UNKNOWN = "Look at the record, mend what the reason says, and send it again."


def what_would_mend(code: str) -> str:
    """One or two sentences; never anything from the record."""
    return next((words for known, words in ADVICE.items() if known == code), _UNKNOWN)
