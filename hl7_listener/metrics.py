"""What the listener counts, for Prometheus. No label ever names a message or a person."""

from prometheus_client import Counter

RECYCLED = Counter(
    "nightlight_recycled_control_ids", "Messages whose control ID came before with other content, by site.", ["site"]
)
LOOKUPS = Counter("nightlight_query_lookups", "NHS numbers looked up by HL7 query, by peer and site.", ["peer", "site"])
NOT_IN_FEED = Counter(
    "nightlight_query_lookups_not_in_feed", "Those that the feed of the site's organisation never had.", ["peer", "site"]
)
REFUSED = Counter("nightlight_mllp_refused", "Connections that the listener refused, by reason.", ["reason"])
OUTBOUND_DROPPED = Counter(
    "nightlight_outbound_acks_dropped",
    "What hospitals' engines sent that acknowledges no message in hand, by site and reason.",
    ["site", "reason"],
)
