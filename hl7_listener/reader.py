"""The lazy reader: bytes of one message in, a Message out, taken apart as far as its segments.

The listener calls `parse` with each frame; what it raises is answered with AE and kept for a person.
Source: HL7 v2.5.1 chapter 2, sections 2.5 to 2.8; versions 2.1 to 2.8.2 differ in nothing that matters here.
"""

from hl7_listener.charsets import codec, declared_character_set, decode
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.escapes import read_delimiters
from hl7_listener.message import Message, Segment, Syntax

_BEFORE_HEADER = " \t\r\n"


def parse(raw: bytes, site_default: str = "") -> Message:
    """The message in one frame. `site_default` is the character set of a site whose MSH-18 is missing or wrong.

    Raises Unreadable where there is no MSH, more than one, no message type or event, or no control ID.
    """
    text, encoding = decode(raw, site_default)
    if "\0" in text:
        text = text.replace("\0", "")
    text = text.lstrip(_BEFORE_HEADER)
    if not text.startswith("MSH"):
        reason = "the message does not begin with MSH" if text else "the frame is empty"
        raise Unreadable(reason, ErrorCode.SEGMENT_SEQUENCE, Location("MSH"))
    delimiters = read_delimiters(text)
    if encoding == "ascii" and delimiters.escape + "X" in text:
        encoding = codec(declared_character_set(raw)) or codec(site_default) or "utf-8"
    message = Message(raw, split_segments(text, delimiters.field), Syntax(delimiters, encoding))
    _check_header(message)
    return message


def split_segments(text: str, separator: str) -> list[str]:
    """The segments, whether they end with CR, LF or CRLF. A line that can begin no segment continues the one before."""
    if "\n" in text:
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    lines = text.split("\r")
    starts = [at for at, line in enumerate(lines) if _begins_segment(line, separator)]
    if len(starts) == len(lines) or (len(starts) == len(lines) - 1 and not lines[-1]):
        return lines[: len(starts)]
    return ["\n".join(lines[at:until]).rstrip() for at, until in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _begins_segment(line: str, separator: str) -> bool:
    name = line[:3]
    return name.isalnum() and name.isupper() and (line[3:4] == separator or len(line) == 3)


def _check_header(message: Message) -> None:
    if len(message.segments("MSH")) > 1:
        raise Unreadable("the frame holds more than one message", ErrorCode.SEGMENT_SEQUENCE, Location("MSH", sequence=2))
    if not message.message_type:
        raise Unreadable("the message type is missing", ErrorCode.REQUIRED_FIELD, Location("MSH", 9))
    if not message.event and message.message_type == "ADT":
        raise Unreadable("the trigger event is missing", ErrorCode.REQUIRED_FIELD, Location("MSH", 9))
    control_id = message.control_id
    if "\n" in message.header.text:  # the acknowledgement names what stands in the first line, so it must stand there
        control_id = Segment(message.header.text.partition("\n")[0], message.syntax).raw(10)
    if all(character.isspace() or not character.isprintable() for character in control_id):
        raise Unreadable("the control ID is missing", ErrorCode.REQUIRED_FIELD, Location("MSH", 10))
