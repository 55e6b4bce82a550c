"""Asking the EHR itself for the patient, where it sent no prefetch: only at the address that is registered for it.

`answering` calls it. A caller cannot make Nightlight fetch anything else; what cannot be had is 412, as the standard has it.
Source: CDS Hooks 2.0, "FHIR Resource Access", "Prefetch Template".
"""

import asyncio

from fhir_adapter.cds_hooks.calls import Call
from fhir_adapter.cds_hooks.errors import NO_PATIENT, Refused
from fhir_adapter.cds_hooks.parts import CdsParts
from fhir_adapter.codes import FHIR_JSON, Json
from runtime.endpoints import EndpointError
from runtime.logs import get_logger
from safeguarding.cds_clients import CdsClient

log = get_logger()


async def fetch_patient(parts: CdsParts, client: CdsClient, call: Call) -> Json:
    """The Patient of the call. Raises Refused (412) where it cannot be had."""
    if not call.fhir_server or not call.token:
        raise Refused(NO_PATIENT, "Send the Patient as prefetch.patient, or fhirServer with fhirAuthorization.")
    if client.fhir_server is None or call.fhir_server.rstrip("/") != client.fhir_server:
        raise Refused(NO_PATIENT, "This fhirServer is not registered for this EHR. Send the Patient as prefetch.patient.")
    url = f"{client.fhir_server}/Patient/{call.patient_id}"
    try:
        async with asyncio.timeout(parts.patience.fetch):
            patient = await parts.endpoints.get_json(url, {"authorization": f"Bearer {call.token}", "accept": FHIR_JSON})
    except (EndpointError, TimeoutError) as error:
        log.warning("patient not fetched", code=error.code if isinstance(error, EndpointError) else "slow")
        raise _not_given() from None
    if not isinstance(patient, dict) or patient.get("resourceType") != "Patient":
        raise _not_given()
    return patient


def _not_given() -> Refused:
    return Refused(NO_PATIENT, "The fhirServer did not give us the Patient. Send it as prefetch.patient.")
