"""The events of a V3 file become its header and its records, one at a time, whatever else stands in it. Pure.

`v3_reader` feeds the parser whose target this is, and takes what has come. Elements go by their local names, since the complete
schema is not public; nothing is kept of what is not known here, so that memory does not grow with the file.
Source: docs/facts.md, section 4 (element paths of the national upload); docs/authority/hl7-v3-and-mesh.md says what is inferred.
"""

from collections import deque
from dataclasses import dataclass, field

DEEPEST = 64
LONGEST_TEXT = 1_000
MOST_PLANS = 20
"""The specification has three; more than these are not kept, and their record is refused."""

_MOST = 20
NHS_NUMBER_ROOT = "2.16.840.1.113883.2.1.4.1"
KINDS = {"CPPInformation": "CPP", "LACInformation": "LAC", "UCPInformation": "UCPP"}
_DATES = {"StartDate": "start", "EndDate": "end", "DeleteDate": "delete"}
_PEOPLE = {"childPerson", "parentMotherPerson", "playedMother"}
_NAMES = {"given", "family"}


class TooDeep(Exception):
    """Elements are nested deeper than any upload has them."""


@dataclass(slots=True)
class V3Plan:
    """One plan of a record; `kind` is empty where `element` is none that is known. Timestamps are as they were sent."""

    element: str
    kind: str = ""
    start: str = ""
    end: str = ""
    delete: str = ""


@dataclass(slots=True)
class V3Record:
    """What is known of one record; `number` counts from 1."""

    number: int
    names_child: bool = False
    names_mother: bool = False
    ids: list[tuple[str, str]] = field(default_factory=list)
    birth_time: str = ""
    given: list[str] = field(default_factory=list)
    family: list[str] = field(default_factory=list)
    plans: list[V3Plan] = field(default_factory=list)
    is_overfull: bool = False

    @property
    def nhs_number(self) -> str:
        """The first id, unless another one says that it is the NHS number."""
        return self._ids()[0]

    @property
    def local_id(self) -> str:
        """The other id."""
        return self._ids()[1]

    def _ids(self) -> tuple[str, str]:
        marked = [extension for root, extension in self.ids if root == NHS_NUMBER_ROOT]
        others = [extension for root, extension in self.ids if root != NHS_NUMBER_ROOT]
        found = [*marked, *others, "", ""]
        return found[0], found[1]


@dataclass(slots=True)
class V3Header:
    """What the file says of itself, as it was sent. `phones` are by their use: EC emergency duty, WP office hours."""

    sequence: str = ""
    created: str = ""
    quantity: str = ""
    interaction: str = ""
    senders: set[str] = field(default_factory=set)
    phones: dict[str, str] = field(default_factory=dict)


class V3Target:
    """A target for an XML parser; `records` fills with those that are complete. Raises TooDeep."""

    def __init__(self) -> None:
        self.root = ""
        self.header = V3Header()
        self.records: deque[V3Record] = deque()
        self._path: list[str] = []
        self._record: V3Record | None = None
        self._text: list[str] | None = None
        self._count = 0

    @property
    def has_begun(self) -> bool:
        """Whether a record has been seen: what stands before it is the header."""
        return self._count > 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = tag.rpartition("}")[2]
        self._path.append(name)
        depth = len(self._path)
        if depth > DEEPEST:
            raise TooDeep
        if depth == 1:
            self.root = name
        elif depth == 2 and name == "record":
            self._count += 1
            self._record = V3Record(self._count)
        else:
            self._see(name, attributes, self._record)

    def _see(self, name: str, attributes: dict[str, str], record: V3Record | None) -> None:
        if "communicationFunctionSnd" in self._path:
            _see_sender(self.header, name, attributes, self._path[-2])
        elif record is None:
            _see_header(self.header, name, attributes, len(self._path))
        else:
            _see_record(record, name, attributes, self._path)
            if name in _NAMES and self._path[-2] == "name" and self._path[-3] in _PEOPLE:
                self._text = []

    def data(self, text: str) -> None:
        """Text of the element that is open; only that of a name is kept."""
        if self._text is not None and sum(map(len, self._text)) < LONGEST_TEXT:
            self._text.append(text[:LONGEST_TEXT])

    def end(self, tag: str) -> None:
        """An element ends."""
        name = self._path.pop()
        if self._record is None:
            return
        if self._text is not None and name in _NAMES:
            names = self._record.given if name == "given" else self._record.family
            if len(names) < _MOST:
                names.append("".join(self._text).strip())
            self._text = None
        elif len(self._path) == 1:
            self.records.append(self._record)
            self._record = None

    def close(self) -> None:
        """The parser is done."""


def _see_header(header: V3Header, name: str, attributes: dict[str, str], depth: int) -> None:
    if name == "id" and depth == 2:
        header.sequence = attributes.get("extension", "")
    elif name == "creationTime":
        header.created = attributes.get("value", "")
    elif name == "transmissionQuantity":
        header.quantity = attributes.get("value", "")
    elif name == "interactionId":
        header.interaction = attributes.get("extension", "") or attributes.get("root", "")


def _see_sender(header: V3Header, name: str, attributes: dict[str, str], parent: str) -> None:
    if name == "id" and "rgani" in parent and len(header.senders) < _MOST:
        header.senders.add(attributes.get("extension", "").strip())
    elif name == "telecom" and attributes.get("use") in {"EC", "WP"}:
        header.phones[attributes["use"]] = attributes.get("value", "").strip()[:LONGEST_TEXT].removeprefix("tel:")


def _see_record(record: V3Record, name: str, attributes: dict[str, str], path: list[str]) -> None:
    part, parent = name.rpartition(".")[2], path[-2].rpartition(".")[2]
    if part == "Child":
        record.names_child = True
    elif part == "UnbornChild":
        record.names_mother = True
    elif name == "id" and parent in {"Child", "playedMother"}:
        if len(record.ids) < _MOST:
            record.ids.append((attributes.get("root", ""), attributes.get("extension", "").strip()))
    elif name == "birthTime" and parent in _PEOPLE:
        record.birth_time = attributes.get("value", "").strip()
    elif parent.startswith("pertinentInformation") and part.endswith("Information"):
        record.is_overfull = len(record.plans) == MOST_PLANS
        if not record.is_overfull:
            record.plans.append(V3Plan(part, KINDS.get(part, "")))
    elif name == "value" and record.plans:
        _see_date(record.plans[-1], parent, attributes.get("value", "").strip())


def _see_date(plan: V3Plan, element: str, value: str) -> None:
    for ending, attribute in _DATES.items():
        if element.endswith(ending):
            setattr(plan, attribute, value)
