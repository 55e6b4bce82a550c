"""Makes `.venv` from the hashed locks and fetches the page assets. `make setup`, `make run` and `make test` call it.

It runs on whatever Python the machine has, before anything is installed, so it uses the standard library only and its
syntax is one that old versions can read. What can go wrong on a first day ends in one line that names the remedy.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 -- the whole point: say so before anything newer is read
    sys.exit(
        f"Nightlight needs Python 3.11 or newer, and this is {sys.version.split()[0]}. Name a newer one: make PYTHON=python3.12 run"
    )
if sys.platform == "win32":
    sys.exit("Nightlight runs on Linux and macOS. On Windows, run it inside WSL 2: wsl --install, then start again there.")

import hashlib
import importlib.util
import json
import os
import subprocess
import time
from pathlib import Path

from tools.page_assets import Remedy, install_page_assets

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "nightlight-stamp.json"
LOG = VENV / "set-up.log"
LOCKS = {"runtime": ROOT / "requirements" / "runtime.txt", "dev": ROOT / "requirements" / "dev.txt"}

NETWORK_TROUBLE = (
    "ConnectTimeout",
    "Connection refused",
    "Connection reset",
    "Failed to establish a new connection",
    "Max retries exceeded",
    "Name or service not known",
    "Network is unreachable",
    "ProxyError",
    "ReadTimeout",
    "SSLError",
    "Temporary failure in name resolution",
    "CERTIFICATE_VERIFY_FAILED",
    "from versions: none",
)


def set_up(kind: str) -> None:
    """Bring `.venv` and the page assets up to date with the locks; does nothing, quickly, when they are.

    `kind` is "runtime" for what the service needs, "dev" for the tests and checks on top.
    """
    made_for = {"place": str(ROOT), "python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
    stamp = read_stamp()
    if any(stamp.get(key) != value for key, value in made_for.items()):
        make_venv()
        stamp = dict(made_for)
        STAMP.write_text(json.dumps(stamp))
    if kind not in up_to_date(stamp):
        install(LOCKS[kind])
        # One .venv holds one set: the dev set contains the runtime set, never the other way round.
        STAMP.write_text(json.dumps({**made_for, kind: fingerprint(kind)}))
    install_page_assets(ROOT)


def read_stamp() -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if (VENV / "bin" / "python").exists() else {}


def up_to_date(stamp: dict[str, str]) -> set[str]:
    """The kinds that the present `.venv` serves."""
    if stamp.get("dev") == fingerprint("dev"):
        return {"dev", "runtime"}
    return {"runtime"} if stamp.get("runtime") == fingerprint("runtime") else set()


def fingerprint(kind: str) -> str:
    """Changes when the lock does, or what the editable install is made of."""
    content = LOCKS[kind].read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(content).hexdigest()


def make_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise Remedy(
            "This Python cannot make virtual environments. On Debian or Ubuntu: "
            f"apt install python3-venv (or python{sys.version_info[0]}.{sys.version_info[1]}-venv), then start again."
        )
    say(f"Making .venv with Python {sys.version.split()[0]}")
    finished = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False, capture_output=True, text=True)
    if finished.returncode != 0:
        reason = (finished.stderr or finished.stdout).strip().splitlines() or ["no reason given"]
        raise Remedy(f"Could not make .venv ({reason[-1]}). Is {ROOT} writable, and is the disk full?")


def install(lock: Path) -> None:
    packages = sum(1 for line in lock.read_text().splitlines() if "==" in line)
    say(f"Installing {packages} locked packages (the first time takes a minute or two)")
    started = time.monotonic()
    pip("install", "--require-hashes", "-r", str(lock))
    pip("install", "--no-build-isolation", "--no-deps", "--editable", str(ROOT))
    say(f"Installed in {time.monotonic() - started:.0f} s")


def pip(*arguments: str) -> None:
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    environment = {**os.environ, "PIP_REQUIRE_VIRTUALENV": "0", "PIP_USER": "0"}
    finished = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=ROOT)
    LOG.write_text(finished.stdout + finished.stderr)
    if finished.returncode == 0:
        return
    if any(sign in finished.stderr + finished.stdout for sign in NETWORK_TROUBLE):
        raise Remedy(
            "pip cannot reach the package index. Behind a proxy, set HTTPS_PROXY; with a mirror, set PIP_INDEX_URL; "
            f"with a private certificate, set PIP_CERT. pip's own words are in {LOG.relative_to(ROOT)}."
        )
    raise Remedy(f"pip failed: {last_error(finished.stderr)} (all of it is in {LOG.relative_to(ROOT)})")


def last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:") and not line.endswith(("-failed", "-error"))]
    return (errors or lines or ["no reason given"])[-1]


def say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    try:
        set_up("dev" if "--dev" in sys.argv[1:] else "runtime")
    except Remedy as remedy:
        sys.exit(str(remedy))
    except KeyboardInterrupt:
        sys.exit("Stopped. The next start goes on from here.")
    except OSError as error:
        sys.exit(f"Set-up could not go on: {error}. Is {ROOT} writable, and is the disk full?")


if __name__ == "__main__":
    main()
