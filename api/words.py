"""Numbers and names as people in England read them: filters of the templates. Pure."""

from domain.nhs_number import NhsNumber, to_spaced


def spaced(number: str) -> str:
    """An NHS number, 3-3-4."""
    return to_spaced(NhsNumber(number))


def full_name(given: str, family: str) -> str:
    """ "HARDING, Jo", as clinical systems write it (NHS CUI, patient name); empty parts are left out."""
    return ", ".join(part for part in (family.upper(), given) if part) or "Name not held"


def telephone(phone: str) -> str:
    """A phone as the target of a link: what can be dialled."""
    return "tel:" + "".join(letter for letter in phone if letter.isdigit() or letter == "+")
