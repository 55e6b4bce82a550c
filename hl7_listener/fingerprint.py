"""What makes a message the same message when an engine sends it again.

The listener hands it to the desk beside (MSH-3, MSH-4, MSH-10): the same three with the same fingerprint is a repeat,
with another it is a system that recycles its control IDs. Source: docs/hl7.md, "Acknowledgement".
"""

from hashlib import sha256

from hl7_listener.header_line import find_header_line

_RESTAMPED = (7, 13)


def fingerprint(raw: bytes) -> bytes:
    """32 bytes: SHA-256 of the message as received, with MSH-7 and MSH-13 left out, which engines stamp anew.

    Every other byte counts, the ends of segments too. What has no MSH is hashed whole.
    """
    header = find_header_line(raw)
    if header is None:
        return sha256(raw).digest()
    fields = header[0].split(header[1])
    for number in _RESTAMPED:
        if number <= len(fields):
            fields[number - 1] = b""
    return sha256(b"".join((raw[: header.start()], header[1].join(fields), raw[header.end() :]))).digest()
