"""Print how many microseconds the MIME room takes for a generated message of 17 kB."""

from __future__ import annotations

import base64
import quopri
import time
from collections.abc import Callable

from posthouse.formats import mime

ROUNDS = 400


def typical_message() -> bytes:
    """Build a message as many are: some 30 fields, a text, its HTML alternative and a small picture."""
    received = "".join(
        f"Received: from mx{n}.example.net (mx{n}.example.net [192.0.2.{n}])\r\n\tby mx.example.org with "
        f"ESMTPS id 4F1A{n}B7C2\r\n\tfor <ann@example.org>; Mon, 23 Nov 2026 12:5{n}:00 +0000 (UTC)\r\n"
        for n in range(5)
    )
    others = "".join(f"X-Filter-{n}: score={n}.25 required=5.0 tests=A,B,C\r\n" for n in range(14))
    head = (
        f"Return-Path: <bob@example.net>\r\n{received}"
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=one;\r\n"
        f"\th=from:to:subject:date; bh={'A' * 43}=;\r\n\tb={'B' * 172}\r\n"
        "From: =?utf-8?q?J=C3=BCrgen_B=C3=B6hm?= <bob@example.net>\r\n"
        'To: "Ann Other" <ann@example.org>, Carl <carl@example.org>\r\n'
        "Cc: dora@example.org\r\n"
        "Subject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from the posthouse\r\n"
        "Date: Mon, 23 Nov 2026 12:50:00 +0100\r\nMessage-ID: <1234.5678@example.net>\r\n"
        "In-Reply-To: <1233.5677@example.org>\r\nReferences: <1.2@example.org> <1233.5677@example.org>\r\n"
        f"MIME-Version: 1.0\r\n{others}"
        'Content-Type: multipart/mixed; boundary="=_outer"\r\n\r\n'
    )
    sentence = "The riders changed horses at the posthouse, and the letters went on before daybreak. "
    text = "\r\n".join(f"{sentence}Number {n}." for n in range(20))
    html = "<html><head><title>x</title><style>p { margin: 0; color: #333 }</style></head><body>" + "".join(
        f'<div class="row"><p style="margin:0">{sentence}<b>Number</b> {n} &amp; so on.</p></div>\r\n'
        for n in range(40)
    )
    picture = base64.encodebytes(bytes(range(256)) * 14).replace(b"\n", b"\r\n")
    return (
        head.encode()
        + b'--=_outer\r\nContent-Type: multipart/alternative; boundary="=_inner"\r\n\r\n'
        + b"--=_inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        + text.encode()
        + b"\r\n--=_inner\r\nContent-Type: text/html; charset=utf-8\r\n"
        + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        + quopri.encodestring(html.encode())
        + b"\r\n--=_inner--\r\n--=_outer\r\nContent-Type: image/png; name=seal.png\r\n"
        + b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=seal.png\r\n\r\n"
        + picture
        + b"--=_outer--\r\n"
    )


def everything(data: bytes) -> None:
    """Do what an import does with a message."""
    message = mime.parse(data)
    mime.convenience(message)
    mime.body(message)
    mime.has_attachment(message)
    mime.preview(data, message)
    mime.search_text(data, message)


def best(work: Callable[[], object]) -> float:
    """Return the least microseconds that one call of `work` took."""
    least = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - start)
    return least * 1e6


def main() -> None:
    """Measure and print."""
    data = typical_message()
    message = mime.parse(data)
    mime.preview(data, message)
    steps: dict[str, Callable[[], object]] = {
        "parse": lambda: mime.parse(data),
        "convenience": lambda: mime.convenience(message),
        "body and has_attachment": lambda: (mime.body(message), mime.has_attachment(message)),
        "preview, text remembered": lambda: mime.preview(data, message),
        "search text, text remembered": lambda: mime.search_text(data, message),
        "everything": lambda: everything(data),
    }
    print(f"message of {len(data):,} bytes, {len(message.headers)} fields; least of {ROUNDS} rounds")
    for name, work in steps.items():
        print(f"{best(work):8.1f} µs  {name}")
