"""Validates the resources of standard input, {name: resource}, by fhirkit-rs, and prints {name: [what is wrong]}."""

import json
import sys

import fhirkit  # type: ignore[import-not-found]

samples = json.load(sys.stdin)
json.dump({name: [str(each) for each in fhirkit.validate(resource)] for name, resource in samples.items()}, sys.stdout)
