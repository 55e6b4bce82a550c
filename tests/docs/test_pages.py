"""The pages are true: what they name is there, what they tell to type can be typed, what they list is complete."""

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer

from domain.actor import Role
from hl7_listener.errors import ErrorCode
from hl7_listener.events import TRIGGER_EVENTS
from hl7_listener.mapping import LEFT_BEFORE_SEEN
from nightlight.cli import app
from runtime.settings import PREFIX, Settings
from tests.conftest import FreshDatabase
from tests.docs.reading import DOCS, OURS, ROOT, anchors, code_blocks, every_test, page, rows, section

ROOMS = (
    "alerts",
    "api",
    "domain",
    "fhir_adapter",
    "flags_store",
    "hl7_listener",
    "mesh_mailbox",
    "migrations",
    "nightlight",
    "runtime",
    "safeguarding",
)
EVERYWHERE = (
    "NIGHTLIGHT_HTTP_FD", "NIGHTLIGHT_MLLP_FD", "NIGHTLIGHT_MLLP_TLS_FD", "NIGHTLIGHT_MLLP_NAME_FD", "NIGHTLIGHT_EXIT_WITH_PARENT",
    "NIGHTLIGHT_MAIL_DIR",
)  # fmt: skip


def sources(*rooms: str) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for room in rooms or ROOMS for path in (ROOT / room).rglob("*.py")}


# Links and names


@pytest.mark.parametrize("name", OURS)
def test_every_link_leads_somewhere(name: str) -> None:
    here = (DOCS / name).parent
    for target, anchor in re.findall(r"\]\(((?!https?:)[^)#]*)(?:#([^)]*))?\)", page(name)):
        linked = (here / target).resolve() if target else DOCS / name
        assert linked.is_file(), f"{name} links to {target}"
        assert not anchor or anchor in anchors(linked.read_text(encoding="utf-8")), f"{name} links to #{anchor}"


