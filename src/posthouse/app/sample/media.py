"""Small files for attachments, made by hand: pictures, documents, tables and invitations."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime

_SIZE = (96, 48)


def png(hue: int) -> bytes:
    """Draw a picture of hills under an evening sky, 96 by 48 pixels; ``hue`` from 0 to 255 colours it."""
    width, height = _SIZE
    rows = bytearray()
    for y in range(height):
        rows.append(0)  # filter type: none
        for x in range(width):
            hill = 30 + (x * 7 % 19 + x // 6) // 3
            sky = (255 - y * 2, (hue + y * 3) % 256, (hue * 2 + 96) % 256)
            rows += bytes(sky if y < hill else (24, 60 + hue % 60, 48))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def pdf(lines: list[str]) -> bytes:
    """Write a page with these lines of ASCII text as PDF 1.4."""
    escaped = [line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") for line in lines]
    drawn = "BT /F1 14 Tf 60 780 Td 20 TL " + " ".join(f"({line}) Tj T*" for line in escaped) + " ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
    ]
    data = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n".encode("ascii")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    count = len(objects) + 1
    tail = f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\n"
    return data + f"{tail}startxref\n{len(data)}\n%%EOF\n".encode("ascii")


def ics(uid: str, summary: str, place: str, start: int, minutes: int, organizer: str, attendee: str) -> str:
    """Write an invitation (RFC 5545, RFC 5546); ``start`` in Unix seconds."""
    return "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Posthouse//Sample//EN",
            "METHOD:REQUEST",
            "BEGIN:VEVENT",
            f"UID:{uid}",
            f"DTSTAMP:{_stamp(start - 7 * 86400)}",
            f"DTSTART:{_stamp(start)}",
            f"DTEND:{_stamp(start + minutes * 60)}",
            f"SUMMARY:{_escape(summary)}",
            f"LOCATION:{_escape(place)}",
            f"ORGANIZER:mailto:{organizer}",
            f"ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:{attendee}",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )


def _stamp(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%SZ}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
