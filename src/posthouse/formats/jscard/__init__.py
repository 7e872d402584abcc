"""JSContact: cards checked, localized, and converted from and to vCard (RFC 9553, RFC 9555, RFC 9982).

Contract: pure functions over JSON objects; nothing given is changed, what is returned may share its parts.
`faults` takes any JSON object and names what is wrong by path. `from_vcard` makes a valid card of any vCard;
`to_vcard` takes a valid card. What one side has and the other has no word for is kept: in ``vCardProps``,
``vCardParams`` and ``vCardName`` there, in JSPROP here.
May import: kit, formats.vcard.
"""

from posthouse.formats.jscard.fault import MAX_FAULTS, faults, localized
from posthouse.formats.jscard.inward import from_vcard
from posthouse.formats.jscard.outward import to_vcard
from posthouse.formats.jscard.patch import InvalidPatch, applied

__all__ = ["MAX_FAULTS", "InvalidPatch", "applied", "faults", "from_vcard", "localized", "to_vcard"]
