"""What an operator can set of the HTTP edge."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration of the HTTP edge.

    public_url: the URL that clients reach ``/`` at, without a slash at its end; None takes it from each
    request's Host. trusted_proxies: addresses or networks (``10.0.0.0/8``) of proxies whose
    ``Forwarded`` and ``X-Forwarded-*`` are believed. origins: web origins that may read answers from a
    browser; ``*`` stands for all, which is safe because the cookie counts only for our own pages. compress:
    whether answers are compressed for clients that accept it. demo: name and password that the page at ``/``
    shows.
    """

    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    origins: tuple[str, ...] = ("*",)
    compress: bool = True
    demo: tuple[str, str] | None = None
