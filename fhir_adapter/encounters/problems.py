"""What is wrong with a resource that was sent: every problem with the element that it is in, none with what stood there.

`json_body`, `validity` and `reading` raise it; `app` answers it with 400.
Source: FHIR R4 OperationOutcome (issue-type, expression); docs/integration/encounter.md, section 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_adapter.codes import SPINE_CODES, Json, coding
from fhir_adapter.errors import INVALID_SEARCH, Refused

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `code` is FHIR's issue-type, `expression` a FHIRPath of names that FHIR knows."""

    code: str
    expression: str
    words: str


class BadResource(Refused):
    """A resource that cannot be taken; nothing of it was recorded. Sending the same again cannot help."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(INVALID_SEARCH, "Nothing was recorded.")
        self.problems = tuple(problems[:MOST_SHOWN])

    def to_operation_outcome(self) -> Json:
        """One issue for each problem."""
        details = {"coding": [coding(SPINE_CODES, self.kind.spine_code, self.kind.display)]}
        return {
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "severity": "error",
                    "code": problem.code,
                    "details": details,
                    "diagnostics": f"Nothing was recorded. {problem.words}",
                    "expression": [problem.expression],
                }
                for problem in self.problems
            ],
        }


def bad(code: str, expression: str, words: str) -> BadResource:
    """A resource with one problem."""
    return BadResource([Problem(code, expression, words)])
