"""Commands that look at HL7 v2 files without sending them: explain, validate. Both work without a running service."""

from pathlib import Path
from typing import Annotated

import typer

from domain.errors import InvalidInput, NotFound
from hl7_listener.batches import read_batches
from hl7_listener.errors import Unreadable
from hl7_listener.explaining import Explanation, explain
from hl7_listener.message import Message, Segment
from hl7_listener.query import is_query
from hl7_listener.reader import parse
from nightlight.cli.console import DataFolder, on_store, out
from nightlight.cli.mllp import messages_in
from runtime.database import Database
from runtime.settings import Settings, load_settings
from safeguarding.directory import Directory, DirectoryReader
from safeguarding.quarantine_words import what_would_mend

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, show_default=False)]
AsSite = Annotated[
    str | None,
    typer.Option(
        "--site", metavar="CODE", help="By the rules of this site of a running service, whatever MSH-4 says.", show_default=False
    ),
]


def explain_file(file: File, site: AsSite = None, data: DataFolder = None) -> None:
    """Say what Nightlight would make of the messages in a file: segments and fields by name, what is found, what goes back.

    Nothing is sent, stored or looked up, and it needs no service: a site's rules are then those that a new one begins with.
    With --site or --data the sites of the running service are asked. Patient data in the file is printed.

    Exit status 0: all would be taken. 1: some would not.
    """
    directory = _directory(data) if site or data else None
    charset = load_settings(data_dir=data).default_charset
    taken = True
    for name, raw in _messages(file):
        explanation = _explain(raw, directory, site, charset)
        out.print(name, style="bold", markup=False)
        _print_explanation(explanation)
        taken = taken and explanation.error is None and not explanation.is_ignored
    raise typer.Exit(0 if taken else 1)


def validate_file(file: File) -> None:
    """Hold the messages in a file against the structure and tables of their version of the standard, segment by segment.

    Errors are against the structure. Warnings are values that no table of the standard has; English codes often are.
    Nightlight is milder than this: it takes what it can read. Nothing is sent, and it needs no service.

    Exit status 0: no errors. 1: errors.
    """
    from hl7_listener.structure import Severity, check_structure

    errors = 0
    for name, raw in _messages(file):
        out.print(name, style="bold", markup=False)
        try:
            findings = check_structure(parse(raw, load_settings().default_charset))
        except Unreadable as unreadable:
            errors += 1
            out.print(f"  {unreadable.location or 'message'}  error: {unreadable.reason} ({unreadable.code.value})", markup=False)
            continue
        for finding in findings:
            out.print(f"  {finding.segment or 'message'}  {finding.severity}: {_printable(finding.sentence)}", markup=False)
        errors += sum(finding.severity is Severity.ERROR for finding in findings)
        if not findings:
            out.print("  as the standard has it")
    raise typer.Exit(1 if errors else 0)


def _messages(file: Path) -> list[tuple[str, bytes]]:
    """The messages of a file with a name each; where none begins with MSH, the whole of it, as a frame would hold it."""
    content = file.read_bytes()
    batches = read_batches(content.strip(b"\x0b\x1c\r\n"))
    found = [raw for batch in batches.batches for raw in batch.messages] if batches else messages_in(content)
    if len(found) < 2:
        return [(file.name, raw) for raw in found or [content]]
    return [(f"{file.name}, message {number} of {len(found)}", raw) for number, raw in enumerate(found, 1)]


def _directory(data: Path | None) -> Directory:
    async def work(database: Database, _: Settings) -> Directory:
        return await DirectoryReader(database).current()

    return on_store(data, work)


def _explain(raw: bytes, directory: Directory | None, code: str | None, charset: str) -> Explanation:
    if directory is None:
        return explain(raw, default_charset=charset)
    if code:
        if code.upper() not in directory.sites:
            raise NotFound(f"there is no site {code.upper()}: add it with nightlight site add")
        return explain(raw, directory.sites[code.upper()], charset)
    try:
        facility = parse(raw, charset).sending_facility.upper()
    except InvalidInput:
        return explain(raw, default_charset=charset)
    return explain(raw, directory.sites.get(facility), charset, is_known=facility in directory.sites)


def _print_explanation(explanation: Explanation) -> None:
    for segment in explanation.message or ():
        _print_segment(segment, explanation.message)
    if explanation.found:
        out.print("\nFound", style="bold")
        _print_pairs(explanation.found)
    if explanation.wrong:
        out.print("\nWrong, and taken all the same", style="bold")
        _print_pairs(explanation.wrong)
    out.print("\nAnswer", style="bold")
    if explanation.is_ignored:
        out.print("  None: it is an acknowledgement. It would be ignored, and not held; the log says that one came.")
    elif explanation.error is None:
        asks = explanation.message is not None and is_query(explanation.message)
        out.print("  It would be answered with RSP, where the peer may ask for this site." if asks else "  It would be taken.")
    else:
        error = explanation.error
        where = f" ({error.location})" if error.location else ""
        out.print(f"  It would be held: {error.reason}{where}, code {error.code.value}.", markup=False)
        out.print(f"  {what_would_mend(str(error.code.value))}", markup=False)
    for frame in explanation.answer:
        for line in frame.decode("utf-8", "replace").rstrip("\r").split("\r"):
            out.print(f"  {_printable(line)}", markup=False)
    if explanation.message:
        _print_wrong(explanation.message)


def _print_segment(segment: Segment, message: Message | None) -> None:
    from hl7_listener.structure import field_names

    names = field_names(segment.name, message.version if message else "")
    out.print(f"\n{segment.name}", style="bold", markup=False)
    last = segment.text.count(message.syntax.field) + 1 if message else 0
    for number in range(2 if segment.name == "MSH" else 1, last + 1):
        if value := segment.raw(number):
            out.print(f"  {f'{segment.name}-{number}':<7} {names.get(number, ''):<34} {_printable(value)}", markup=False)


def _print_wrong(message: Message) -> None:
    """What is against the structure; warnings are left to `validate`."""
    from hl7_listener.structure import Severity, check_structure

    errors = [finding for finding in check_structure(message) if finding.severity is Severity.ERROR]
    if errors:
        out.print("\nNot as the standard has it", style="bold")
        _print_pairs(tuple((finding.segment or "message", finding.sentence) for finding in errors))


def _print_pairs(pairs: tuple[tuple[str, str], ...]) -> None:
    for label, value in pairs:
        out.print(f"  {label:<20} {_printable(value)}", markup=False)


def _printable(text: str) -> str:
    """Nothing in a message is let loose on a terminal."""
    return "".join(each if each.isprintable() else "�" for each in text)
