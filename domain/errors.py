"""Everything that can go wrong, in words that a person can act on; the doors translate each to their own protocol.

Nothing here knows an HTTP status or an HL7 code, and no text here carries a patient.
"""


class NightlightError(Exception):
    """Something that Nightlight can name went wrong."""

    @property
    def sentence(self) -> str:
        """What happened, as a page says it: beginning with a capital."""
        text = str(self)
        return text[:1].upper() + text[1:]


class InvalidInput(NightlightError):
    """What was sent does not make sense; sending the same again cannot help."""


class InvalidNhsNumber(InvalidInput):
    """Not an NHS number."""


class NotAllowed(NightlightError):
    """The actor has no right to do this."""


class NotFound(NightlightError):
    """There is no such thing, or the actor may not see it: nobody can tell which."""


class NotSpeakingFor(NotAllowed):
    """A peer spoke for a facility that is not its own."""


class Conflict(NightlightError):
    """What was asked does not fit the state of the thing; look again."""


class Temporary(NightlightError):
    """Our own trouble: nothing was done, the same again will pass later."""


class CouldNotReachStore(Temporary):
    """The database is away or did not confirm: this is never an answer about a child."""


class DeskFull(Temporary):
    """More questions than can be held are waiting."""
