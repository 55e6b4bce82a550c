"""The monthly sample as the doors know it: drawn, looked at and marked by the own authority's data officers; overdue if not done.

Pages and `nightlight authority sample` call it; names are seen on the page alone, and every look is audited for each person.
Source: docs/facts.md, section 4; docs/onboarding.md, "The monthly sample".
"""

from flags_store.sample_values import WRONG, OverdueSample, Result, Sample, SampledRecord
from flags_store.samples import MOST_NOTE, SAMPLE_SIZE, draw_sample, list_samples, mark_record, overdue_samples, read_sample

__all__ = [
    "MOST_NOTE", "SAMPLE_SIZE", "WRONG", "OverdueSample", "Result", "Sample", "SampledRecord", "draw_sample", "list_samples",
    "mark_record", "overdue_samples", "read_sample",
]  # fmt: skip
