"""What is wrong with a form that answers: a social worker's to an alert, and a clinician's back to the social care team."""

from collections.abc import Container

from domain.alert import LONGEST_TEXT


def answer_errors(name: str, chosen: str, choices: Container[str], text: str) -> dict[str, str]:
    """What to say beside which field; empty where the form can be taken. `name` is the field of the coded answer."""
    errors = {}
    if chosen not in choices:
        errors[name] = "Choose what you answer"
    if len(text) > LONGEST_TEXT:
        errors["text"] = f"The message can have {LONGEST_TEXT} characters at most"
    return errors
