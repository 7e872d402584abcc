"""What an Email object must look like, written from RFC 8621 §4.1 alone and sharing no code with the server.

Each function gives the faults that it finds, as texts; none means that the value is well-formed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

Json = Any
Check = Callable[[Json], bool]

MAX_INT: Final = 2**53 - 1
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?(Z|[+-]\d\d:\d\d)")
_KEYWORD = re.compile(r"[!-~]{1,255}")

MESSAGE_PROPERTIES: Final = [
    *("id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt", "headers"),
    *(
        "messageId",
        "inReplyTo",
        "references",
        "sender",
        "from",
        "to",
        "cc",
        "bcc",
        "replyTo",
        "subject",
        "sentAt",
    ),
    *("bodyStructure", "bodyValues", "textBody", "htmlBody", "attachments", "hasAttachment", "preview"),
]
PART_PROPERTIES: Final = [
    *("partId", "blobId", "size", "headers", "name", "type"),
    *("charset", "disposition", "cid", "language", "location", "subParts"),
]

_TEXT_FIELDS: Final = {"subject", "comments", "keywords", "list-id"}
_ADDRESS_FIELDS: Final = {
    f"{resent}{name}"
    for resent in ("", "resent-")
    for name in ("from", "sender", "reply-to", "to", "cc", "bcc")
}
_ID_FIELDS: Final = {"message-id", "in-reply-to", "references", "resent-message-id"}
_DATE_FIELDS: Final = {"date", "resent-date"}
_URL_FIELDS: Final = {
    f"list-{name}" for name in ("help", "unsubscribe", "subscribe", "post", "owner", "archive")
}
_RAW_FIELDS: Final = {"received", "return-path"}
_FORMS: Final = {
    "Text": _TEXT_FIELDS,
    "Addresses": _ADDRESS_FIELDS,
    "GroupedAddresses": _ADDRESS_FIELDS,
    "MessageIds": _ID_FIELDS,
    "Date": _DATE_FIELDS,
    "URLs": _URL_FIELDS,
}
_STANDARD: Final = _TEXT_FIELDS | _ADDRESS_FIELDS | _ID_FIELDS | _DATE_FIELDS | _URL_FIELDS | _RAW_FIELDS
CONVENIENT: Final = {
    "messageId": "header:Message-ID:asMessageIds",
    "inReplyTo": "header:In-Reply-To:asMessageIds",
    "references": "header:References:asMessageIds",
    "sender": "header:Sender:asAddresses",
    "from": "header:From:asAddresses",
    "to": "header:To:asAddresses",
    "cc": "header:Cc:asAddresses",
    "bcc": "header:Bcc:asAddresses",
    "replyTo": "header:Reply-To:asAddresses",
    "subject": "header:Subject:asText",
    "sentAt": "header:Date:asDate",
}
"""Properties and what RFC 8621 §4.1.3 says that they are the same as."""


# -- values --


def is_text(value: Json) -> bool:
    """A string that can be written as UTF-8."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def is_id(value: Json) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_unsigned(value: Json) -> bool:
    return type(value) is int and 0 <= value <= MAX_INT


def is_date(value: Json) -> bool:
    """A Date of RFC 8620 §1.4: of RFC 3339, in upper case, without a fraction of zero, and a day that exists."""
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        return False
    try:
        datetime.fromisoformat(value.replace(":60", ":59"))
    except ValueError:
        return False
    return True


def is_utc_date(value: Json) -> bool:
    return is_date(value) and value.endswith("Z")


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _object(members: dict[str, Check]) -> Check:
    """An object with just these members."""
    return lambda value: (
        isinstance(value, dict)
        and value.keys() == members.keys()
        and all(members[key](value[key]) for key in members)
    )


def _set_of(check: Check) -> Check:
    """An object whose keys are the members of a set and whose values are all true."""
    return lambda value: (
        isinstance(value, dict) and all(check(key) and member is True for key, member in value.items())
    )


def _is_keyword(value: Json) -> bool:
    return (
        _KEYWORD.fullmatch(value) is not None and not set(value) & set('(){]%*"\\') and value == value.lower()
    )


def _is_message_id(value: Json) -> bool:
    return is_text(value) and value != "" and not set(value) & set("<> \t\r\n")


def _is_boolean(value: Json) -> bool:
    return isinstance(value, bool)


def _is_unfolded(value: Json) -> bool:
    return is_text(value) and "\r" not in value and "\n" not in value and "\0" not in value


def _is_raw(value: Json) -> bool:
    return is_text(value) and "\0" not in value


_IS_ADDRESS = _object({"name": _or_null(_is_unfolded), "email": _is_unfolded})
_IS_HEADER = _object({"name": is_text, "value": _is_raw})
_IS_BODY_VALUE = _object({"value": is_text, "isEncodingProblem": _is_boolean, "isTruncated": _is_boolean})
_ADDRESSES = _or_null(_list_of(_IS_ADDRESS))
_MESSAGE_IDS = _or_null(_list_of(_is_message_id))

