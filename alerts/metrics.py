"""What the dispatcher counts, for Prometheus. No label ever names an alert, an authority or a person."""

from prometheus_client import Counter, Gauge

ATTEMPTS = Counter("nightlight_delivery_attempts", "Attempts at telling somebody, by channel and outcome.", ["channel", "outcome"])
CHANNEL_ERRORS = Counter(
    "nightlight_channel_errors", "Attempts at which a channel raised something that it should have named.", ["channel"]
)
STORE_ERRORS = Counter("nightlight_dispatcher_store_errors", "Times the dispatcher could not use the database.")
OLDEST_PENDING = Gauge(
    "nightlight_oldest_pending_delivery_seconds",
    "Time since the oldest delivery that still waits was due, by channel; 0 where none waits.",
    ["channel"],
    multiprocess_mode="livemostrecent",
)
NEEDING_A_PERSON = Gauge(
    "nightlight_deliveries_needing_a_person",
    "Waiting deliveries whose last attempt was refused for good, by channel.",
    ["channel"],
    multiprocess_mode="livemostrecent",
)
WAITING = Gauge(
    "nightlight_deliveries_waiting",
    "Deliveries that are due and were not told yet, by channel.",
    ["channel"],
    multiprocess_mode="livemostrecent",
)
SLOTS = Gauge(
    "nightlight_delivery_slots", "Attempts that one dispatcher makes at once, by channel.", ["channel"], multiprocess_mode="livemax"
)
IN_HAND = Gauge(
    "nightlight_deliveries_in_hand", "Attempts under way, by channel, in all dispatchers.", ["channel"], multiprocess_mode="livesum"
)
CLAIMED = Counter("nightlight_deliveries_claimed", "Deliveries that a dispatcher took in hand, by channel.", ["channel"])
BREAKERS_OPEN = Gauge(
    "nightlight_breakers_open",
    "Hosts that are left alone because they do not answer, by channel; the most that one dispatcher counts.",
    ["channel"],
    multiprocess_mode="livemax",
)
OVERDUE = Gauge(
    "nightlight_alerts_overdue",
    "Alerts that nobody acknowledged in the time of the first team in their line.",
    multiprocess_mode="livemostrecent",
)
NOBODY_LEFT = Gauge(
    "nightlight_alerts_nobody_left",
    "Alerts that nobody acknowledged in anybody's time: nobody is left to be told.",
    multiprocess_mode="livemostrecent",
)
OLDEST_UNACKNOWLEDGED = Gauge(
    "nightlight_oldest_unacknowledged_seconds",
    "For how long, of its team's duty, the alert has waited that waited longest to be acknowledged; 0 where none waits.",
    multiprocess_mode="livemostrecent",
)
UNDECIDED = Counter("nightlight_alerts_undecided", "Times nobody could decide how an alert goes on in its line: a fault of ours.")