@pytest.mark.parametrize("name", OURS)
def test_every_file_that_is_named_is_there(name: str) -> None:
    named = re.findall(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|sql|md|sh|yml|js)|[\w-]+\.(?:yml|toml))`", page(name))
    assert [path for path in named if not (ROOT / path).is_file() and not (DOCS / path).is_file()] == []


@pytest.mark.parametrize("name", OURS)
def test_every_test_that_is_named_is_there(name: str) -> None:
    assert [test for test in re.findall(r"`(tests/[\w/]+\.py::\w+)`", page(name)) if test not in every_test()] == []


@pytest.mark.parametrize("name", OURS)
def test_every_function_that_is_named_beside_its_file_is_in_it(name: str) -> None:
    for function, file in re.findall(r"`([A-Za-z_]\w+(?:\.\w+)?)`\s\((?:in\s)?`([\w/]+\.py)`", page(name)):
        assert function.rpartition(".")[2] in (ROOT / file).read_text(encoding="utf-8"), f"{name}: {function}"


@pytest.mark.parametrize("name", OURS)
def test_every_variable_that_is_named_is_a_setting(name: str) -> None:
    known = {PREFIX + setting.upper() for setting in Settings.model_fields}
    named = set(re.findall(r"NIGHTLIGHT_[A-Z_]*[A-Z]", page(name))) - set(EVERYWHERE)
    assert {variable for variable in named if not {variable, variable.removesuffix("_FILE")} & known} == set()


def test_the_code_names_only_pages_and_sections_that_are_there() -> None:
    for path, text in sources().items():
        joined = re.sub(r"\s+", " ", text)
        for target, numbers in re.findall(r"docs/([\w/-]+\.md)(?:, sections? ([\d, and]+))?", joined):
            assert (DOCS / target).is_file(), f"{path} names docs/{target}"
            for number in re.findall(r"\d", numbers):
                assert f"\n## {number}. " in (DOCS / target).read_text(encoding="utf-8"), f"{path}: {target}, section {number}"
        for target, heading in re.findall(r'docs/([\w/-]+\.md)(?:,| \() ?"([^"]+)"', joined):
            assert re.search(rf"^#+ {re.escape(heading)}$", (DOCS / target).read_text(encoding="utf-8"), re.MULTILINE), (
                f"{path}: {heading}"
            )


# Commands and statements


def commands() -> list[tuple[str, str]]:
    lines = [(name, line) for name in OURS for block in code_blocks(name, "sh") for line in block.replace("\\\n", "").splitlines()]
    inline = [(name, text) for name in OURS for text in re.findall(r"`(nightlight [a-z][^`…]*)`", page(name))]
    return [(name, line) for name, line in (*lines, *inline) if line.startswith("nightlight ")]


@pytest.mark.parametrize("name, line", commands())
def test_every_command_can_be_typed(name: str, line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while hasattr(command, "commands") and words:
        assert words[0] in command.commands, f"{name}: {line}"
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options, f"{name}: {line}"


def test_every_statement_for_the_operator_runs(fresh_database: FreshDatabase) -> None:
    first, *statements = code_blocks("operations.md", "sql")
    assert "CREATE ROLE" in first
    with psycopg.connect(fresh_database.service_url, autocommit=True) as service:
        for statement in statements:
            service.execute(statement.encode())


def test_the_roles_are_those_of_the_compose_file() -> None:
    first = code_blocks("operations.md", "sql")[0]
    script = (ROOT / "deploy" / "postgres-roles.sh").read_text(encoding="utf-8")
    typed = re.search(r"<<'SQL'\n(.*?)SQL\n", script, re.DOTALL)
    assert typed is not None
    assert re.sub(r":'\w+'", "'…'", typed[1]) == first


def test_the_settings_of_the_servers_log_are_those_of_the_compose_file() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for setting in re.findall(r"`(log_\w+=\w+)`", section("operations.md", "### The database")):
        assert f"- {setting}\n" in compose


def test_every_role_is_in_the_table_of_sign_in() -> None:
    listed = [role.strip("`") for role, _, _ in rows(section("operations.md", "### Sign-in"))]
    assert listed == [role.value for role in Role]


def test_every_metric_is_listed_and_no_other() -> None:
    listed = {name.strip("`") for name, _, _ in rows(section("operations.md", "### Metrics"))}
    files = (
        "api/metrics.py",
        "api/health.py",
        "api/upload_health.py",
        "api/work_metrics.py",
        "alerts/metrics.py",
        "hl7_listener/metrics.py",
        "mesh_mailbox/metrics.py",
        "fhir_adapter/pds/metrics.py",
    )
    counted = {name for file in files for name in re.findall(r'"(nightlight_[a-z_]+)"', (ROOT / file).read_text(encoding="utf-8"))}
    assert listed == counted


# HL7


def test_the_table_of_events_is_the_one_of_the_code() -> None:
    table = rows(section("hl7.md", "## What each event means here"))
    listed = {event: trigger.strip("`") for events, trigger, _ in table for event in events.split(", ")}
    assert listed == {event: trigger.value for event, trigger in TRIGGER_EVENTS.items()}


def test_every_reason_for_a_refusal_is_listed_with_its_code() -> None:
    listed = {(sentence, int(code)) for _, code, sentence, _ in rows(section("hl7.md", "### Error codes"))}
    reasons = set()
    for text in sources("hl7_listener").values():
        reasons |= {found for node in ast.walk(ast.parse(text)) if (found := _refusal(node))}
    named = {(sentence, code) for sentence, code in reasons if sentence}
    assert named
    assert named <= listed


def _refusal(node: ast.AST) -> tuple[str, int] | None:
    """The sentence and code of an `Unreadable("…", ErrorCode.…)`; a sentence that is worked out counts as none."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Unreadable"):
        return None
    sentence, code = node.args[:2]
    if isinstance(code, ast.Attribute) and isinstance(sentence, ast.Constant):
        return str(sentence.value), ErrorCode[code.attr].value
    return None


def test_the_codes_for_left_before_seen_are_listed() -> None:
    [paragraph] = [text for text in page("hl7.md").split("\n\n") if text.startswith("**Left before being seen**")]
    assert set(re.findall(r"`(\w+)`", paragraph)) == LEFT_BEFORE_SEEN


# The database


def test_every_table_has_one_owner(fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.owner_url) as owner:
        cursor = owner.execute(
            """
            SELECT relname FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            """
        )
        there = [str(name) for (name,) in cursor.fetchall()]
    assert sorted(table for table, *_ in tables()) == sorted(there)
    assert {owner for _, owner, *_ in tables()} <= set(ROOMS)


def test_who_writes_a_table_is_who_the_page_says() -> None:
    names = {table for table, *_ in tables()}
    writers: dict[str, set[str]] = {name: set() for name in names}
    for path, text in sources(*(room for room in ROOMS if room != "migrations")).items():
        for table in re.findall(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)", text):
            if table in names:
                writers[table].add(path.relative_to(ROOT).parts[0])
    assert {table: writing for table, _, writing in tables()} == writers


def tables() -> list[tuple[str, str, set[str]]]:
    text = page("architecture.md")
    listed = rows(text[text.index("<!-- tables -->") : text.index("<!-- end tables -->")])
    return [(table.strip("`"), owner.strip("`"), set(re.findall(r"`(\w+)`", writing))) for table, owner, writing, _ in listed]


# Decisions


DECISIONS = sorted(path.name for path in (DOCS / "adr").glob("0*.md"))


def test_decisions_are_numbered_and_listed() -> None:
    assert [int(name[:4]) for name in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert re.findall(r"^\d+\. \[.*?\]\((.*?)\)$", page("adr/README.md"), re.MULTILINE) == DECISIONS


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_says_why_what_and_what_follows(name: str) -> None:
    text = page(f"adr/{name}")
    assert text.startswith(f"# {int(name[:4])}. ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
