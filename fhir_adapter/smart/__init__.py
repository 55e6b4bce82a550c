"""SMART Backend Services: how a registered system gets a short bearer token for the FHIR door."""
