"""What JSContact is: every object type, property, signature and enumerated value (RFC 9553 §2, §3).

The tables stand as in the RFC and are read by `fault`, `parameter` and the tests. A signature is written as in
RFC 9553 §1.3.2: ``A[B]`` is an object with keys A and values B, ``A[]`` an array, ``A|B`` an instance of
either type, of which A is the default. A name in lower case is an enumeration of `ENUMERATIONS`; the others
are types of `TYPES` or the plain types that `scalar` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VERSIONS = ("1.0", "2.0")
"""The registered versions; what we make is of the last one (RFC 9982 §3)."""


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object type: its properties with their signatures, and which of them must be there.

    ``mandatory`` must all be set, of ``any_of`` at least one (none named: no such rule).
    """

    properties: Mapping[str, str]
    mandatory: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()


EVERYWHERE: Mapping[str, str] = {"vCardName": "VCardName", "vCardParams": "String[VCardParameter]"}
"""Properties of each object type (RFC 9555 §2.15.2, §2.15.3)."""

RESERVED: Mapping[str, Mapping[str, str]] = {
    "Card": {"id": "Id", "addressBookIds": "Id[True]"},
    "Media": {"blobId": "BlobId"},
}
"""Properties that exist only inside JMAP (RFC 9610 §7.5)."""

# RFC 9553 §1.4.4
_RESOURCE = {
    "uri": "URI",
    "mediaType": "MediaType",
    "contexts": "context[Boolean]",
    "pref": "Preference",
    "label": "String",
}
# RFC 9553 §1.5
_COMMON = {"contexts": "context[Boolean]", "pref": "Preference", "label": "String"}
_UNLABELLED = {"contexts": "context[Boolean]", "pref": "Preference"}
# RFC 9553 §1.5.4
_PHONETIC = {"phoneticScript": "Script", "phoneticSystem": "phonetic"}

TYPES: Mapping[str, ObjectType] = {
    "Card": ObjectType(  # RFC 9553 §2
        {
            "version": "version",
            "created": "UTCDateTime",
            "kind": "card",
            "language": "LanguageTag",
            "members": "String[True]",
            "prodId": "NonEmptyString",
            "relatedTo": "String[Relation]",
            "uid": "String",
            "updated": "UTCDateTime",
            "name": "Name",
            "nicknames": "Id[Nickname]",
            "organizations": "Id[Organization]",
            "speakToAs": "SpeakToAs",
            "titles": "Id[Title]",
            "emails": "Id[EmailAddress]",
            "onlineServices": "Id[OnlineService]",
            "phones": "Id[Phone]",
            "preferredLanguages": "Id[LanguagePref]",
            "calendars": "Id[Calendar]",
            "schedulingAddresses": "Id[SchedulingAddress]",
            "addresses": "Id[Address]",
            "cryptoKeys": "Id[CryptoKey]",
            "directories": "Id[Directory]",
            "links": "Id[Link]",
            "media": "Id[Media]",
            "localizations": "LanguageTag[PatchObject]",
            "anniversaries": "Id[Anniversary]",
            "keywords": "String[True]",
            "notes": "Id[Note]",
            "personalInfo": "Id[PersonalInfo]",
            "vCardProps": "VCardProperty[]",  # RFC 9555 §2.15.1
        },
        mandatory=("@type", "version"),
    ),
    "Relation": ObjectType({"relation": "relation[True]"}),
    "Name": ObjectType(
        {
            "components": "NameComponent[]",
            "isOrdered": "Boolean",
            "defaultSeparator": "String",
            "full": "String",
            "sortAs": "name[String]",
            **_PHONETIC,
        },
        any_of=("components", "full"),
    ),
    "NameComponent": ObjectType(
        {"value": "String", "kind": "name", "phonetic": "String"}, mandatory=("value", "kind")
    ),
    "Nickname": ObjectType({"name": "String", **_UNLABELLED}, mandatory=("name",)),
    "Organization": ObjectType(
        {"name": "String", "units": "OrgUnit[]", "sortAs": "String", "contexts": "context[Boolean]"},
        any_of=("name", "units"),
    ),
    "OrgUnit": ObjectType({"name": "String", "sortAs": "String"}, mandatory=("name",)),
    "SpeakToAs": ObjectType(
        {"grammaticalGender": "gender", "pronouns": "Id[Pronouns]"}, any_of=("grammaticalGender", "pronouns")
    ),
    "Pronouns": ObjectType({"pronouns": "String", **_UNLABELLED}, mandatory=("pronouns",)),
    "Title": ObjectType({"name": "String", "kind": "title", "organizationId": "Id"}, mandatory=("name",)),
    "EmailAddress": ObjectType({"address": "AddrSpec", **_COMMON}, mandatory=("address",)),
    "OnlineService": ObjectType(
        {"service": "String", "uri": "URI", "user": "String", **_COMMON}, any_of=("uri", "user")
    ),
    "Phone": ObjectType({"number": "String", "features": "feature[True]", **_COMMON}, mandatory=("number",)),
    "LanguagePref": ObjectType({"language": "LanguageTag", **_UNLABELLED}, mandatory=("language",)),
    "Calendar": ObjectType({"kind": "calendar", **_RESOURCE}, mandatory=("kind", "uri")),
    "SchedulingAddress": ObjectType({"uri": "URI", **_COMMON}, mandatory=("uri",)),
    "Address": ObjectType(
        {
            "components": "AddressComponent[]",
            "isOrdered": "Boolean",
            "countryCode": "CountryCode",
            "coordinates": "GeoURI",
            "timeZone": "TimeZone",
            "contexts": "addressContext[True]",
            "full": "String",
            "defaultSeparator": "String",
            "pref": "Preference",
            **_PHONETIC,
        },
        any_of=("components", "coordinates", "countryCode", "full", "timeZone"),
    ),
    "AddressComponent": ObjectType(
        {"value": "String", "kind": "address", "phonetic": "String"}, mandatory=("value", "kind")
    ),
    "CryptoKey": ObjectType({"kind": "String", **_RESOURCE}, mandatory=("uri",)),
    "Directory": ObjectType(
        {"kind": "directory", "listAs": "Position", **_RESOURCE}, mandatory=("kind", "uri")
    ),
    "Link": ObjectType({"kind": "link", **_RESOURCE}, mandatory=("uri",)),
    "Media": ObjectType({"kind": "media", **_RESOURCE}, mandatory=("kind", "uri")),
    "Anniversary": ObjectType(
        {"kind": "anniversary", "date": "PartialDate|Timestamp", "place": "Address"},
        mandatory=("kind", "date"),
    ),
    "PartialDate": ObjectType(
        {
            "year": "UnsignedInt",
            "month": "UnsignedInt",
            "day": "UnsignedInt",
            "calendarScale": "calendarScale",
        }
    ),
    "Timestamp": ObjectType({"utc": "UTCDateTime"}, mandatory=("utc",)),
    "Note": ObjectType({"note": "String", "created": "UTCDateTime", "author": "Author"}, mandatory=("note",)),
    "Author": ObjectType({"name": "String", "uri": "URI"}, any_of=("name", "uri")),
    "PersonalInfo": ObjectType(
        {
            "kind": "personalInfo",
            "value": "String",
            "level": "level",
            "listAs": "Position",
            "label": "String",
        },
        mandatory=("kind", "value"),
    ),
}
"""The object types by name."""


