"""Charsets: text from bytes that say UTF-8, something else, nothing, or the wrong thing (RFC 6350 §3.1)."""

from __future__ import annotations

import re

# Only these codecs are ever used: Python's search imports modules by name and knows some that are no charsets.
_CODECS = {
    **{f"iso8859{n}": f"iso8859_{n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"windows{n}": f"cp{n}" for n in range(1250, 1259)},
    **{
        f"cp{n}": f"cp{n}"
        for n in (437, 850, 852, 866, 874, 932, 949, 1250, 1251, 1252, 1253, 1254, 1255, 1256)
    },
    "iso88591": "cp1252",  # who says Latin-1 uses its larger twin
    "latin1": "cp1252",
    "usascii": "utf_8",
    "utf8": "utf_8",
    "utf16": "utf_16",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "eucjp": "euc_jp",
    "iso2022jp": "iso2022_jp",
    "euckr": "cp949",
    "ksc56011987": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
    "tis620": "cp874",
    "macintosh": "mac_roman",
}
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_DECLARED = re.compile(rb"[^:]{0,1000}?;\s*CHARSET\s*=\s*\"?([A-Za-z0-9_.-]{1,40})", re.I)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def decode(octets: bytes, charset: str | None) -> str:
    """Turn bytes into text: by the charset, else as UTF-8, else as Windows-1252; it never fails.

    What is malformed becomes U+FFFD. Bytes that are UTF-8 beyond ASCII are UTF-8 whatever was declared.
    """
    name = _CODECS.get(_NOT_IN_NAMES.sub("", charset.lower())) if charset else None
    if not octets.isascii() or name in (None, "utf_8"):
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            pass
    if name is None or name == "utf_8":
        name = "cp1252"
    return _LONE_SURROGATE.sub("\ufffd", octets.decode(name, "replace"))


def decode_line(line: bytes) -> str:
    """Turn a content line into text by the charset that it names itself, as vCard 2.1 does."""
    if line.isascii() and b"\x1b" not in line:
        return line.decode("ascii")
    try:
        if b"\x1b" not in line:
            return line.decode("utf-8")
    except UnicodeDecodeError:
        pass
    declared = _DECLARED.match(line)
    return decode(line, declared[1].decode("ascii") if declared else None)
