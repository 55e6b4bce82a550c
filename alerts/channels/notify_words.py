"""What GOV.UK Notify is told of a letter, and the texts of the two templates that are made there.

`alerts.channels.notify` sends `email_words` and `text_words`; docs/notify.md gives the templates to whoever sets Notify up, and
the tests fill them as Notify does. Sources: docs/facts.md, section 5; docs.notifications.service.gov.uk, "personalisation".
"""

from alerts.channels.templates import TEST_MARK, Letter, count_of, reference_of, references_of, template_for

EMAIL_SUBJECT = "((test))Nightlight: ((what)), reference ((reference))"
EMAIL_BODY = """\
((test))To ((authority))

For your team in Nightlight: ((what)).

Reference: ((reference))

Sign in to read it and to answer:
((link))

This email does not say who the alert is about. Do not reply to it: nobody reads the replies.
"""
TEXT_BODY = "((test))For your team: ((what)), reference ((reference)). Sign in: ((link))"
"""Notify puts the service's name in front: "Nightlight: "."""


def email_words(letter: Letter) -> dict[str, str]:
    """The personalisation of an e-mail: everything that Notify is told of an alert."""
    return {"authority": letter.authority_name, **text_words(letter)}


def text_words(letter: Letter) -> dict[str, str]:
    """The personalisation of a text message: without the authority's name, whose letters could make it a long one.

    Of a bundle it has one reference and how many more there are, since the subject of an e-mail has it, too.
    """
    return {
        "test": TEST_MARK if letter.is_test else "",
        "what": template_for(letter).short.format(first=reference_of(letter.thread_id), count=count_of(letter)),
        "reference": references_of(letter, 1),
        "link": letter.link,
    }
