"""Which vCard property is which JSContact object: the conversions that only move a value (RFC 9555 §2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from posthouse.formats.jscard.scalar import SCALARS, is_language, is_uri
from posthouse.formats.vcard import escape, text
from posthouse.kit.json import JsonObject

_UNSAFE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[^\s/:@.]+(?:\.[^\s/:@.]+)+(?::\d+)?(?:[/?#].*)?")


@dataclass(frozen=True, slots=True)
class Rule:
    """How one vCard property converts to an entry of one map of the card.

    ``place`` is the path of the map, ``value`` the property that takes the value, ``form`` what that is:
    ``text``, ``uri``, ``addr-spec`` or ``language-tag``. ``fixed`` is set besides.
    """

    name: str
    place: tuple[str, ...]
    type: str
    value: str
    form: str = "text"
    fixed: Mapping[str, str] | None = None


def _kind(kind: str) -> Mapping[str, str]:
    return {"kind": kind}


_TABLE = (
    Rule("NICKNAME", ("nicknames",), "Nickname", "name"),
    Rule("EMAIL", ("emails",), "EmailAddress", "address", "addr-spec"),
    Rule("TEL", ("phones",), "Phone", "number"),
    Rule("LANG", ("preferredLanguages",), "LanguagePref", "language", "language-tag"),
    Rule("IMPP", ("onlineServices",), "OnlineService", "uri", "uri", {"vCardName": "impp"}),
    Rule("SOCIALPROFILE", ("onlineServices",), "OnlineService", "uri", "uri"),
    Rule("CALURI", ("calendars",), "Calendar", "uri", "uri", _kind("calendar")),
    Rule("FBURL", ("calendars",), "Calendar", "uri", "uri", _kind("freeBusy")),
    Rule("CALADRURI", ("schedulingAddresses",), "SchedulingAddress", "uri", "uri"),
    Rule("KEY", ("cryptoKeys",), "CryptoKey", "uri", "uri"),
    Rule("SOURCE", ("directories",), "Directory", "uri", "uri", _kind("entry")),
    Rule("ORG-DIRECTORY", ("directories",), "Directory", "uri", "uri", _kind("directory")),
    Rule("URL", ("links",), "Link", "uri", "uri"),
    Rule("CONTACT-URI", ("links",), "Link", "uri", "uri", _kind("contact")),
    Rule("PHOTO", ("media",), "Media", "uri", "uri", _kind("photo")),
    Rule("LOGO", ("media",), "Media", "uri", "uri", _kind("logo")),
    Rule("SOUND", ("media",), "Media", "uri", "uri", _kind("sound")),
    Rule("TITLE", ("titles",), "Title", "name", "text", _kind("title")),
    Rule("ROLE", ("titles",), "Title", "name", "text", _kind("role")),
    Rule("NOTE", ("notes",), "Note", "note"),
    Rule("EXPERTISE", ("personalInfo",), "PersonalInfo", "value", "text", _kind("expertise")),
    Rule("HOBBY", ("personalInfo",), "PersonalInfo", "value", "text", _kind("hobby")),
    Rule("INTEREST", ("personalInfo",), "PersonalInfo", "value", "text", _kind("interest")),
    Rule("PRONOUNS", ("speakToAs", "pronouns"), "Pronouns", "pronouns"),
)
RULES: Mapping[str, Rule] = {rule.name: rule for rule in _TABLE}
"""The rules by the name of the vCard property."""

SERVICES: Mapping[str, str] = {
    "X-AIM": "AIM",
    "X-ICQ": "ICQ",
    "X-JABBER": "Jabber",
    "X-MSN": "MSN",
    "X-YAHOO": "Yahoo",
    "X-GTALK": "Google Talk",
    "X-GOOGLE-TALK": "Google Talk",
    "X-SKYPE": "Skype",
    "X-SKYPE-USERNAME": "Skype",
    "X-QQ": "QQ",
    "X-GADUGADU": "Gadu-Gadu",
    "X-GROUPWISE": "GroupWise",
    "X-TWITTER": "Twitter",
    "X-MATRIX": "Matrix",
    "X-SIP": "SIP",
}
"""Properties of many address books that hold a user name at one service."""

_OBJECTS = {rule.place: rule.type for rule in _TABLE} | {
    ("addresses",): "Address",
    ("anniversaries",): "Anniversary",
    ("organizations",): "Organization",
    ("relatedTo",): "Relation",
    ("name",): "Name",
}
"""The type of the objects in each map that vCard properties convert to."""


def object_type(place: tuple[str, ...]) -> str:
    """Return the type of the objects at a place: a map, or the one object that ``name`` is."""
    return _OBJECTS[place]


def rule_for(place: tuple[str, ...], value: JsonObject) -> Rule | None:
    """Choose the vCard property for an object of a map; None if there is none for its kind."""
    if place == ("onlineServices",):
        return RULES["IMPP" if value.get("vCardName") == "impp" and "uri" in value else "SOCIALPROFILE"]
    kind = value.get("kind", "title" if place == ("titles",) else None)
    for rule in _TABLE:
        if rule.place == place and (rule.fixed or {}).get("kind") == kind:
            return rule
    return None


def value_from(rule: Rule, raw: str) -> str | None:
    """Read the value of a property, or return None if it is not what the rule says."""
    plain = text(raw)
    if rule.form == "text":
        return plain or None
    plain = plain.strip()
    if rule.form == "uri":
        return uri_from(plain, is_link=rule.name == "URL")
    if rule.form == "addr-spec":
        return plain if SCALARS["AddrSpec"](plain) else None
    return plain if is_language(plain) else None


def value_to(rule: Rule, value: str) -> str:
    """Write the value of a property."""
    return value if rule.form != "text" or (is_uri(value) and rule.name == "TEL") else escape(value)


def uri_from(plain: str, is_link: bool = False) -> str | None:
    """Read a URI; characters that it may not have are written in percent (RFC 9553 §1.6.2).

    :param is_link: take a host name without a scheme as a web address, as people type it.
    """
    if is_uri(plain):
        return plain
    if is_link and _HOST.fullmatch(plain):
        plain = f"http://{plain}"
    mended = quote(_UNSAFE_PERCENT.sub("%25", plain), safe="-._~:/?#[]@!$&'()*+,;=%", errors="replace")
    return mended if is_uri(mended) else None


def value_type(name: str, value: str) -> str | None:
    """Return the VALUE that a property needs, None if its default is right (RFC 6350 §5.2).

    :param value: as it is written.
    """
    if name == "TEL":
        return "uri" if is_uri(value) else None
    if name in ("UID", "RELATED", "MEMBER"):
        return None if is_uri(value) else "text"
    if name in ("BIRTHPLACE", "DEATHPLACE"):
        return "uri" if value.startswith("geo:") else None
    return None
