"""`make setup` on a bad day: each thing that a first-time user stumbles over ends in one line with its remedy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.page_assets import Remedy, copy_assets, reason, self_contained

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A clone's worth of what set-up needs, without a .venv."""
    for name in ("tools", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "package.json", "package-lock.json", "Makefile", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def set_up(copy: Path, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up after some Python that makes this machine a worse one."""
    script = f"import runpy, sys; {before}\nrunpy.run_module('tools.set_up', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=copy,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "before, remedy",
    [
        ("sys.version_info = (3, 10, 13, 'final', 0)", "make PYTHON=python3.12 run"),
        ("sys.platform = 'win32'", "wsl --install"),
        (
            "import importlib.util as u; found = u.find_spec; "
            "u.find_spec = lambda name, *a: None if name == 'ensurepip' else found(name, *a)",
            "apt install python3-venv",
        ),
    ],
)
def test_a_python_that_will_not_do_is_told_in_one_line(copy: Path, before: str, remedy: str) -> None:
    finished = set_up(copy, before)
    assert finished.returncode == 1
    assert remedy in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_a_package_index_out_of_reach_is_told_in_one_line(copy: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}
    finished = set_up(copy, **nowhere)
    assert finished.returncode == 1
    assert finished.stderr.startswith("pip cannot reach the package index. Behind a proxy, set HTTPS_PROXY")
    assert finished.stderr.count("\n") == 1
    assert (copy / ".venv" / "set-up.log").exists()


def test_an_npm_that_fails_is_told_in_one_line(copy: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("npm", "node"):
        (programs / name).write_text("#!/bin/sh\necho 'npm error code ECONNREFUSED' >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    script = "from pathlib import Path; from tools.page_assets import *; install_page_assets(Path('.').resolve())"
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    last = finished.stderr.strip().splitlines()[-1]
    assert "npm could not fetch nhsuk-frontend (npm error code ECONNREFUSED)" in last
    assert "npm_config_registry" in last


def test_make_without_python_names_the_variable(copy: Path) -> None:
    finished = subprocess.run(
        ["make", "setup", "PYTHON=python-that-is-not-there"], cwd=copy, capture_output=True, text=True, check=False
    )
    assert finished.returncode != 0
    assert "There is no python-that-is-not-there here. Install Python 3.11 or newer" in finished.stderr


def test_make_alone_says_what_there_is() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "setup", "test", "check", "format", "bench", "lock", "clean"):
        assert f"make {target} " in said


def test_page_assets_ask_no_other_host_for_anything() -> None:
    style = (
        "@font-face{font-family:Frutiger W01;src:url(https://assets.example/a.woff2)}"
        ".a{background:url(/assets/images/tick.svg)}\n/*# sourceMappingURL=a.css.map */\n"
    )
    assert self_contained(style) == ".a{background:url(images/tick.svg)}\n"
    assert self_contained("let a=1\n//# sourceMappingURL=a.js.map") == "let a=1\n"


def test_the_installed_page_assets_ask_no_other_host_for_anything() -> None:
    style = (ROOT / "api" / "static" / "nhsuk" / "nhsuk-frontend.min.css").read_text()
    assert "http" not in style.replace("http://www.w3.org/2000/svg", "")
    for image in style.split("url(images/")[1:]:
        assert (ROOT / "api" / "static" / "nhsuk" / "images" / image.partition(")")[0]).exists()


def test_copied_assets_replace_what_was_there(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "assets" / "images").mkdir(parents=True)
    (source / "assets" / "manifest.json").write_text('{"src": "/assets/images/icon.png"}')
    for name in ("nhsuk-frontend.min.css", "nhsuk-frontend.min.js"):
        (source / name).write_text("")
    target.mkdir()
    (target / "old.css").touch()
    copy_assets(source, target)
    assert sorted(path.name for path in target.iterdir()) == [
        "images",
        "manifest.json",
        "nhsuk-frontend.min.css",
        "nhsuk-frontend.min.js",
    ]
    assert (target / "manifest.json").read_text() == '{"src": "images/icon.png"}'


@pytest.mark.parametrize("text, line", [("", "no reason given"), ("warn\nnpm error code E1\nnpm error more", "npm error code E1")])
def test_the_reason_is_one_line(text: str, line: str) -> None:
    assert reason(text) == line
    assert issubclass(Remedy, Exception)
