"""The FHIR R4 door: searches become questions to the desk, answers become Bundles; it translates, nothing else."""
