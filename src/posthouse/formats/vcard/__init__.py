"""vCards: bytes to cards and back (RFC 6350; RFC 2426 and vCard 2.1 are read).

Contract: pure functions; no I/O but the `read` method of a file that is handed in. `read` and `stream` make
cards of any bytes and never raise: what cannot be read is left out and named in the card's `faults`. All
cards are brought into the form of vCard 4.0, so nothing above knows the older versions. `write` writes 4.0.
All work is linear in the input, nothing recurses, and lines, cards and parameters are bounded.
May import: kit.
"""

from posthouse.formats.vcard.card import Card, Fault, Property
from posthouse.formats.vcard.reader import BinaryFile, read, stream
from posthouse.formats.vcard.value import components, escape, escape_component, items, text
from posthouse.formats.vcard.writer import write

__all__ = [
    "BinaryFile",
    "Card",
    "Fault",
    "Property",
    "components",
    "escape",
    "escape_component",
    "items",
    "read",
    "stream",
    "text",
    "write",
]
