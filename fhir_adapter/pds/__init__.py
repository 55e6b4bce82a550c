"""Asking the national register, PDS, for a trace: `open_trace` gives who can be asked, whether PDS is configured or not.

The dispatcher's process and `nightlight trace` ask; the desk never does. What is asked stands in docs/integration/pds.md.
"""

from fhir_adapter.pds.client import PdsTrace, open_trace

__all__ = ["PdsTrace", "open_trace"]