@dataclass(frozen=True, slots=True)
class Enumeration:
    """The registered values of a property, and whether a vendor may add his own (RFC 9553 §1.8.2)."""

    values: tuple[str, ...]
    has_vendors: bool = True


def _listed(values: str, has_vendors: bool = True) -> Enumeration:
    return Enumeration(tuple(values.split()), has_vendors)


ENUMERATIONS: Mapping[str, Enumeration] = {
    "version": Enumeration(VERSIONS, has_vendors=False),
    "card": _listed("individual group org location device application"),
    "context": _listed("private work"),
    "addressContext": _listed("private work billing delivery"),
    "phonetic": _listed("ipa jyut piny"),
    "relation": _listed(
        "acquaintance agent child co-resident co-worker colleague contact crush date emergency friend kin me met"
        " muse neighbor parent sibling spouse sweetheart"
    ),
    "name": _listed("title given given2 surname surname2 credential generation separator"),
    "gender": _listed("animate common feminine inanimate masculine neuter"),
    "title": _listed("title role"),
    "feature": _listed("mobile voice text video main-number textphone fax pager"),
    "calendar": _listed("calendar freeBusy"),
    "address": _listed(
        "room apartment floor building number name block subdistrict district locality region postcode country"
        " direction landmark postOfficeBox separator"
    ),
    "directory": _listed("directory entry"),
    "link": _listed("contact"),
    "media": _listed("photo sound logo"),
    "anniversary": _listed("birth death wedding"),
    "personalInfo": _listed("expertise hobby interest"),
    "level": _listed("high medium low"),
    "calendarScale": _listed(  # the calendar systems of CLDR (RFC 7529 §3)
        "buddhist chinese coptic dangi ethioaa ethiopic ethiopic-amete-alem gregorian gregory hebrew indian islamic"
        " islamic-civil islamic-rgsa islamic-tbla islamic-umalqura islamicc iso8601 japanese persian roc"
    ),
}
"""The enumerations by the name that signatures use (RFC 9553 §3.7)."""