_FORM_CHECKS: Final[dict[str, Check]] = {
    "Raw": _is_raw,
    "Text": _is_unfolded,
    "Addresses": _list_of(_IS_ADDRESS),
    "GroupedAddresses": _list_of(
        _object({"name": _or_null(_is_unfolded), "addresses": _list_of(_IS_ADDRESS)})
    ),
    "MessageIds": _MESSAGE_IDS,
    "Date": _or_null(is_date),
    "URLs": _or_null(_list_of(is_text)),
}

_MESSAGE: Final[dict[str, Check]] = {
    "id": is_id,
    "blobId": is_id,
    "threadId": is_id,
    "mailboxIds": lambda value: _set_of(is_id)(value) and value != {},
    "keywords": _set_of(_is_keyword),
    "size": is_unsigned,
    "receivedAt": is_utc_date,
    "headers": _list_of(_IS_HEADER),
    **dict.fromkeys(("messageId", "inReplyTo", "references"), _MESSAGE_IDS),
    **dict.fromkeys(("sender", "from", "to", "cc", "bcc", "replyTo"), _ADDRESSES),
    "subject": _or_null(_is_unfolded),
    "sentAt": _or_null(is_date),
    "bodyStructure": lambda value: isinstance(value, dict),
    "bodyValues": lambda value: isinstance(value, dict) and all(map(_IS_BODY_VALUE, value.values())),
    **dict.fromkeys(("textBody", "htmlBody", "attachments"), lambda value: isinstance(value, list)),
    "hasAttachment": _is_boolean,
    "preview": lambda value: is_text(value) and len(value) <= 256,
}

_PART: Final[dict[str, Check]] = {
    "partId": _or_null(is_text),
    "blobId": _or_null(is_id),
    "size": is_unsigned,
    "headers": _list_of(_IS_HEADER),
    "name": _or_null(is_text),
    "type": lambda value: is_text(value) and "/" in value and value == value.lower(),
    "charset": _or_null(is_text),
    "disposition": lambda value: value is None or (is_text(value) and value == value.lower()),
    "cid": lambda value: value is None or (is_text(value) and not set(value) & set("<>")),
    "language": _or_null(_list_of(is_text)),
    "location": _or_null(is_text),
    "subParts": _or_null(_list_of(lambda value: isinstance(value, dict))),
}


# -- objects --


def message_faults(email: Json, message: bytes) -> Iterator[str]:
    """Judge an Email that was asked for with all properties, all of those of its parts and all body values."""
    if email.keys() != set(MESSAGE_PROPERTIES):
        yield f"properties: {sorted(email.keys() ^ set(MESSAGE_PROPERTIES))}"
        return
    for name, check in _MESSAGE.items():
        if not check(email[name]):
            yield f"{name}: {email[name]!r:.200}"
    yield from _part_faults(email["bodyStructure"], "bodyStructure")
    yield from _body_faults(email, message)


def _part_faults(part: Json, path: str) -> Iterator[str]:
    if part.keys() != set(PART_PROPERTIES):
        yield f"{path}: {sorted(part.keys() ^ set(PART_PROPERTIES))}"
        return
    for name, check in _PART.items():
        if not check(part[name]):
            yield f"{path}/{name}: {part[name]!r:.200}"
    is_multipart = part["type"].startswith("multipart/")
    if (part["partId"] is None, part["blobId"] is None) != (is_multipart, is_multipart):
        yield f"{path}: partId and blobId are null if, and only if, the part is multipart/*"
    if is_multipart != bool(part["subParts"]) and part["subParts"] != []:
        yield f"{path}: just multipart/* has subParts"
    if (part["charset"] is not None) != part["type"].startswith("text/") and part["charset"] is None:
        yield f"{path}: text/* has a charset, though it be implicit"
    for at, child in enumerate(part["subParts"] or ()):
        yield from _part_faults(child, f"{path}/{at}")


def leaves(part: Json) -> Iterator[Json]:
    """The parts that are no multipart, in their order."""
    if part["type"].startswith("multipart/"):
        for child in part["subParts"]:
            yield from leaves(child)
    else:
        yield part


def _body_faults(email: Json, message: bytes) -> Iterator[str]:
    every = {part["partId"]: part for part in leaves(email["bodyStructure"])}
    if len(every) != sum(1 for _ in leaves(email["bodyStructure"])):
        yield "two parts have one partId"
    texts = {id for id, part in every.items() if part["type"].startswith("text/")}
    if texts != email["bodyValues"].keys():
        yield f"bodyValues: {sorted(texts ^ email['bodyValues'].keys())}"
    for id, value in email["bodyValues"].items():
        if "\r\n" in value["value"] and b"\r\r\n" not in message:
            yield f"bodyValues/{id}: CRLF is replaced with LF"
        if value["isTruncated"]:
            yield f"bodyValues/{id}: nothing was to be truncated"
    for name, expected in zip(
        ("textBody", "htmlBody", "attachments"), bodies(email["bodyStructure"]), strict=True
    ):
        found = [part["partId"] for part in email[name]]
        if expected != found:
            yield f"{name}: {found} instead of {expected}"
        for part in email[name]:
            if every.get(part["partId"]) != part:
                yield f"{name}/{part['partId']}: differs from the part in bodyStructure"


