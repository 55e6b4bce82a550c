"""The machine that the figures are true of: processor, memory, kernel, versions, and what one fsync costs there."""

import os
import platform
import re
import subprocess
import time
from importlib.metadata import version as version_of
from pathlib import Path
from statistics import median
from typing import Any

_FLUSHES = 200
_BLOCK = b"\0" * 8192


def describe(folder: Path) -> dict[str, Any]:
    """What to print beside the figures. `folder` is on the disk that the database uses."""
    return {
        "processor": _from_file(Path("/proc/cpuinfo"), r"model name\s*:\s*(.+)") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "fsync_us": round(fsync_seconds(folder) * 1e6),
        "load_before": round(os.getloadavg()[0], 2),
    }


def version() -> str:
    """The release of Nightlight, and the commit where this is a clone."""
    described = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    commit = f" ({described.stdout.strip()})" if described.returncode == 0 else ""
    return f"Nightlight {version_of('nightlight')}{commit}"


def fsync_seconds(folder: Path) -> float:
    """The median time of writing one page and having it on disk."""
    path = folder / "fsync-probe"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    took = []
    try:
        for _ in range(_FLUSHES):
            os.pwrite(descriptor, _BLOCK, 0)
            began = time.perf_counter()
            os.fsync(descriptor)
            took.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return median(took)


def _from_file(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text()) if path.exists() else None
    return found[1].strip() if found else ""
