"""The drain of the benchmark, quickly: every notice comes once, signed, from four dispatchers on one database."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_short_drain_is_whole() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.drain", "--quick"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    (figures,) = json.loads(done.stdout)
    assert (figures["lost"], figures["wrong"]) == (0, 0)
    assert figures["per_second"] > 0
