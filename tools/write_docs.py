"""Writes those parts of the documents that are made from the code: `python -m tools.write_docs`.

A page holds a part between `<!-- made: NAME -->` and `<!-- end: NAME -->`; everything else is written by people.
tests/docs/test_made_parts.py fails where a page and the code differ.
"""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from domain.alert import TRANSITIONS, AlertState
from runtime.settings import PREFIX, Settings
from safeguarding.care_settings import DEFAULT_RULES, SITES_OWN
from safeguarding.directory import CareSettingRule
from safeguarding.retention import RETENTION

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = ("architecture.md", "configuration.md", "hl7.md")
_PART = re.compile(r"(<!-- made: (?P<name>[a-z-]+) -->\n).*?(<!-- end: (?P=name) -->\n)", re.DOTALL)


def rendered(page: str) -> str:
    """The page with every made part as the code has it now. Raises KeyError for a part that nobody makes."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n{found[3]}", page)


def alert_states() -> str:
    """The life of an alert, as a picture that Mermaid draws."""
    edges: dict[tuple[AlertState, AlertState], list[str]] = {}
    for (before, event), after in TRANSITIONS.items():
        edges.setdefault((before, after), []).append(event.value)
    lines = [f"    {before.value} --> {after.value}: {', '.join(events)}" for (before, after), events in edges.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {AlertState.RAISED.value}: raise", *lines, "```", ""])


def retention() -> str:
    """What is kept about whom, and for how long."""
    rows = [(kept.what, kept.about, kept.since, _life(kept.life), kept.erased_by) for kept in RETENTION]
    return _table(("what", "about whom", "counted from", "how long", "ended by"), rows)


def settings() -> str:
    """Every setting, by the variable that sets it."""
    rows = [_setting(name, field) for name, field in Settings.model_fields.items()]
    return _table(("variable", "default", "what it is", "secret"), rows)


def care_setting_rules() -> str:
    """The rules that a new site begins with, in their order."""
    rows = [(str(number), *_rule(rule)) for number, rule in enumerate(DEFAULT_RULES, start=1)]
    return _table(("", "PV1-2", "PV1-4", "PV1-10", "care setting", "told"), rows)


def _setting(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    shown = f"`{str(default).lower() if isinstance(default, bool) else default}`" if str(default) else "empty"
    bounds = [words for bound in field.metadata for words in _bound(bound)]
    meaning = " ".join([field.description or "", *bounds])
    return f"`{PREFIX}{name.upper()}`", shown, meaning, "yes" if field.annotation is SecretStr else ""


def _bound(bound: object) -> list[str]:
    least, above = getattr(bound, "ge", None), getattr(bound, "gt", None)
    return [f"At least {least}."] if least is not None else [f"More than {above}."] if above is not None else []


def _rule(rule: CareSettingRule) -> tuple[str, str, str, str, str]:
    conditions = [", ".join(sorted(codes)) or "any" for codes in _codes(rule)]
    if rule.setting is SITES_OWN:
        return (conditions[0], conditions[1], conditions[2], "the site's own", "as the site's own")
    told = "yes" if rule.setting.is_unscheduled else "never" if rule.setting.is_private else "no"
    return (conditions[0], conditions[1], conditions[2], rule.setting.words, told)


def _codes(rule: CareSettingRule) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    return rule.patient_classes, rule.admission_methods, rule.treatment_functions


def _life(life: timedelta | None) -> str:
    if life is None:
        return "see the last column"
    if life == timedelta(0):
        return "not kept"
    if life.days and life.days % 365 == 0:
        return f"{life.days // 365} years"
    return f"{life.days} days" if life > timedelta(days=3) else f"{life.total_seconds() / 3600:.0f} hours"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


PARTS: dict[str, Callable[[], str]] = {
    "alert-states": alert_states,
    "retention": retention,
    "settings": settings,
    "care-setting-rules": care_setting_rules,
}


def main() -> None:
    """Write every page anew."""
    for name in PAGES:
        path = DOCS / name
        before = path.read_text(encoding="utf-8")
        after = rendered(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"Wrote {path.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    main()
