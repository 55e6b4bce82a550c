"""What the figures stand beside: other programs that are given the same load on the same machine, in the same run.

`rounds` asks for one by its name; `report` says which bar is held against which.
"""

PGBENCH = "pgbench"
WITHOUT_DATABASE = "without-database"
MESSAGE_FOUNDRY = "messagefoundry"

WORDS = {
    PGBENCH: "pgbench",
    WITHOUT_DATABASE: "the listener without a database",
    MESSAGE_FOUNDRY: "MessageFoundry 0.2.1",
}
"""By name, as a person reads it."""


class NoYardstick(Exception):
    """A yardstick did not do all that it was asked to."""
