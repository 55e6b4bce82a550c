"""What is counted of PDS, for Prometheus. No label ever names a patient or an address."""

from prometheus_client import Counter

ANSWERS = Counter("nightlight_pds_answers", "Traces that were asked of PDS, by what came of them.", ["answer"])
