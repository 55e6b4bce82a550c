"""What the tests of the documents share: the pages, the tables in them, and every test of the tree by name."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OURS = (
    "architecture.md",
    "configuration.md",
    "facts.md",
    "glossary.md",
    "hazard-log.md",
    "hl7.md",
    "hl7-profile.md",
    "operations.md",
    *(f"adr/{path.name}" for path in sorted((DOCS / "adr").glob("*.md"))),
)


@cache
def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of the first table in the text, without its head."""
    table = re.search(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in table[0].splitlines()][2:]


def section(name: str, heading: str) -> str:
    """A page's text from one heading to the next of the same depth or less."""
    text = page(name)
    start = text.index(f"\n{heading}\n") + 1
    depth = len(heading) - len(heading.lstrip("#"))
    following = re.compile(rf"^#{{1,{depth}}} ", re.MULTILINE).search(text, start + len(heading))
    return text[start : following.start() if following else None]


def code_blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page(name), re.DOTALL)


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def every_test() -> frozenset[str]:
    """Each test of the tree, as path::name."""
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {f"{path.relative_to(ROOT).as_posix()}::{name}" for node in ast.walk(tree) if (name := _test_name(node))}
    return frozenset(found)


def _test_name(node: ast.AST) -> str | None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
        return node.name
    return None
