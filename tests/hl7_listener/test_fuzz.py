"""Some thousand frames of `make fuzz` on every run: the same ones, new ones, and whatever once broke a promise."""

import secrets
from pathlib import Path
from random import Random

import pytest

from hl7_listener.framing import frame
from tests.conftest import FreshDatabase
from tests.hl7_listener.fuzzing.campaign import Campaign
from tests.hl7_listener.fuzzing.corpus import FOUND, corpus
from tests.hl7_listener.fuzzing.mutating import as_stream, mutate, pieces
from tests.hl7_listener.fuzzing.promises import Examiner
from tests.hl7_listener.fuzzing.real_desk import open_real_desk
from tests.hl7_listener.fuzzing.seam import open_seam

FRAMES = 3_000
FRESH_SEED = secrets.randbelow(2**31)


@pytest.mark.parametrize("seed", [20261105, pytest.param(FRESH_SEED, id="fresh")])
def test_whatever_comes_is_answered_once_and_nobody_is_none_known_who_could_not_be_read(
    seed: int, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    random, seeds = Random(seed), corpus()
    with open_real_desk(fresh_database.service_url) as real, open_seam() as seam:
        campaign = Campaign(Examiner(seam), seed, tmp_path, real, real_every=100)
        for each in seeds:
            campaign.take(each)
        while campaign.frames < FRAMES:
            campaign.take(mutate(random, random.choice(seeds), seeds))
    assert not campaign.broken, campaign.report()
    assert {"AA", "AE", "CA", "CE", "NoneKnown", "CouldNotCheck"} <= set(campaign.examiner.answers)
    assert campaign.at_real_desk["stored"] > 0


@pytest.mark.parametrize("path", sorted(FOUND.glob("*.hl7")), ids=lambda path: path.stem)
def test_what_once_broke_a_promise_keeps_it_however_it_is_split(path: Path) -> None:
    with open_seam() as seam:
        for attempt in range(20):
            for _ in Examiner(seam).examine(pieces(Random(attempt), as_stream(path.read_bytes()))):
                pass


def test_the_examiner_sees_a_promise_that_is_broken() -> None:
    with open_seam() as seam:
        examiner = Examiner(seam)
        [(raw, answered)] = examiner.examine([frame(corpus()[0])])
        assert raw == corpus()[0]
        object.__setattr__(seam.checks[0].identity, "nhs_number", "9990000026")
        with pytest.raises(AssertionError, match="the number is the patient's"):
            examiner.check(raw, answered)


def test_the_same_seed_gives_the_same_frames() -> None:
    seeds = corpus()
    runs = [[mutate(random, random.choice(seeds), seeds) for _ in range(200)] for random in (Random(7), Random(7))]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 150
