"""What the dispatcher counts, for Prometheus. No label ever names an alert, an authority or a person."""

from prometheus_client import Counter, Gauge

ATTEMPTS = Counter("nightlight_delivery_attempts", "Attempts at telling somebody, by channel and outcome.", ["channel", "outcome"])
CHANNEL_ERRORS = Counter(
    "nightlight_channel_errors", "Attempts at which a channel raised something that it should have named.", ["channel"]
)
STORE_ERRORS = Counter("nightlight_dispatcher_store_errors", "Times the dispatcher could not use the database.")
OLDEST_PENDING = Gauge(
    "nightlight_oldest_pending_delivery_seconds",
    "Age of the oldest delivery that still waits, by channel; 0 where none does.",
    ["channel"],
    multiprocess_mode="livemostrecent",
)
NEEDING_A_PERSON = Gauge(
    "nightlight_deliveries_needing_a_person",
    "Waiting deliveries whose last attempt was refused for good, by channel.",
    ["channel"],
    multiprocess_mode="livemostrecent",
)
