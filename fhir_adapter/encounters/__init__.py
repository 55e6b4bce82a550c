"""Recording an encounter over FHIR: a body becomes what was sent, a rule says which event it is, the desk's answer goes back."""
