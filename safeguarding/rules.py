"""The rules of one site for its care settings, as a person reads and changes them.

`nightlight site rule` and the page of a site's rules call it; `safeguarding.directory` reads what it writes, and
`safeguarding.care_settings` decides by it. Source: docs/hl7.md, "Care setting".
"""

from collections.abc import Sequence

from domain.actor import Actor
from domain.errors import InvalidInput, NotFound
from runtime.audit import record_audit
from runtime.database import Transaction
from safeguarding.directory import CareSettingRule, read_rules_by_site

MOST_RULES = 200


async def read_rules(transaction: Transaction, site: str) -> list[CareSettingRule]:
    """The site's rules in the order in which they are tried. Raises NotFound for an unknown site."""
    cursor = await transaction.execute("SELECT 1 FROM sites WHERE ods_code = %s", (site,))
    return await _rules_of(transaction, site, is_known=await cursor.fetchone() is not None)


async def add_rule(transaction: Transaction, actor: Actor, site: str, rule: CareSettingRule, at: int | None = None) -> int:
    """Put a rule at a place, from 1, or at the end. Returns its place.

    Raises NotFound for an unknown site, InvalidInput for a place that is not there or a rule that any arrival would fit.
    """
    rules = await _rules_to_change(transaction, site)
    if not (rule.patient_classes or rule.admission_methods or rule.treatment_functions or rule.location_prefix):
        raise InvalidInput("a rule names a patient class, an admission method, a treatment function or a location")
    if len(rules) >= MOST_RULES:
        raise InvalidInput(f"a site has {MOST_RULES} rules at most")
    place = len(rules) + 1 if at is None else at
    if not 1 <= place <= len(rules) + 1:
        raise InvalidInput(f"there is no place {place}: the site has {len(rules)} rules")
    await _write(transaction, site, [*rules[: place - 1], rule, *rules[place - 1 :]])
    await record_audit(transaction, actor, "rule.add", "site", site, place=place, setting=rule.setting.value)
    return place


async def remove_rule(transaction: Transaction, actor: Actor, site: str, place: int) -> CareSettingRule:
    """Take the rule at a place away, from 1, and return it. Raises NotFound for an unknown site or place."""
    rules = await _rules_to_change(transaction, site)
    if not 1 <= place <= len(rules):
        raise NotFound(f"there is no rule {place}: the site has {len(rules)}")
    removed = rules.pop(place - 1)
    await _write(transaction, site, rules)
    await record_audit(transaction, actor, "rule.remove", "site", site, place=place, setting=removed.setting.value)
    return removed


async def _rules_to_change(transaction: Transaction, site: str) -> list[CareSettingRule]:
    """Two people who change one site's rules do it one after the other."""
    cursor = await transaction.execute("SELECT 1 FROM sites WHERE ods_code = %s FOR UPDATE", (site,))
    return await _rules_of(transaction, site, is_known=await cursor.fetchone() is not None)


async def _rules_of(transaction: Transaction, site: str, *, is_known: bool) -> list[CareSettingRule]:
    if not is_known:
        raise NotFound(f"there is no site {site}: add it first with nightlight site add")
    return (await read_rules_by_site(transaction, site))[site]


async def _write(transaction: Transaction, site: str, rules: Sequence[CareSettingRule]) -> None:
    await transaction.execute("DELETE FROM care_setting_rules WHERE site = %s", (site,))
    for position, rule in enumerate(rules, start=1):
        await write_rule(transaction, site, position, rule)


async def write_rule(transaction: Transaction, site: str, position: int, rule: CareSettingRule) -> None:
    """One rule as a row. The caller sees to it that the place is free."""
    await transaction.execute(
        """
        INSERT INTO care_setting_rules
            (site, position, patient_classes, admission_methods, treatment_functions, location_prefix, setting)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        (
            site, position, sorted(rule.patient_classes), sorted(rule.admission_methods), sorted(rule.treatment_functions),
            rule.location_prefix, rule.setting.value,
        ),
    )  # fmt: skip
