"""Charsets: the names that mail uses, and bytes to text when the name is wrong or missing (RFC 2045 §5.1)."""

from __future__ import annotations

import re
from encodings.aliases import aliases

# Only these codecs are ever used: Python also knows some that are no charsets (zip, rot13, unicode_escape).
# fmt: off
_CODECS = frozenset(
    (
        "ascii", "utf_8", "utf_7", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le",
        "latin_1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8",
        "iso8859_9", "iso8859_10", "iso8859_11", "iso8859_13", "iso8859_14", "iso8859_15", "iso8859_16",
        "tis_620", "koi8_r", "koi8_t", "koi8_u", "kz1048", "ptcp154", "hp_roman8", "cp037", "cp273", "cp424",
        "cp437", "cp500", "cp720", "cp737", "cp775", "cp850", "cp852", "cp855", "cp856", "cp857", "cp858",
        "cp860", "cp861", "cp862", "cp863", "cp864", "cp865", "cp866", "cp869", "cp874", "cp875", "cp932",
        "cp949", "cp950", "cp1006", "cp1026", "cp1125", "cp1140", "cp1250", "cp1251", "cp1252", "cp1253",
        "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "big5", "big5hkscs", "gb2312", "gbk", "gb18030",
        "hz", "euc_jp", "euc_jis_2004", "euc_jisx0213", "euc_kr", "johab", "shift_jis", "shift_jis_2004",
        "shift_jisx0213", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_2004", "iso2022_jp_3",
        "iso2022_jp_ext", "iso2022_kr", "mac_arabic", "mac_croatian", "mac_cyrillic", "mac_farsi",
        "mac_greek", "mac_iceland", "mac_latin2", "mac_roman", "mac_romanian", "mac_turkish",
    )
)
# fmt: on

# A name in mail often means the larger set that its sender's system used under that name.
_WIDER = {
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
    "iso2022_jp_1": "iso2022_jp_ext",
}

_SPELLINGS = {
    "unicode11utf7": "utf_7",
    "xunicode11utf7": "utf_7",
    "xunicode20utf7": "utf_7",
    "unicode11utf8": "utf_8",
    "unicode20utf8": "utf_8",
    "xunicode20utf8": "utf_8",
    "utf8mb4": "utf_8",
    "utf8bom": "utf_8",
    "unicode": "utf_16",
    "ucs2": "utf_16",
    "iso10646ucs2": "utf_16",
    "ucs4": "utf_32",
    "iso10646ucs4": "utf_32",
    "ansi": "cp1252",
    "windows": "cp1252",
    "xansi": "cp1252",
    "xcp1252": "cp1252",
    "xuserdefined": "cp1252",
    "usasciix": "ascii",
    "ansix341968": "ascii",
    "iso8859": "latin_1",
    "iso88598i": "iso8859_8",
    "iso88598e": "iso8859_8",
    "iso88596i": "iso8859_6",
    "iso88596e": "iso8859_6",
    "logical": "iso8859_8",
    "visual": "iso8859_8",
    "ksc56011987": "cp949",
    "ksc56011989": "cp949",
    "ksc5601": "cp949",
    "xwindows949": "cp949",
    "windows949": "cp949",
    "xsjis": "cp932",
    "windows31j": "cp932",
    "cswindows31j": "cp932",
    "xmscp932": "cp932",
    "shiftjisms": "cp932",
    "xeucjp": "euc_jp",
    "eucjpms": "euc_jp",
    "cp51932": "euc_jp",
    "xeuckr": "cp949",
    "xgbk": "gb18030",
    "xeuccn": "gb18030",
    "euccn": "gb18030",
    "gb231280": "gb18030",
    "cp936": "gb18030",
    "windows936": "gb18030",
    "xxbig5": "big5hkscs",
    "xbig5": "big5hkscs",
    "cnbig5": "big5hkscs",
    "cngb": "gb18030",
    "windows874": "cp874",
    "dos874": "cp874",
    "koi": "koi8_r",
    "koi8": "koi8_r",
    "koi8ru": "koi8_u",
    "xkoi8r": "koi8_r",
    "xmacroman": "mac_roman",
    "xmaccyrillic": "mac_cyrillic",
    "xmacce": "mac_latin2",
    "xmacgreek": "mac_greek",
    "xmacturkish": "mac_turkish",
    "xmacukrainian": "mac_cyrillic",
}

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_PREFIXED = re.compile(r"(?:x)?(?:cp|windows|win|ibm|dos|ms|microsoftcp|oem)(\d{3,5})")
_META = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_:.-]{1,40})", re.I)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NAME = 64


