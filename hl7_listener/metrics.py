"""What the listener counts, for Prometheus. No label ever names a message or a person."""

from prometheus_client import Counter

RECYCLED = Counter(
    "nightlight_recycled_control_ids", "Messages whose control ID came before with other content, by site.", ["site"]
)
