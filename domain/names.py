"""Comparing names as people write them: Unicode forms, case, hyphens, apostrophes and spaces make no difference.

Extract matching and the "details differ" caution use the one comparison. Source: docs/facts.md, section 4.
"""

import unicodedata

from domain.encounter import Identity
from domain.flag import Flag


def same_name(one: str, other: str) -> bool:
    """Whether two spellings are the same name."""
    return _folded(one) == _folded(other)


def details_differ(identity: Identity, flag: Flag) -> bool:
    """Whether surname or date of birth, where both sides give one, disagree. On an unborn plan the mother is compared."""
    if flag.is_of_mother:  # the names are the mother's
        return False
    if identity.birth_date and flag.birth_date and identity.birth_date != flag.birth_date:
        return True
    if identity.has_placeholder_name or not identity.family_name or not flag.family_name:
        return False
    return not same_name(identity.family_name, flag.family_name)


def _folded(name: str) -> str:
    decomposed = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in decomposed if letter.isalnum() or unicodedata.combining(letter))
