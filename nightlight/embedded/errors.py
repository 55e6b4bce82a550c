"""What can go wrong with the embedded servers; each message is one line that names the remedy."""

from domain.errors import NightlightError


class EmbeddedServersError(NightlightError):
    """The embedded servers could not be started."""


class FolderInUse(EmbeddedServersError):
    """Another Nightlight runs on the same data folder."""
