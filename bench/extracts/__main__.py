"""`python -m bench.extracts`: a national snapshot in each format, loaded by the running service. `make bench` calls it.

--quick only shows that everything works; --write puts the table into a page; --from tells a kept result again.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import machine
from bench.extracts.measuring import QUICK, Plan, measure
from bench.extracts.report import markdown
from bench.report import put_into
from bench.service import running_service
from domain.extract import FileFormat
from runtime.clock import now
from runtime.logs import configure

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def main() -> int:
    """0 where everything was loaded and every message answered, whether or not a bar is met; 1 otherwise."""
    arguments = _arguments()
    configure("WARNING", "bench")
    if arguments.kept:
        result = json.loads(arguments.kept.read_text())
    else:
        result = _measure(QUICK if arguments.quick else Plan())
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    told = markdown(result)
    out.print(told, markup=False)
    if arguments.write:
        arguments.write.write_text(put_into(arguments.write.read_text(), told, "extracts"))
    return int(any(each["faults"] for each in result["formats"].values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.extracts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few seconds of everything: its figures mean nothing")
    parser.add_argument("--json", type=Path, default=Path("data/bench-extracts.json"), help="where the result goes (%(default)s)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between the marks of this page")
    parser.add_argument("--from", dest="kept", type=Path, metavar="JSON", help="tell a kept result again, measure nothing")
    return parser.parse_args()


def _measure(plan: Plan) -> dict[str, Any]:
    formats = {}
    for file_format in FileFormat:
        folder = tempfile.TemporaryDirectory(prefix="nightlight-bench-", ignore_cleanup_errors=True)
        with folder as name, running_service(Path(name)) as service:
            formats[file_format.value] = asyncio.run(measure(service, Path(name), file_format, plan, _Steps(file_format)))
    with tempfile.TemporaryDirectory(prefix="nightlight-bench-") as name:
        described = machine.describe(Path(name))
    return {
        "at": now().date().isoformat(),
        "version": machine.version(),
        "machine": described,
        "plan": asdict(plan),
        "formats": formats,
    }


class _Steps:
    """Says what is being done."""

    def __init__(self, file_format: FileFormat) -> None:
        self._format = file_format

    def __call__(self, step: str) -> None:
        err.print(f"  {self._format.words}: {step}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
