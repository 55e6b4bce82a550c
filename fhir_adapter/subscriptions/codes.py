"""Every URL and code of the Subscriptions R5 Backport IG 1.1 that this door speaks, and the topics that are its own.

Sources: hl7.fhir.uv.subscriptions-backport 1.1.0; FHIR R4 Subscription, Basic and Communication.
"""

from domain.subscription import Topic

_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport"

SUBSCRIPTION_PROFILE = f"{_BACKPORT}/StructureDefinition/backport-subscription"
NOTIFICATION_PROFILE = f"{_BACKPORT}/StructureDefinition/backport-subscription-notification-r4"
STATUS_PROFILE = f"{_BACKPORT}/StructureDefinition/backport-subscription-status-r4"
FILTER_CRITERIA = f"{_BACKPORT}/StructureDefinition/backport-filter-criteria"
PAYLOAD_CONTENT = f"{_BACKPORT}/StructureDefinition/backport-payload-content"
HEARTBEAT_PERIOD = f"{_BACKPORT}/StructureDefinition/backport-heartbeat-period"
TIMEOUT = f"{_BACKPORT}/StructureDefinition/backport-timeout"
MAX_COUNT = f"{_BACKPORT}/StructureDefinition/backport-max-count"
CHANNEL_TYPE = f"{_BACKPORT}/StructureDefinition/backport-channel-type"
TOPIC_CANONICAL = f"{_BACKPORT}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
SERVER_CAPABILITIES = f"{_BACKPORT}/CapabilityStatement/backport-subscription-server-r4"

OPERATIONS = {
    "$status": f"{_BACKPORT}/OperationDefinition/backport-subscription-status",
    "$events": f"{_BACKPORT}/OperationDefinition/backport-subscription-events",
}
"""The definition of each operation, by its name."""

SUBSCRIPTION_ERROR = "http://terminology.hl7.org/CodeSystem/subscription-error"
TOPIC_ELEMENT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic"
FHIR_TYPES = "http://hl7.org/fhir/fhir-types"

_TOPICS = "https://nightlight.example/fhir/SubscriptionTopic"
TOPIC_URLS = {topic: f"{_TOPICS}/{topic.value}" for topic in Topic}
"""The canonical of each topic, which is its criteria in a Subscription."""

TOPICS = {url: topic for topic, url in TOPIC_URLS.items()}
