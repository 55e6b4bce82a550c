"""Validates the resources of standard input, {name: resource}, by pyrofile-validator, and prints {name: [what is wrong]}."""

import json
import sys

from pyrofile_validator import Validator  # type: ignore[import-not-found]

validator = Validator()


def problems(resource: object) -> list[str]:
    issues = validator.validate_resource(resource).issues
    return [f"{issue.path}: {issue.message}" for issue in issues if issue.severity.name == "ERROR"]


json.dump({name: problems(resource) for name, resource in json.load(sys.stdin).items()}, sys.stdout)
