"""PostgreSQL and Valkey from wheels, under a data folder, for as long as the process that started them lives.

Called by `nightlight serve` and `demo` and by the tests, where no real servers are named. What comes in is a folder;
the URLs of the two servers go back, and to other commands of the same user by way of `find`.
"""

from nightlight.embedded.errors import EmbeddedServersError, FolderInUse
from nightlight.embedded.servers import EmbeddedServers, Servers, find

__all__ = ["EmbeddedServers", "EmbeddedServersError", "FolderInUse", "Servers", "find"]
