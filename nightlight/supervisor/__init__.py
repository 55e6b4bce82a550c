"""`nightlight serve` from the inside: servers, migrations, sockets, and the children that do the work.

Called by the command line with the settings; returns when the service has been stopped and nothing is left running.
"""

from nightlight.supervisor.children import Child
from nightlight.supervisor.readiness import NotReady, Ports
from nightlight.supervisor.serve import More, serve
from nightlight.supervisor.sockets import AddressInUse

__all__ = ["AddressInUse", "Child", "More", "NotReady", "Ports", "serve"]
