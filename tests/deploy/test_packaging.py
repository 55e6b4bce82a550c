"""What an installed wheel holds: every room, with its templates, page assets and migrations, and nothing else."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = {name.partition(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]}
NOT_SHIPPED = {"bench", "tests", "tools"}


def files_under_version_control() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("NOT TESTED: this is not a git work tree")
    return listed.stdout.splitlines()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel that is built from a copy, with a stand-in for the page assets."""
    copy = tmp_path_factory.mktemp("copy")
    for name in files_under_version_control():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    (copy / "api" / "static" / "nhsuk" / "images").mkdir(parents=True)
    (copy / "api" / "static" / "nhsuk" / "images" / "icon.svg").touch()
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--wheel-dir"]
    subprocess.run([*build, str(copy / "dist"), str(copy)], check=True, capture_output=True)
    (built,) = (copy / "dist").glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_every_package_is_listed_by_name() -> None:
    found = {
        str(Path(name).parent).replace("/", ".")
        for name in files_under_version_control()
        if name.endswith("/__init__.py") and Path(name).parts[0] not in NOT_SHIPPED
    }
    assert found - set(PROJECT["tool"]["setuptools"]["packages"]) == set()


def test_the_wheel_holds_every_file_of_every_room(wheel: set[str]) -> None:
    wanted = {name for name in files_under_version_control() if Path(name).parts[0] in ROOMS}
    assert {name for name in wanted - wheel if not name.endswith((".md", ".gitignore", ".gitkeep"))} == set()


def test_the_wheel_holds_the_page_assets(wheel: set[str]) -> None:
    assert "api/static/nhsuk/images/icon.svg" in wheel


def test_the_wheel_holds_nothing_else(wheel: set[str]) -> None:
    assert {name.partition("/")[0] for name in wheel} - ROOMS == {"nightlight-0.1.0.dist-info"}


def test_the_locks_name_no_host_and_hold_a_hash_for_everything() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        lines = lock.read_text().splitlines()
        assert not [line for line in lines if "://" in line or line.startswith("-")]
        assert all(line.endswith("\\") for line in lines if "==" in line)
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_the_development_lock_is_the_runtime_lock_and_more() -> None:
    pins = {
        name: {line.split(" ")[0] for line in (ROOT / "requirements" / name).read_text().splitlines() if "==" in line}
        for name in ("runtime.txt", "dev.txt")
    }
    assert pins["runtime.txt"] <= pins["dev.txt"]
