"""Finds the public CDS Hooks Sandbox, which stays outside this repository, and builds it with npm where that is not done yet.

The fixtures call it. It is in no package registry: NIGHTLIGHT_CDS_SANDBOX names a folder with its source or with the built pages.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from tools.page_assets import Remedy, reason

VARIABLE = "NIGHTLIGHT_CDS_SANDBOX"
SOURCE = "https://github.com/cds-hooks/sandbox"
NOT_TRIED = (
    f"THE CDS HOOKS SANDBOX WAS NOT TRIED: it is in no package registry. Get its source from {SOURCE}, "
    f"let {VARIABLE} name the folder, and run again (docs/integration/cds-hooks-sandbox.md)"
)
_PAGES = ("index.html", "app.bundle.js")
COMMANDS = (["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["npm", "run", "build"])


def find_sandbox() -> Path | None:
    """The folder of the built pages, or None where none is named. Raises Remedy where what is named cannot be built."""
    named = os.environ.get(VARIABLE, "")
    if not named:
        return None
    folder = Path(named).expanduser().resolve()
    if _is_built(folder):
        return folder
    if not _is_source(folder):
        raise Remedy(f"{VARIABLE} names neither the source of the CDS Hooks Sandbox nor its built pages.")
    if not _is_built(folder / "build"):
        _build(folder)
    return folder / "build"


def _is_built(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _PAGES)


def _is_source(folder: Path) -> bool:
    package = folder / "package.json"
    return package.is_file() and json.loads(package.read_text(encoding="utf-8")).get("name") == "cds-hooks-sandbox"


def _build(source: Path) -> None:
    if shutil.which("npm") is None:
        raise Remedy("There is no npm here, and the CDS Hooks Sandbox is built with it. Install Node.js 20 or newer.")
    for command in COMMANDS:
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Remedy(f"{' '.join(command)} failed for the CDS Hooks Sandbox ({reason(done.stderr)})")
