"""A parsed message: segments, fields, repetitions, components and subcomponents by the standard's positions.

The reader makes it; events, identifiers and the mapping take apart only the fields that they ask for.
Source: HL7 v2.5.1 sections 2.5 (message framework) and 2.15.9 (MSH).
"""

from collections.abc import Iterator

from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.escapes import Delimiters, unescape

NULL = '""'
"""What a sender writes to say "delete what you hold". Read as empty; `raw` shows it."""

_HEADERS = frozenset({"MSH", "BHS", "FHS"})


class Syntax:
    """How the text of one message is written: its delimiters, and the codec for the bytes of hex escapes."""

    __slots__ = ("component", "delimiters", "encoding", "escape", "field", "repetition", "subcomponent")

    def __init__(self, delimiters: Delimiters, encoding: str) -> None:
        self.delimiters = delimiters
        self.encoding = encoding
        self.field = delimiters.field
        self.component = delimiters.component
        self.repetition = delimiters.repetition
        self.escape = delimiters.escape
        self.subcomponent = delimiters.subcomponent

    def value(self, text: str) -> str:
        """The text as the sender meant it, without surrounding blanks."""
        if self.escape in text:
            text = unescape(text, self.delimiters, self.encoding)
        return "" if text == NULL else text.strip()

    def part(self, components: list[str], component: int, subcomponent: int = 1) -> str:
        """The value of one part of one repetition, by position from 1; empty where it is missing."""
        if component > len(components):
            return ""
        text = components[component - 1]
        if subcomponent > 1 or self.subcomponent in text:
            parts = text.split(self.subcomponent, subcomponent)
            text = parts[subcomponent - 1] if subcomponent <= len(parts) else ""
        return self.value(text) if text else ""


class Repetition:
    """One repetition of a field."""

    __slots__ = ("_components", "_syntax", "text")

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.text = text
        self._syntax = syntax
        self._components = text.split(syntax.component)

    def component(self, number: int, subcomponent: int = 1) -> str:
        """Component and subcomponent by position, from 1; empty where it is missing."""
        return self._syntax.part(self._components, number, subcomponent)


class Segment:
    """One segment. Fields are numbered as in the standard, so MSH-1 is the field separator itself."""

    __slots__ = ("_fields", "_syntax", "name", "text")

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.name = text[:3]
        self.text = text
        self._syntax = syntax
        self._fields: list[str] | None = None

    def raw(self, number: int) -> str:
        """The field as it was sent, with its delimiters and escapes; empty where it is missing."""
        fields = self._fields
        if fields is None:
            fields = self._fields = self._split()
        return fields[number] if number < len(fields) else ""

    def field(self, number: int) -> str:
        """The value of a field that has no parts."""
        return self._syntax.value(self.raw(number))

    def component(self, number: int, component: int, subcomponent: int = 1) -> str:
        """A part of the field's first repetition."""
        text = self.raw(number)
        if not text:
            return ""
        syntax = self._syntax
        if syntax.repetition in text:
            text = text[: text.index(syntax.repetition)]
        return syntax.part(text.split(syntax.component, component), component, subcomponent)

    def repetitions(self, number: int) -> list[Repetition]:
        """The field's repetitions that are not empty, in their order."""
        texts = self.raw(number).split(self._syntax.repetition)
        return [Repetition(text, self._syntax) for text in texts if text and text != NULL]

    def _split(self) -> list[str]:
        separator = self._syntax.field
        fields = self.text.split(separator)
        if self.name in _HEADERS:
            fields.insert(1, separator)
        return fields


class Message:
    """One message. `raw` is what was received, byte for byte; `header` is its MSH, `message_type` MSH-9.1 in capitals."""

    __slots__ = ("_by_name", "_segments", "header", "message_type", "raw", "syntax")

    def __init__(self, raw: bytes, segments: list[str], syntax: Syntax) -> None:
        self.raw = raw
        self.syntax = syntax
        self._segments = segments
        self._by_name: dict[str, list[Segment]] | None = None
        self.header = Segment(segments[0], syntax)
        self.message_type = self.header.component(9, 1).upper()

    def __iter__(self) -> Iterator[Segment]:
        """Every segment, in the order of the message."""
        return (Segment(text, self.syntax) for text in self._segments)

    def segments(self, name: str) -> list[Segment]:
        """The segments of that name, in their order; an empty list where there is none."""
        if self._by_name is None:
            self._by_name = {}
            for segment in self:
                self._by_name.setdefault(segment.name, []).append(segment)
        return self._by_name.get(name, [])

    def segment(self, name: str) -> Segment | None:
        """The first segment of that name."""
        found = self.segments(name)
        return found[0] if found else None

    def required(self, name: str) -> Segment:
        """The first segment of that name; raises Unreadable where the message has none."""
        segment = self.segment(name)
        if segment is None:
            raise Unreadable(f"the message has no {name} segment", ErrorCode.SEGMENT_SEQUENCE, Location(name))
        return segment

    @property
    def event(self) -> str:
        """MSH-9.2 in capitals, such as A04; EVN-1 where an old feed leaves MSH-9.2 empty."""
        event = self.header.component(9, 2)
        if not event and (recorded := self.segment("EVN")):
            event = recorded.field(1)
        return event.upper()

    @property
    def control_id(self) -> str:
        """MSH-10, exactly as it was sent: it is compared and echoed, never read."""
        return self.header.raw(10)

    @property
    def sending_application(self) -> str:
        """MSH-3: its namespace, or its universal id where that is all there is."""
        return self.header.component(3, 1) or self.header.component(3, 2)

    @property
    def sending_facility(self) -> str:
        """MSH-4, in England an ODS code: its namespace, or its universal id where that is all there is."""
        return self.header.component(4, 1) or self.header.component(4, 2)

    @property
    def processing_id(self) -> str:
        """MSH-11.1: P production, T training, D debugging."""
        return self.header.component(11, 1).upper()

    @property
    def version(self) -> str:
        """MSH-12.1, such as 2.4."""
        return self.header.component(12, 1)
