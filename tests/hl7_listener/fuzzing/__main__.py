"""`make fuzz`: a campaign from the command line, guided by coverage where Atheris is there (`make fuzz` fetches it on Linux).

Atheris (libFuzzer) keeps what reaches new code of `hl7_listener` and `domain`, and goes on from there; half of the mutations are
its own, half those of `mutating`, which knows HL7. Without Atheris all are the latter. Ends with status 1 where a promise broke.
"""

import argparse
import importlib
import importlib.util
import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, NoReturn

import structlog
from rich.console import Console
from rich.status import Status

FOLDER = Path("build/fuzz")
SHOWN_EVERY = 1_000
WRITTEN_EVERY = 50_000
LONGEST_GUIDED = 2_048
"""Short inputs are quick; what is long is tried without guidance."""

Take = Callable[[bytes], None]


def main() -> NoReturn:
    """Until enough frames were taken."""
    wanted = _arguments()
    atheris = importlib.import_module("atheris") if wanted.guided and importlib.util.find_spec("atheris") else None
    if atheris:
        with atheris.instrument_imports(include=["hl7_listener", "domain"]):
            importlib.import_module("hl7_listener.answering")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    take = _open(wanted, "guided by Atheris" if atheris else "without guidance")
    if atheris:
        _run_guided(atheris, take, wanted.seed)
    _run_plain(take, wanted.seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description="Send the HL7 listener what nobody should send.")
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31 - 1) + 1)
    parser.add_argument("--real-every", type=int, default=500, help="of so many frames one goes to a real desk; 0: none")
    parser.add_argument("--plain", dest="guided", action="store_false", help="without Atheris")
    return parser.parse_args()


def _open(wanted: argparse.Namespace, how: str) -> Take:
    """The campaign, as a function that takes one input after the other, and ends the process after the last."""
    # Imported here, once it is settled what Atheris instruments.
    from tests.hl7_listener.fuzzing.campaign import Campaign
    from tests.hl7_listener.fuzzing.promises import Examiner
    from tests.hl7_listener.fuzzing.real_desk import open_real_desk, open_servers
    from tests.hl7_listener.fuzzing.seam import open_seam

    stack, console = ExitStack(), Console(stderr=True)
    console.print(f"Fuzzing {how}: {wanted.frames:,} frames, seed {wanted.seed}")
    real = None
    if wanted.real_every:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nightlight-fuzz-")))
        real = stack.enter_context(open_real_desk(stack.enter_context(open_servers(folder / "data"))))
    seam = stack.enter_context(open_seam())
    campaign = Campaign(Examiner(seam), wanted.seed, FOLDER, real, wanted.real_every or 1)
    status = stack.enter_context(Status("Starting", console=console)) if console.is_terminal else None
    shown = 0

    def take(data: bytes) -> None:
        nonlocal shown
        campaign.take(data)
        done = campaign.frames
        if done // SHOWN_EVERY > shown // SHOWN_EVERY and status:
            status.update(campaign.line())
        if done // WRITTEN_EVERY > shown // WRITTEN_EVERY:
            console.print(campaign.line())
        shown = done
        if done >= wanted.frames:
            report = campaign.report()
            stack.close()
            print(report, flush=True)
            os._exit(1 if campaign.broken else 0)  # libFuzzer would take an exception for a crash

    return take


def _run_plain(take: Take, seed: int) -> NoReturn:
    from tests.hl7_listener.fuzzing.corpus import corpus
    from tests.hl7_listener.fuzzing.mutating import mutate

    random, seeds = Random(seed), corpus()
    while True:
        take(mutate(random, random.choice(seeds), seeds))


def _run_guided(atheris: Any, take: Take, seed: int) -> None:
    from tests.hl7_listener.fuzzing.corpus import corpus
    from tests.hl7_listener.fuzzing.mutating import mutate

    seeds = corpus()

    def custom_mutator(data: bytes, max_size: int, mutation_seed: int) -> bytes:
        random = Random(mutation_seed)
        if random.random() < 0.5:
            return mutate(random, data, seeds)[:max_size]
        mutated: bytes = atheris.Mutate(data, min(max_size, LONGEST_GUIDED))
        return mutated

    folder = tempfile.mkdtemp(prefix="nightlight-fuzz-corpus-")
    for number, each in enumerate(seeds):
        Path(folder, f"{number}").write_bytes(each[:LONGEST_GUIDED])
    options = [
        f"-seed={seed}",
        f"-max_len={LONGEST_GUIDED}",
        "-timeout=60",
        "-print_final_stats=0",
        "-verbosity=0",
        "-len_control=0",
    ]
    atheris.Setup([sys.argv[0], *options, folder], take, custom_mutator=custom_mutator, internal_libfuzzer=True)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
