"""The sample messages of this folder: kept one segment a line, handed out with the segment end that a test wants."""

from pathlib import Path

FOLDER = Path(__file__).parent / "messages"
NAMES = sorted(path.stem for path in FOLDER.glob("*.hl7"))


def sample(name: str, segment_end: bytes = b"\r") -> bytes:
    """The message's bytes, each segment ended."""
    return FOLDER.joinpath(f"{name}.hl7").read_bytes().replace(b"\n", segment_end)


def adt(*segments: str, event: str = "A04", version: str = "2.4") -> bytes:
    """A small ADT message with these segments behind its header."""
    header = rf"MSH|^~\&|PAS|R0A01|NIGHTLIGHT|R0A|20261105101530||ADT^{event}|NL1|P|{version}"
    return "".join(f"{segment}\r" for segment in (header, *segments)).encode()
