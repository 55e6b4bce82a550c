"""Sites, their organisations, how they are answered, and the peers that may speak for them.

`nightlight site …` and the demo call it.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass

from domain.actor import Actor
from domain.care_setting import CareSetting
from domain.errors import Conflict, InvalidInput, NotFound
from flags_store.authority_details import check_phone
from runtime.audit import record_audit
from runtime.database import Connection
from safeguarding.care_settings import DEFAULT_RULES
from safeguarding.directory import CareSettingRule
from safeguarding.rules import write_rule

LOOPBACK = ("127.0.0.1/32", "::1/128")
_TRUST_CODE = 3


async def add_site(
    transaction: Connection,
    actor: Actor,
    ods_code: str,
    name: str,
    setting: CareSetting,
    *,
    organisation_code: str | None = None,
    organisation_name: str | None = None,
    host_authority_code: str | None = None,
    safeguarding_phone: str = "",
    frame_ancestors: Sequence[str] = (),
    networks: Sequence[str] = LOOPBACK,
    rules: Sequence[CareSettingRule] = DEFAULT_RULES,
    lookups_alert: bool = False,
    state: str = "live",
) -> None:
    """Add a site with its care-setting rules and the networks it sends from.

    The organisation is the trust (the first three characters of the ODS code) where none is named. `state`: setting-up, trial,
    live or paused.
    Raises Conflict where the site is there, NotFound for an unknown host authority, InvalidInput for a bad network.
    """
    organisation = (organisation_code or ods_code[:_TRUST_CODE]).upper()
    await transaction.execute(
        "INSERT INTO organisations (ods_code, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (organisation, organisation_name or name),
    )
    if host_authority_code:
        await _check_authority(transaction, host_authority_code)
    added = await transaction.execute(
        """
        INSERT INTO sites (ods_code, organisation_code, name, setting, host_authority_code, safeguarding_phone, frame_ancestors,
                           state)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        (
            ods_code.upper(),
            organisation,
            name,
            setting.value,
            host_authority_code,
            safeguarding_phone,
            list(frame_ancestors),
            state,
        ),
    )
    if added.rowcount == 0:
        raise Conflict(f"a site {ods_code.upper()} is there already")
    for position, rule in enumerate(rules, start=1):
        await write_rule(transaction, ods_code.upper(), position, rule)
    for network in networks:
        await allow_peer(transaction, network, ods_code.upper())
    await record_audit(transaction, actor, "site.add", "site", ods_code.upper(), setting=setting.value, state=state)


async def set_site_state(transaction: Connection, actor: Actor, ods_code: str, state: str) -> None:
    """Make a site live, paused or whatever it is to be; every process knows it within a few seconds.

    Raises NotFound. `safeguarding.onboarding.steps` decides whether it may.
    """
    changed = await transaction.execute("UPDATE sites SET state = %s WHERE ods_code = %s", (state, ods_code))
    if changed.rowcount == 0:
        raise NotFound(f"there is no site {ods_code}: add it first with nightlight site add")
    await record_audit(transaction, actor, f"site.{state}", "site", ods_code)


async def update_site(
    transaction: Connection,
    actor: Actor,
    ods_code: str,
    *,
    name: str | None = None,
    host_authority_code: str | None = None,
    safeguarding_phone: str | None = None,
) -> None:
    """Change what is named of a site and nothing else. Raises NotFound (site, authority), InvalidInput for what makes no sense."""
    values = {"name": name, "host_authority_code": host_authority_code, "safeguarding_phone": safeguarding_phone}
    changes = {each: value.strip() for each, value in values.items() if value is not None}
    if not changes:
        raise InvalidInput("say what shall change")
    if "" in changes.values():
        raise InvalidInput(f"a site needs its {next(each for each, value in changes.items() if not value).replace('_', ' ')}")
    if "safeguarding_phone" in changes:
        check_phone(changes["safeguarding_phone"])
    if "host_authority_code" in changes:
        await _check_authority(transaction, changes["host_authority_code"])
    changed = await transaction.execute(
        """
        UPDATE sites SET name = coalesce(%s, name), host_authority_code = coalesce(%s, host_authority_code),
                         safeguarding_phone = coalesce(%s, safeguarding_phone)
        WHERE ods_code = %s
        """,
        (*(changes.get(each) for each in values), ods_code),
    )
    if changed.rowcount == 0:
        raise NotFound(f"there is no site {ods_code}: add it first with nightlight site add")
    await record_audit(transaction, actor, "site.details", "site", ods_code, **changes)


@dataclass(frozen=True, slots=True)
class Answering:
    """How a site wants its messages answered; what is None stays as it is (docs/hl7.md, "What a site can choose")."""

    announce_in_ack: bool | None = None
    refuse_recycled: bool | None = None
    silent_on_failure: bool | None = None
    character_set: str | None = None
    """The name by which HL7 knows it (table 0211); empty where the listener's own holds."""


async def set_answering(transaction: Connection, actor: Actor, ods_code: str, answering: Answering) -> None:
    """Change how a site's messages are answered. Raises NotFound for an unknown site, InvalidInput where nothing is named."""
    changes = {name: value for name, value in asdict(answering).items() if value is not None}
    if not changes:
        raise InvalidInput("say what shall change")
    changed = await transaction.execute(
        """
        UPDATE sites
        SET announce_in_ack = coalesce(%s, announce_in_ack), refuse_recycled = coalesce(%s, refuse_recycled),
            silent_on_failure = coalesce(%s, silent_on_failure), character_set = coalesce(%s, character_set)
        WHERE ods_code = %s
        """,
        (*astuple(answering), ods_code.upper()),
    )
    if changed.rowcount == 0:
        raise NotFound(f"there is no site {ods_code.upper()}: add it first with nightlight site add")
    await record_audit(transaction, actor, "site.set", "site", ods_code.upper(), **changes)


async def allow_peer(transaction: Connection, network: str, site: str) -> None:
    """Let the systems of a network speak for a site. Raises InvalidInput where it is no address or network."""
    try:
        parsed = ipaddress.ip_network(network)
    except ValueError:
        raise InvalidInput(f"{network} is not an address or a network, such as 10.1.2.0/24") from None
    await transaction.execute("INSERT INTO peers (name, network) VALUES (%s, %s) ON CONFLICT DO NOTHING", (str(parsed), parsed))
    await transaction.execute(
        """
        INSERT INTO peer_facilities (peer_id, site) SELECT id, %s FROM peers WHERE network = %s AND certificate IS NULL
        ON CONFLICT DO NOTHING
        """,
        (site, parsed),
    )


async def _check_authority(transaction: Connection, code: str) -> None:
    if await (await transaction.execute("SELECT 1 FROM authorities WHERE code = %s", (code,))).fetchone() is None:
        raise NotFound(f"there is no authority {code}: add it first with nightlight authority add")
