"""Internet messages: bytes to values and back (RFC 5322, RFC 2045-2049, RFC 8621 §4).

Contract: pure functions; bytes in, values out, no I/O. `parse` makes a message of any bytes and never raises;
parts are ranges of the message, so nothing is copied till it is read. All work is linear in the input and
bounded in depth. `compose` writes only what `parse` reads back alike.
May import: kit.
"""

from posthouse.formats.mime.address import EmailAddress, EmailAddressGroup, as_addresses, as_grouped_addresses
from posthouse.formats.mime.body import body, has_attachment
from posthouse.formats.mime.compose import ComposeInput, HeaderInput, PartInput, compose
from posthouse.formats.mime.decode import decode_bytes
from posthouse.formats.mime.envelope import convenience, received_date, sent_date
from posthouse.formats.mime.field import as_date, as_message_ids, as_urls
from posthouse.formats.mime.header import Header, as_text, header_form
from posthouse.formats.mime.html import html_text
from posthouse.formats.mime.message import Body, Message, Part, parse, part_bytes, part_text
from posthouse.formats.mime.preview import preview
from posthouse.formats.mime.searchtext import SearchText, leaves, search_text
from posthouse.formats.mime.subject import base_subject
from posthouse.formats.mime.writer import HeaderValue, write_field

__all__ = [
    "Body",
    "ComposeInput",
    "EmailAddress",
    "EmailAddressGroup",
    "Header",
    "HeaderInput",
    "HeaderValue",
    "Message",
    "Part",
    "PartInput",
    "SearchText",
    "as_addresses",
    "as_date",
    "as_grouped_addresses",
    "as_message_ids",
    "as_text",
    "as_urls",
    "base_subject",
    "body",
    "compose",
    "convenience",
    "decode_bytes",
    "has_attachment",
    "header_form",
    "html_text",
    "leaves",
    "parse",
    "part_bytes",
    "part_text",
    "preview",
    "received_date",
    "search_text",
    "sent_date",
    "write_field",
]
