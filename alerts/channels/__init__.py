"""The ways of telling people: a class each, behind the Protocol of `domain.channel`."""
