"""Why an attempt at telling somebody failed, in words that say who did not do what. Pure.

`api.history_words` asks it for each attempt. The codes are those of docs/alerts.md, and a test compares them.
"""

import re

from domain.alert import ChannelName

SERVERS = {
    ChannelName.EMAIL: "the mail server",
    ChannelName.NOTIFY_EMAIL: "GOV.UK Notify",
    ChannelName.SMS: "GOV.UK Notify",
    ChannelName.MESH: "MESH",
    ChannelName.WEBHOOK: "the authority's system",
    ChannelName.HL7: "the hospital's system",
    ChannelName.SUBSCRIPTION: "the subscribed system",
}
"""Who is at the other end of a channel."""

_WHY = {
    "nobody-nudged": "open screens could not be told at once; they find it by asking",
    "not-configured": "this way of telling people is not set up",
    "no-address": "the address is not one e-mail address",
    "no-number": "the number is not one telephone number",
    "no-connection": "it cannot be reached",
    "mesh-away": "it cannot be reached",
    "unreachable": "it cannot be reached",
    "timed-out": "it does not answer in time",
    "slow": "it does not answer in time",
    "no-such-name": "its address cannot be found",
    "broken": "it broke the connection off",
    "lost-connection": "it broke the connection off",
    "tls-failed": "its certificate is not trusted, or it does not trust ours",
    "tls": "its certificate is not trusted",
    "tls-files": "our own certificates cannot be used",
    "no-tls": "it offers no protected connection",
    "smtp-failed": "it could not do what is needed",
    "notify-invalid": "it says that the address is none",
    "notify-refused": "it says that this service may not send it",
    "notify-key": "it does not know our key",
    "notify-clock": "it says that our clock is wrong",
    "notify-busy": "it was sent too many in a minute",
    "notify-day-limit": "it takes no more messages before midnight",
    "notify-unclear": "it answered with nothing that can be read",
    "receipt-temporary": "it could not deliver the message for now",
    "receipt-technical": "it could not deliver the message for a reason of its own",
    "receipt-permanent": "it says that the address or number does not exist",
    "bundled": "it is told of together with others",
    "store-away": "Nightlight's own store went away meanwhile",
    "raised": "it failed in a way that nobody has named yet",
    "feed-off": "the hospital's own system is not told at the moment",
    "no-ack": "it did not acknowledge in time",
    "ack-unclear": "it answered with a code that nobody knows",
    "ack-too-long": "it answered with more than any acknowledgement is",
    "redirect": "it sent us elsewhere",
    "too-long": "it answered with too much",
    "bad-address": "it may not be called at that address",
    "private-address": "it may not be called at that address",
    "not-https": "it may not be called without a protected connection",
    "no-handshake": "it has not answered a first greeting yet",
    "client-off": "it is disabled",
    "endpoint-off": "its address is not registered any more",
    "gone": "its system says that the address is no more",
    "no-webhook": "its address is not one of yours",
    "subscription-off": "its subscription is over",
}
_ANSWERED = re.compile(r"(?:smtp|status|notify)-(\d{3})|ack-(\w\w)")


def why(channel: ChannelName, code: str) -> str:
    """A code of a failed attempt in words; one that has none is shown as it is."""
    words = _WHY.get(code)
    if words is None:
        answered = _ANSWERED.fullmatch(code)
        words = f"it answered {(answered[1] or answered[2]).upper()}" if answered else f"it failed ({code or 'no reason is known'})"
    server = SERVERS.get(channel)
    return f"{server} {words.removeprefix('it ')}" if server and words.startswith("it ") else _of(words, server)


def _of(words: str, server: str | None) -> str:
    """ "its address" is the address of whoever is at the other end."""
    return words.replace("its ", f"{server}'s ", 1) if server and words.startswith("its ") else words
