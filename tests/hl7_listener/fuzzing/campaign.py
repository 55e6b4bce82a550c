"""A campaign: streams of bytes through the listener, some frames to a real desk besides, and what came of it.

`make fuzz` runs one and shows it while it runs; the test-suite runs a short one. Each frame that breaks a promise is kept.
"""

import hashlib
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.hl7_listener.fuzzing.mutating import as_stream, pieces
from tests.hl7_listener.fuzzing.promises import Broken, Examiner
from tests.hl7_listener.fuzzing.real_desk import RealDesk

WARM_UP = 5_000
KEPT_OF_EACH = 5
_MEBIBYTE = 1_048_576
_PAGE = resource.getpagesize()


@dataclass(slots=True)
class Campaign:
    """`real` gets every `real_every`-th frame. Broken frames are written into `folder`, the first of each promise."""

    examiner: Examiner
    seed: int
    folder: Path
    real: RealDesk | None = None
    real_every: int = 500
    started: float = field(default_factory=time.monotonic)
    broken: Counter[str] = field(default_factory=Counter)
    at_real_desk: Counter[str] = field(default_factory=Counter)
    warm: float = 0.0
    """Memory after the warm-up, in MiB."""

    @property
    def frames(self) -> int:
        return self.examiner.frames

    def take(self, data: bytes) -> None:
        """One input: a message, or a stream with its own marks, in reads of any size."""
        before = self.frames // self.real_every
        try:
            for raw, answered in self.examiner.examine(pieces(Random(len(data)), as_stream(data))):
                if self.real and self.frames // self.real_every > before:
                    before = self.frames // self.real_every
                    self.at_real_desk["stored" if self.real.examine(raw, answered.frames) else "refused"] += 1
        except Broken as broken:
            self._keep(broken)
        if not self.warm and self.frames >= WARM_UP:
            self.warm = resident()

    def _keep(self, broken: Broken) -> None:
        self.broken[broken.promise] += 1
        if self.broken[broken.promise] <= KEPT_OF_EACH:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = f"{self.seed}-{hashlib.sha256(broken.frame).hexdigest()[:12]}"
            (self.folder / f"{name}.hl7").write_bytes(broken.frame)
            (self.folder / f"{name}.txt").write_text(f"seed {self.seed}, frame {self.frames}: {broken.promise}\n")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def line(self) -> str:
        """How far it is, in one line."""
        return f"{self.frames:,} frames, {self.frames / self.seconds:,.0f}/s, {resident():.0f} MiB, {self.broken.total()} broken"

    def report(self) -> str:
        """What came of it."""
        answers = ", ".join(f"{word} {count:,}" for word, count in sorted(self.examiner.answers.items()))
        real = ", ".join(f"{word} {count:,}" for word, count in sorted(self.at_real_desk.items())) or "none"
        lines = [
            f"seed {self.seed}: {self.frames:,} frames in {self.seconds:,.0f} s, {self.frames / self.seconds:,.0f} a second",
            f"answers and questions: {answers}",
            f"at a real desk: {real}",
            f"memory: {self.warm:.0f} MiB after {WARM_UP:,} frames, {resident():.0f} MiB at the end",
            *(f"BROKEN {count:,} times: {promise}" for promise, count in self.broken.most_common()),
        ]
        return "\n".join([*lines, f"frames that broke a promise are in {self.folder}" if self.broken else "every promise was kept"])


def resident() -> float:
    """Memory of this process in MiB, as it is now; where there is no /proc, at its most."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / _MEBIBYTE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
