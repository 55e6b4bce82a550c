"""Some thousand frames of `make fuzz` on every run: the same ones each time, and whatever once broke a promise."""

from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest

from domain.answer import CouldNotCheckReason
from domain.nhs_number import NhsNumber
from hl7_listener import answered, mapping, reader
from hl7_listener.identifiers import Numbers
from tests.conftest import FreshDatabase
from tests.hl7_listener.fuzzing.campaign import Campaign
from tests.hl7_listener.fuzzing.corpus import FOUND, corpus
from tests.hl7_listener.fuzzing.mutating import as_stream, mutate, pieces
from tests.hl7_listener.fuzzing.promises import Broken, Examiner
from tests.hl7_listener.fuzzing.real_desk import open_real_desk
from tests.hl7_listener.fuzzing.seam import open_seam
from tests.hl7_listener.samples import adt

FRAMES = 3_000
NOBODY = Numbers(None, CouldNotCheckReason.NO_NUMBER)
SOMEBODY_ELSE = Numbers(NhsNumber("9990000026"), None)


@pytest.mark.parametrize("seed", [20261105, 20261106])
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


@pytest.mark.parametrize(
    "place,name,wrong,promise",
    [
        (reader, "split_segments", lambda text, _: text.split("\r"), "whoever plainly arrives is asked about"),
        (mapping, "patient_numbers", lambda *_: NOBODY, "a number that is plain to see is found"),
        (mapping, "patient_numbers", lambda *_: SOMEBODY_ELSE, "no number is made up"),
        (mapping, "fingerprint", lambda _: 1 / 0, "nothing in a message is trouble of ours"),
        (answered, "render_acks", lambda *_: (b"MSH|^~\\&|||||||ACK|1\rMSA|AA|2\r",), "MSA-2 is the control ID"),
        (answered, "render_acks", lambda *_: (b"MSA|AA|NL1\r",), "every answer can be read"),
        (answered, "render_acks", lambda *_: (), "every frame in original mode gets exactly one answer"),
    ],
    ids=["line ends", "no number", "another number", "an exception", "another's answer", "no message", "silence"],
)
def test_a_listener_that_breaks_a_promise_is_found_out(place: object, name: str, wrong: object, promise: str) -> None:
    a04 = adt("PID|1||9990000018^^^NHS^NH", "PV1|1|E").replace(b"\r", b"\n")
    with open_seam() as seam:
        Examiner(seam).examine_frame(a04)
        with patch.object(place, name, wrong), pytest.raises(Broken, match=promise):
            Examiner(seam).examine_frame(a04)


def test_the_same_seed_gives_the_same_frames() -> None:
    seeds = corpus()
    runs = [[mutate(random, random.choice(seeds), seeds) for _ in range(200)] for random in (Random(7), Random(7))]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 150
