"""The topics as Basic resources, the form in which R4 can hold R5's SubscriptionTopic. Pure.

`handlers` answers reads and searches of Basic with them; `capability` publishes their canonicals.
Source: Subscriptions R5 Backport IG 1.1 and 1.2, "Topics in FHIR R4"; FHIR R5 SubscriptionTopic.
"""

from domain.subscription import Topic
from fhir_adapter.codes import Json
from fhir_adapter.subscriptions.codes import FHIR_TYPES, TOPIC_ELEMENT, TOPIC_URLS
from fhir_adapter.subscriptions.filters import PARAMETERS

_VERSION = "1.0.0"
_DATE = "2026-11-22"
_TITLES = {
    Topic.CHILD_SEEN: "A flagged child was seen",
    Topic.ALERT_ACKNOWLEDGED: "Social care has answered",
}
_DESCRIPTIONS = {
    Topic.CHILD_SEEN: "For a local authority: a child with a plan of its own was seen in unscheduled care, or something became of "
    "such an alert (the patient left before being seen, the arrival was cancelled, it was another patient).",
    Topic.ALERT_ACKNOWLEDGED: "For a hospital: social care has read and answered an alert of an encounter at one of its sites. "
    "What it answered is not told.",
}


def topic_ids() -> tuple[str, ...]:
    """The ids under which they are read."""
    return tuple(topic.value for topic in Topic)


def to_topic(topic: Topic) -> Json:
    """One topic."""
    description = _DESCRIPTIONS[topic]
    return {
        "resourceType": "Basic",
        "id": topic.value,
        "modifierExtension": [{"url": f"{TOPIC_ELEMENT}.status", "valueCode": "active"}],
        "extension": [
            {"url": f"{TOPIC_ELEMENT}.url", "valueUri": TOPIC_URLS[topic]},
            {"url": f"{TOPIC_ELEMENT}.version", "valueString": _VERSION},
            {"url": f"{TOPIC_ELEMENT}.title", "valueString": _TITLES[topic]},
            {"url": f"{TOPIC_ELEMENT}.date", "valueDateTime": _DATE},
            {"url": f"{TOPIC_ELEMENT}.description", "valueMarkdown": description},
            {
                "url": f"{TOPIC_ELEMENT}.resourceTrigger",
                "extension": [
                    {"url": "description", "valueMarkdown": description},
                    {"url": "resource", "valueUri": "http://hl7.org/fhir/StructureDefinition/Communication"},
                    {"url": "supportedInteraction", "valueCode": "create"},
                    {"url": "supportedInteraction", "valueCode": "update"},
                ],
            },
            *(_filter(name, words) for name, words in PARAMETERS.items()),
            {
                "url": f"{TOPIC_ELEMENT}.notificationShape",
                "extension": [{"url": "resource", "valueUri": "http://hl7.org/fhir/StructureDefinition/Communication"}],
            },
        ],
        "code": {"coding": [{"system": FHIR_TYPES, "code": "SubscriptionTopic"}]},
    }


def _filter(name: str, words: str) -> Json:
    return {
        "url": f"{TOPIC_ELEMENT}.canFilterBy",
        "extension": [
            {"url": "description", "valueMarkdown": words},
            {"url": "resource", "valueUri": "Communication"},
            {"url": "filterParameter", "valueString": name},
        ],
    }
