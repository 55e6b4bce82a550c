"""docs/alerts.md says what the code does: its picture and its tables are compared with the code's own."""

import re
from pathlib import Path

from alerts import metrics
from alerts.channel_run import ORDINARY_PACE
from alerts.retry import LONGEST_SECONDS
from domain.alert import TRANSITIONS

ROOT = Path(__file__).parents[2]
CALLING = (ROOT / "fhir_adapter" / "subscriptions" / "channel.py", ROOT / "safeguarding" / "subscription_calls.py")
TEXT = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
CALLER = (ROOT / "runtime" / "endpoints.py").read_text(encoding="utf-8")


def test_the_picture_is_the_transition_table() -> None:
    picture = re.search(r"stateDiagram-v2\n    \[\*\] --> raised\n(.*?)```", TEXT, re.DOTALL)
    assert picture is not None
    drawn = [line.strip() for line in picture[1].splitlines()]
    assert drawn == [f"{before} --> {after}: {event}" for (before, event), after in TRANSITIONS.items()]


def test_every_code_of_an_attempt_is_explained() -> None:
    files = [*(ROOT / "alerts").rglob("*.py"), *(ROOT / "hl7_listener").glob("outbound*.py"), *CALLING]
    sources = "".join(path.read_text(encoding="utf-8") for path in files)
    given = set(re.findall(r'Attempted\([^)]*?, f?"([a-z0-9-]+)', sources))
    given |= {"no-connection", "smtp-failed", "lost-connection", "no-ack"}
    given |= set(re.findall(r'return "([a-z-]+)"', sources)) | set(re.findall(r'EndpointError\("([a-z-]+)"', CALLER))
    given.discard("not-json")  # nobody reads what a subscriber answers
    table = TEXT.partition("| code |")[2].partition("\n\n")[0]
    explained = set(re.findall(r"`([a-z0-9-]+)`", table.replace("smtp-4xx", "smtp-")))
    assert given - explained == set()


def test_every_metric_is_listed() -> None:
    ours = [getattr(metrics, name) for name in dir(metrics) if name.isupper()]
    names = {metric.describe()[0].name for metric in ours}
    assert {name for name in names if name not in TEXT} == set()


def test_the_times_are_the_ones_in_use() -> None:
    assert f"at most {LONGEST_SECONDS / 60:.0f} minutes, without end" in TEXT
    assert f"a lease of {ORDINARY_PACE.lease.total_seconds():.0f} seconds" in TEXT
