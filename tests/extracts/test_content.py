"""What an extract is recognised by: its bytes, or the names and bytes of its folder."""

import hashlib
import io
import os
from pathlib import Path

import pytest

from flags_store.extracts.content import content_hash, opened


def a_folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


FILES = {"ssd_person.csv": b"a", "ssd_cp_plans.csv": b"b", "more/ssd_mother.csv": b"c"}


def test_a_stream_and_a_file_are_the_hash_of_their_bytes_and_the_stream_is_wound_back(tmp_path: Path) -> None:
    content = b"x" * 3_000_000
    stream = io.BytesIO(content)
    stream.seek(17)
    (tmp_path / "file").write_bytes(content)
    expected = hashlib.sha256(content).digest()
    assert (content_hash(stream), stream.tell()) == (expected, 0)
    assert content_hash(tmp_path / "file") == expected


def test_a_folder_is_the_same_wherever_it_lies_and_in_whatever_order_it_was_written(tmp_path: Path) -> None:
    one = a_folder(tmp_path / "one", FILES)
    other = a_folder(tmp_path / "other", dict(reversed(FILES.items())))
    assert content_hash(one) == content_hash(other)


@pytest.mark.parametrize(
    "files",
    [
        {**FILES, "ssd_person.csv": b"A"},
        {**FILES, "new.csv": b""},
        {name: content for name, content in FILES.items() if name != "ssd_person.csv"},
        {"ssd_persons.csv": b"a", "ssd_cp_plans.csv": b"b", "more/ssd_mother.csv": b"c"},
        {"ssd_person.csv": b"b", "ssd_cp_plans.csv": b"a", "more/ssd_mother.csv": b"c"},
        {"ssd_person.csv": b"a", "ssd_cp_plans.csv": b"b", "ssd_mother.csv": b"c"},
    ],
)
def test_a_folder_with_another_name_or_byte_is_another(tmp_path: Path, files: dict[str, bytes]) -> None:
    assert content_hash(a_folder(tmp_path / "one", FILES)) != content_hash(a_folder(tmp_path / "other", files))


def test_a_file_is_closed_after_it_was_read_and_a_stream_stays_its_owners(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    stream = io.BytesIO(b"x")
    with opened(tmp_path / "file") as file, opened(stream):
        assert not isinstance(file, Path)
    assert file.closed
    assert not stream.closed


def test_a_file_may_have_a_name_that_is_no_text(tmp_path: Path) -> None:
    odd, folder = tmp_path / os.fsdecode(b"\xff\xfe.csv"), a_folder(tmp_path, FILES)
    before = content_hash(folder)
    odd.write_bytes(b"x")
    assert content_hash(folder) != before