def bodies(structure: Json) -> list[list[str]]:
    """The parts of textBody, htmlBody and attachments, as the algorithm of RFC 8621 §4.1.4 sorts them."""
    text: list[Json] = []
    html: list[Json] = []
    attachments: list[Json] = []
    _sort_parts([structure], "mixed", False, html, text, attachments)
    return [[part["partId"] for part in found] for found in (text, html, attachments)]


def _is_inline_media(type: str) -> bool:
    return type.startswith(("image/", "audio/", "video/"))


def _sort_parts(
    parts: list[Json],
    kind: str,
    in_alternative: bool,
    html: list[Json] | None,
    text: list[Json] | None,
    attachments: list[Json],
) -> None:
    text_length = -1 if text is None else len(text)
    html_length = -1 if html is None else len(html)
    for at, part in enumerate(parts):
        is_multipart = part["type"].startswith("multipart/")
        is_inline = (
            part["disposition"] != "attachment"
            and (part["type"] in ("text/plain", "text/html") or _is_inline_media(part["type"]))
            and (at == 0 or (kind != "related" and (_is_inline_media(part["type"]) or not part["name"])))
        )
        if is_multipart:
            inner = part["type"].split("/")[1]
            _sort_parts(
                part["subParts"], inner, in_alternative or inner == "alternative", html, text, attachments
            )
        elif is_inline:
            if kind == "alternative":
                if part["type"] == "text/plain" and text is not None:
                    text.append(part)
                elif part["type"] == "text/html" and html is not None:
                    html.append(part)
                else:
                    attachments.append(part)
                continue
            if in_alternative:
                if part["type"] == "text/plain":
                    html = None
                if part["type"] == "text/html":
                    text = None
            if text is not None:
                text.append(part)
            if html is not None:
                html.append(part)
            if (text is None or html is None) and _is_inline_media(part["type"]):
                attachments.append(part)
        else:
            attachments.append(part)
    if kind == "alternative" and text is not None and html is not None:
        if text_length == len(text) and html_length != len(html):
            text.extend(html[html_length:])
        if html_length == len(html) and text_length != len(text):
            html.extend(text[text_length:])


# -- header fields --


def header_properties(headers: Json) -> list[str]:
    """All properties ``header:...`` that the fields of a message can be asked for by (RFC 8621 §4.1.2, §4.1.3)."""
    names = {header["name"].lower(): header["name"] for header in headers}
    asked = []
    for lower, name in names.items():
        if re.fullmatch(r"[!-9;-~]{1,255}", name) is None:
            continue  # it can stand in a message, but not in a property's name
        forms = [form for form, fields in _FORMS.items() if lower in fields or lower not in _STANDARD]
        for form in ("", ":asRaw", *(f":as{form}" for form in forms)):
            asked += [f"header:{name}{form}", f"header:{name}{form}:all"]
    return asked


def header_faults(email: Json, asked: list[str], headers: Json) -> Iterator[str]:
    """Judge the values of `asked` against their forms, and the raw ones against the list of fields."""
    known: dict[str, list[str]] = {}
    for field in headers:
        known.setdefault(field["name"].lower(), []).append(field["value"])
    for property in asked:
        if property not in email:
            yield f"{property}: missing"
            continue
        _, name, *rest = property.split(":")
        form = next((word[2:] for word in rest if word.startswith("as")), "Raw")
        values = email[property] if "all" in rest else [email[property]]
        if not isinstance(values, list) or not all(map(_FORM_CHECKS[form], values)):
            yield f"{property}: {values!r:.200}"
            continue
        raw = known[name.lower()]
        if form == "Raw" and values != (raw if "all" in rest else raw[-1:]):
            yield f"{property}: {values!r:.200} instead of {raw!r:.200}"
        if len(values) != (len(raw) if "all" in rest else 1):
            yield f"{property}: {len(values)} values of {len(raw)} fields"
        if "all" not in rest and email.get(f"{property}:all", values)[-1:] != values:
            yield f"{property}: is not the last of all"


def fields(message: bytes) -> list[tuple[str, str]] | None:
    """Cut a message's header into names and raw values; None if a line in it is neither a field nor folded.

    A first line of mbox does not count.
    """
    found: list[list[bytes]] = []
    for line in re.findall(rb"[^\n]*\n|[^\n]+", re.sub(rb"\AFrom [^\n]*\n", b"", message)):
        if line in (b"\n", b"\r\n"):
            break
        if line[:1] in b" \t" and found:
            found[-1].append(line)
        elif re.match(rb"[!-9;-~]+:", line):
            found.append([line])
        else:
            return None
    cut = []
    for lines in found:
        name, _, value = b"".join(lines).partition(b":")
        if b"\0" in value or re.search(rb"\r(?!\n)|[\x80-\xff]", value):
            return None
        cut.append((name.decode(), value.removesuffix(b"\n").removesuffix(b"\r").decode()))
    return cut
