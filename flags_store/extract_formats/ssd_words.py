"""Legal statuses and reasons for which care ceased, as national codes: out of codes, descriptions or an authority's own words.

`ssd_care` asks, `flags_store.ssd_terms` keeps an authority's own words under what `fold` makes of them. Liquidlogic sends
descriptions. Source: DfE, SSDA903 code sets, as the dataset's specification repeats them.
"""

import re
from collections.abc import Mapping

SHORT_BREAKS = frozenset({"V1", "V3", "V4"})
ANOTHER_FOLLOWS = "X1"
ADOPTED = frozenset({"E11", "E12"})
LEGAL_STATUSES = frozenset({"C1", "C2", "D1", "E1", "J1", "J2", "J3", "L1", "L2", "L3", "V1", "V2", "V3", "V4"})
REASONS = frozenset(
    {
        "X1", "E1", "E2", "E3", "E4", "E4A", "E4B", "E5", "E6", "E7", "E8", "E9", "E11", "E12", "E13", "E14", "E15", "E16", "E17",
        "E41", "E43", "E44", "E45", "E46", "E47", "E48",
    }
)  # fmt: skip
_CODE_FIRST = re.compile(r"([A-Za-z][0-9]{1,2}[A-Za-z]?)(?![0-9A-Za-z])")


def fold(words: str) -> str:
    """Words without what people write in different ways: case, dashes, punctuation, spaces."""
    return " ".join(re.findall(r"[^\W_]+", words.casefold()))


def status_code(text: str, own: Mapping[str, str]) -> str | None:
    """The code of a legal status; None where nobody knows it. `own` has folded words and codes."""
    return _code(text, own, LEGAL_STATUSES, _STATUS_WORDS)


def reason_code(text: str, own: Mapping[str, str]) -> str | None:
    """The code of a reason for which care ceased; None where nobody knows it."""
    return _code(text, own, REASONS, _REASON_WORDS)


def _code(text: str, own: Mapping[str, str], known: frozenset[str], national: Mapping[str, str]) -> str | None:
    if not text:
        return None
    folded = fold(text)
    meant = own.get(folded)
    if meant in known:
        return meant
    found = _CODE_FIRST.match(text.strip())
    if found and found[1].upper() in known:
        return found[1].upper()
    return national.get(folded)


_STATUS_WORDS = {
    fold(words): code
    for code, words in {
        "C1": "Interim care order",
        "C2": "Full care order",
        "D1": "Freeing order granted",
        "E1": "Placement order granted",
        "V2": "Single period of accommodation under section 20 (Children Act 1989)",
        "V3": "Accommodated under an agreed series of short-term breaks, when individual episodes of care are recorded",
        "V4": (
            "Accommodated under an agreed series of short-term breaks, when agreements are recorded"
            " (NOT individual episodes of care)"
        ),
        "L1": "Under police protection and in local authority accommodation",
        "L2": "Emergency protection order (EPO)",
        "L3": "Under child assessment order and in local authority accommodation",
        "J1": "Remanded to local authority accommodation or to youth detention accommodation",
    }.items()
}
_REASON_WORDS = {
    fold(words): code
    for code, words in {
        "X1": "Episode ceases, and new episode begins on same day, for any reason",
        "E11": "Adopted - application for an adoption order unopposed",
        "E12": "Adopted - consent dispensed with by the court",
        "E2": "Died",
        "E3": "Care taken over by another local authority in the UK",
        "E7": "Transferred to residential care funded by adult social care services",
        "E8": "Period of being looked-after ceased for any other reason",
        "E9": "Sentenced to custody",
        "E14": "Accommodation on remand ended",
        "E16": "Child moved abroad",
        "E17": "Aged 18 (or over) and remained with current carers (inc under staying put arrangements)",
    }.items()
}
