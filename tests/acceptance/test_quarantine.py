"""A message that could not be taken, on a whole service: held, its cause mended, replayed, and alerted once."""

from tests.acceptance.service import IDENTIFYING, Service, code_of, register


def test_what_was_held_is_taken_by_a_replay_once_its_cause_is_mended(service: Service) -> None:
    of_new_site = register(1).replace(b"|PAS|R0A01|", b"|PAS|R0C01|").replace(b"\r", b"\n")
    without_patient = b"\n".join(line for line in register(2).split(b"\r") if not line.startswith(b"PID"))
    with service.connect() as engine:
        assert code_of(engine.send(of_new_site)) == "AE"
        assert code_of(engine.send(without_patient)) == "AE"
    listed = service.run("hl7", "quarantine", "list")
    assert "this peer may not speak for the facility in MSH-4 (204)" in listed
    assert "the message has no PID segment (100)" in listed
    assert not any(each in listed.lower() for each in IDENTIFYING)
    assert "still held" in service.run("hl7", "quarantine", "replay", "--all", status=1)
    assert service.value("SELECT count(*) FROM quarantine WHERE state = 'held'") == 2
    assert service.value("SELECT count(*) FROM alerts") == 0

    service.run("site", "add", "R0C01", "--name", "Canal Hospital", "--setting", "emergency-department", "--host-authority", "301")
    said = service.run("hl7", "quarantine", "replay", "--all", status=1)
    assert said.count("taken") == 1
    assert said.count("the message has no PID segment") == 1, "nothing of ours can mend it"
    assert service.rows("SELECT state, count(*) FROM quarantine GROUP BY state ORDER BY state") == [("held", 1), ("replayed", 1)]
    assert service.value("SELECT count(*) FROM alerts") == 1
    assert code_of(service.until_taken(of_new_site)) == "AA", "the hospital's own repeat is the same message"
    assert service.value("SELECT count(*) FROM alerts") == 1
