"""The Sandbox is found where the variable says, built where that is not done, and nothing else is taken for it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conformance.sandbox.building import VARIABLE, find_sandbox
from tools.page_assets import Remedy

HAS_NPM = pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm here")
BUILT = ("index.html", "app.bundle.js")


def source(folder: Path, build: str, name: str = "cds-hooks-sandbox") -> Path:
    """A package with the Sandbox's name and a build of its own."""
    package = {"name": name, "version": "0.1.0", "scripts": {"build": build}}
    lock = {"name": name, "version": "0.1.0", "lockfileVersion": 3, "packages": {"": {"name": name, "version": "0.1.0"}}}
    (folder / "package.json").write_text(json.dumps(package))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    return folder


def test_without_the_variable_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert find_sandbox() is None


def test_another_folder_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "not there", source(tmp_path, "true", "another-package")):
        monkeypatch.setenv(VARIABLE, str(folder))
        with pytest.raises(Remedy, match="neither the source of the CDS Hooks Sandbox nor its built pages"):
            find_sandbox()


def test_pages_that_are_built_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in BUILT:
        (tmp_path / name).touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert find_sandbox() == tmp_path.resolve()


@HAS_NPM
def test_source_that_is_not_built_is_built_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(source(tmp_path, "mkdir build && touch build/index.html build/app.bundle.js")))
    assert [find_sandbox(), find_sandbox()] == [tmp_path.resolve() / "build"] * 2


@HAS_NPM
def test_a_build_that_fails_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(source(tmp_path, "echo 'error: no such loader' >&2; exit 1")))
    with pytest.raises(Remedy, match=r"npm run build failed for the CDS Hooks Sandbox \(.*error"):
        find_sandbox()
