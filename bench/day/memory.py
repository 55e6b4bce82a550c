"""How much memory the service's processes hold, and whether that grows.

`__main__` samples it every second or so while the day is replayed. Source: Linux, proc(5): VmRSS, RssAnon. Elsewhere it is not
measured.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median

_PROC = Path("/proc")
_DATABASE = "postgres"
_CHILDREN = ("api", "listener", "dispatcher", "loader")
WARM_UP = 0.1
MOST_GROWTH = 0.10
_NOISE = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Course:
    """One process over the day, in bytes: after the warm-up, at the end, at most; growth for each 100,000 messages."""

    begin: float
    end: float
    most: float
    slope: float

    @property
    def is_flat(self) -> bool:
        """Whether the end is at most a tenth (or 8 MiB) above what it was after the warm-up."""
        return self.end <= self.begin + max(self.begin * MOST_GROWTH, _NOISE)


def resident(root: int) -> dict[str, int]:
    """Bytes by name of process: the service's own, resident; the database's, private to its processes, together."""
    held: dict[str, int] = defaultdict(int)
    for process in _family(root):
        try:
            words = (_PROC / str(process) / "cmdline").read_bytes().decode(errors="replace").split("\0")
            status = dict(line.split(":", 1) for line in (_PROC / str(process) / "status").read_text().splitlines())
        except (OSError, ValueError):  # it has just gone
            continue
        if "VmRSS" not in status:  # a zombie
            continue
        name = _name(words, process == root)
        held[name] += 1024 * int(status["RssAnon" if name == _DATABASE else "VmRSS"].split()[0])
    return dict(held)


def course(samples: Sequence[tuple[int, dict[str, int]]], name: str) -> Course | None:
    """What became of one process, or None for too few samples. Each is the number of messages so far, and what was held then."""
    points = [(done, held[name]) for done, held in samples if name in held]
    done = points[-1][0] if points else 0
    warm = [point for point in points if point[0] >= WARM_UP * done]
    begin = [held for at, held in warm if at < 2 * WARM_UP * done] or [held for _, held in warm[:1]]
    end = [held for at, held in warm if at > (1 - WARM_UP) * done]
    if not end or len({at for at, _ in warm}) < 2:
        return None
    slope = linear_regression([at for at, _ in warm], [held for _, held in warm]).slope
    return Course(median(begin), median(end), max(held for _, held in points), slope * 100_000)


def _name(words: Sequence[str], is_root: bool) -> str:
    if is_root:
        return "supervisor"
    ours = next((name for name in _CHILDREN if name in words), None)
    program = words[0].rsplit("/", 1)[-1]
    return ours or (_DATABASE if program.startswith("postgres") else "Valkey" if "valkey" in program else "other")


def _family(root: int) -> list[int]:
    children = defaultdict(list)
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            children[int(stat.read_text().rsplit(")", 1)[1].split()[1])].append(int(stat.parent.name))
        except (OSError, ValueError):
            continue
    family = [root]
    for process in family:
        family += children[process]
    return family
