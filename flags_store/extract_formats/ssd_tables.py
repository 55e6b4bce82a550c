"""The tables of the Standard Safeguarding Dataset that are read, and of each the columns: nothing else is, or is kept.

`ssd_archive` looks for the tables, `ssd_rows` picks the columns, `ssd_disk` keeps them while they are joined.
Source: data-to-insight/ssd-data-model, scripts v1.4.5; docs/facts.md, section 4 ("The open alternative").
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One table: which columns are read, and which of them must be there. Any other column is passed over."""

    name: str
    columns: tuple[str, ...]
    needed: tuple[str, ...]


PERSON = Table(
    "ssd_person",
    (
        "pers_person_id", "pers_single_unique_id", "pers_common_child_id", "pers_forename", "pers_surname", "pers_dob",
        "pers_expected_dob", "pers_death_date", "pers_is_mother",
    ),
    ("pers_person_id", "pers_forename", "pers_surname", "pers_dob"),
)  # fmt: skip
CP_PLANS = Table(
    "ssd_cp_plans",
    ("cppl_cp_plan_id", "cppl_person_id", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date", "cppl_cp_plan_ola"),
    ("cppl_cp_plan_id", "cppl_person_id", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date"),
)
CLA_EPISODES = Table(
    "ssd_cla_episodes",
    (
        "clae_cla_episode_id", "clae_person_id", "clae_cla_id", "clae_cla_episode_start_date", "clae_cla_episode_ceased_date",
        "clae_cla_episode_ceased_reason", "clae_entered_care_date",
    ),
    ("clae_person_id", "clae_cla_id", "clae_cla_episode_start_date", "clae_cla_episode_ceased_date"),
)  # fmt: skip
CLA_PLACEMENT = Table(
    "ssd_cla_placement",
    (
        "clap_cla_placement_id", "clap_person_id", "clap_cla_id", "clap_cla_placement_type", "clap_cla_placement_postcode",
        "clap_cla_placement_distance", "clap_cla_placement_start_date", "clap_cla_placement_end_date",
    ),
    ("clap_cla_placement_id", "clap_cla_id", "clap_cla_placement_start_date", "clap_cla_placement_end_date"),
)  # fmt: skip
MOTHER = Table(
    "ssd_mother", ("moth_person_id", "moth_childs_person_id", "moth_childs_dob"), ("moth_person_id", "moth_childs_person_id")
)
LEGAL_STATUS = Table(
    "ssd_legal_status",
    ("lega_person_id", "lega_legal_status", "lega_legal_status_start_date", "lega_legal_status_end_date"),
    ("lega_person_id", "lega_legal_status", "lega_legal_status_start_date", "lega_legal_status_end_date"),
)
LINKED_IDENTIFIERS = Table(
    "ssd_linked_identifiers",
    ("link_person_id", "link_identifier_type", "link_identifier_value", "link_valid_from_date", "link_valid_to_date"),
    ("link_person_id", "link_identifier_type", "link_identifier_value"),
)

TABLES = {
    table.name: table
    for table in (PERSON, CP_PLANS, CLA_EPISODES, CLA_PLACEMENT, MOTHER, LEGAL_STATUS, LINKED_IDENTIFIERS)
}  # fmt: skip
NUMBER_COLUMNS = ("pers_single_unique_id", "pers_common_child_id")
"""Where the NHS number stands: the second name is the older one."""
