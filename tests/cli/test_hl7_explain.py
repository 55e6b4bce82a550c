"""Looking at files on the command line: everything is printed, nothing is sent, and no service is needed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hl7_listener.framing import frame
from nightlight.cli import app
from tests.cli.test_hl7_quarantine import NEW_SITE, Store, store
from tests.hl7_listener.samples import adt, sample

__all__ = ["store"]  # a fixture

A04 = sample("a04_emergency", b"\n")
NO_PID = b"\n".join(line for line in A04.split(b"\n") if not line.startswith(b"PID"))


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where no service runs."""
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    return tmp_path


def look(command: str, folder: Path, content: bytes, *arguments: str, status: int = 0) -> str:
    file = folder / "message.hl7"
    file.write_bytes(content)
    done = CliRunner().invoke(app, ["hl7", command, str(file), *arguments])
    assert done.exit_code == status, done.output
    return done.output


def test_without_a_service_a_message_is_explained_from_segments_to_answer(nowhere: Path) -> None:
    said = look("explain", nowhere, A04)
    assert "PID-5   Patient name                       HARDING^Amelia^Rose^^Miss^^L" in said
    assert "999 000 0018" in said
    assert "by rule 3 of 11" in said
    assert "R0A01 (not looked up)" in said
    assert "It would be taken." in said
    assert "MSA|AA|NL000417" in said


def test_what_would_be_held_says_why_where_and_what_would_mend_it(nowhere: Path) -> None:
    said = look("explain", nowhere, NO_PID, status=1)
    assert "It would be held: the message has no PID segment (PID), code 100." in said
    assert "The sender must mend the message" in said
    assert "MSA|AE|NL000417" in said
    assert "Missing required child ADT_A01.PID" in said, "what is wrong with its structure is said too"


def test_an_acknowledgement_is_said_to_be_ignored(nowhere: Path) -> None:
    said = look("explain", nowhere, A04.replace(b"ADT^A04", b"ACK^A04"), status=1)
    assert "It would be ignored, and not held" in said
    assert "MSA|" not in said


def test_a_time_that_cannot_be_read_is_named_although_the_message_would_be_taken(nowhere: Path) -> None:
    said = look("explain", nowhere, A04.replace(b"|20190304|", b"|soon|"))
    assert "Wrong, and taken all the same" in said
    assert "PID-7                the date of birth cannot be read, and counts as missing" in said
    assert "Wrong, and taken" not in look("explain", nowhere, A04)


def test_what_is_no_message_is_explained_too(nowhere: Path) -> None:
    assert "the message does not begin with MSH" in look("explain", nowhere, b"\x00\xff nonsense \x1b[2J", status=1)
    assert "the message does not begin with MSH" in look("validate", nowhere, b"nonsense", status=1)


@pytest.mark.parametrize(
    "content",
    [A04 + A04, frame(A04) + frame(A04), b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + A04.replace(b"\n", b"\r") * 2 + b"BTS|2\rFTS|1\r"],
)
def test_each_message_of_a_file_is_explained_by_itself(nowhere: Path, content: bytes) -> None:
    said = look("explain", nowhere, content)
    assert "message.hl7, message 1 of 2" in said
    assert said.count("It would be taken.") == 2


def test_nothing_in_a_message_moves_the_terminal(nowhere: Path) -> None:
    for command in ("explain", "validate"):
        said = look(command, nowhere, A04.replace(b"Testtown", b"[bold]\x1b[2J").replace(b"|2|||1 Ex", b"|\x1b[2J|||1 Ex"))
        assert "\x1b" not in said


def test_a_query_says_how_it_would_be_answered(nowhere: Path) -> None:
    query = adt("QPD|IHE PDQ Query|T1|@PID.3.1^9990000018~@PID.3.4^NHS", "RCP|I").replace(b"ADT^A04", b"QBP^Q22")
    assert "answered with RSP" in look("explain", nowhere, query)


def test_validation_tells_errors_from_values_that_are_in_no_table(nowhere: Path) -> None:
    said = look("validate", nowhere, A04)
    assert "PV1  warning: Value 21 not in table HL70007 in element PV1-4" in said
    assert "error" not in said
    assert "message  error: Missing required child ADT_A01.PV1" in look(
        "validate", nowhere, A04.replace(b"\nPV1|", b"\nZV1|"), status=1
    )  # fmt: skip


def test_the_sites_of_a_running_service_are_asked_where_one_is_named(store: Store, tmp_path: Path) -> None:
    store.hold(NO_PID)
    of_new_site = A04.replace(b"|PAS|R0A01|", b"|PAS|R0C01|")
    assert "may not speak for the facility in MSH-4" in look("explain", tmp_path, of_new_site, "--data", str(tmp_path), status=1)
    store.run(*NEW_SITE)
    assert "R0C01, Canal Hospital" in look("explain", tmp_path, of_new_site, "--data", str(tmp_path))
    assert "R0A02, Site R0A02" in look("explain", tmp_path, of_new_site, "--site", "r0a02")
    look("explain", tmp_path, A04, "--site", "R0Z99", status=1)
    assert store.rows("SELECT count(*) FROM encounters") == [(0,)]
    assert store.rows("SELECT count(*) FROM quarantine") == [(1,)], "nothing is kept of it"
