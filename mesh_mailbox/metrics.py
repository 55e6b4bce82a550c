"""What is measured of MESH, for Prometheus. No label ever names an authority, a mailbox or a person."""

from prometheus_client import Counter, Gauge

LAST_POLLED = Gauge(
    "nightlight_mesh_last_polled_timestamp_seconds",
    "When the MESH inbox was last gone through to its end; 0 where it never was.",
    multiprocess_mode="max",
)
INBOX_MESSAGES = Counter("nightlight_mesh_inbox_messages", "Messages found in the MESH inbox, by what came of them.", ["outcome"])
INBOX_LEFT = Gauge(
    "nightlight_mesh_inbox_left", "Messages that lie in the MESH inbox because nobody could take them in.", multiprocess_mode="max"
)
OUTBOX_WAITING = Gauge("nightlight_mesh_outbox_waiting", "Messages that wait to be sent by MESH.", multiprocess_mode="max")
OUTBOX_OLDEST = Gauge(
    "nightlight_mesh_outbox_oldest_seconds", "Age of the oldest message that waits to be sent by MESH; 0 where none does.",
    multiprocess_mode="max",
)  # fmt: skip