def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for name in _CODECS:
        table[_NOT_IN_NAMES.sub("", name)] = _WIDER.get(name, name)
    for alias, name in aliases.items():
        if name in _CODECS:
            table[_NOT_IN_NAMES.sub("", alias.lower())] = _WIDER.get(name, name)
    for spelling, name in _SPELLINGS.items():
        table[spelling] = _WIDER.get(name, name)
    return table


_KNOWN = _table()


def codec(charset: str) -> str | None:
    """Return the Python codec for a charset name as found in mail, or None if no charset is known by it.

    Names come from a closed table and never reach Python's codec search, which imports modules by name and
    remembers every miss.
    """
    found = _KNOWN.get(charset)
    if found is not None:
        return found
    if len(charset) > _LONGEST_NAME:
        return None
    plain = _NOT_IN_NAMES.sub("", charset.lower())
    found = _KNOWN.get(plain)
    if found is None and (match := _PREFIXED.fullmatch(plain)):
        found = _KNOWN.get("cp" + match[1])
    return found


def decode(octets: bytes, charset: str | None, is_html: bool = False) -> tuple[str, bool]:
    """Turn bytes into text; never fails, and malformed sections become U+FFFD (RFC 8621 §4.1.4).

    The declared charset is used if it is known and fits. US-ASCII, no charset or one that does not fit: UTF-8
    if the bytes are valid UTF-8, else (for HTML) the charset of its ``<meta>``, else the declared one with
    replacements, else Windows-1252.

    :returns: the text without a byte order mark, and whether anything was guessed or replaced.
    """
    name = codec(charset) if charset else "ascii"
    if name == "utf_16":
        name = _utf16(octets)
    if name == "ascii" or name == "utf_8":
        try:
            return octets.decode("utf-8").removeprefix("\ufeff"), False
        except UnicodeDecodeError:
            pass
    elif name is not None:
        try:
            text = octets.decode(name)
            return _well_formed(text), _LONE_SURROGATE.search(text) is not None
        except UnicodeDecodeError:
            pass
    return _guess(octets, name, is_html), True


def decode_word(octets: bytes, name: str) -> str:
    """Decode bytes by a codec that `codec` returned, with U+FFFD for what is malformed."""
    if name == "utf_16":
        name = _utf16(octets)
    return _well_formed(octets.decode(name, "replace"))


def decode_octets(octets: bytes) -> str:
    """Decode bytes that declare no charset, as in headers: UTF-8 (RFC 6532), else Windows-1252."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


def _guess(octets: bytes, name: str | None, is_html: bool) -> str:
    if name != "utf_8":
        try:
            return octets.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError:
            pass
    if name is None or name == "ascii":
        name = "cp1252"
        if is_html and (match := _META.search(octets, 0, 2048)):
            name = codec(match[1].decode("ascii")) or name
            if name.startswith("utf_"):
                name = "cp1252"  # it could be read as ASCII, so it is not UTF-16, and UTF-8 has failed
    return _well_formed(octets.decode(name, "replace"))


def _utf16(octets: bytes) -> str:
    """Choose the byte order of UTF-16: its mark, else where the zero bytes of Latin letters are."""
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf_16"
    sample = octets[:512]
    return "utf_16_be" if sample[::2].count(0) > sample[1::2].count(0) else "utf_16_le"


def _well_formed(text: str) -> str:
    """Drop a byte order mark and replace lone surrogates, which UTF-7 can spell and UTF-8 cannot."""
    return _LONE_SURROGATE.sub("\ufffd", text.removeprefix("\ufeff"))
