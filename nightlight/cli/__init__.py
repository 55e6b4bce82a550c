"""The command line: every command of Nightlight, by what people do with it.

`nightlight.__main__` calls `app`. What goes wrong is one line that says what to do, never a stack of calls.
"""

from nightlight.cli.app import app

__all__ = ["app"]
