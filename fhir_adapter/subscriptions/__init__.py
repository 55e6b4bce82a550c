"""Topic-based subscriptions on FHIR R4: made and read here, told over a channel of the dispatcher's."""
