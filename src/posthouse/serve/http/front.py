"""The page at ``/``: what this is, and a first request that can be copied."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Collection
from html import escape

from posthouse.serve.http import urls
from posthouse.serve.http.answer import Answer, Headers
from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.proxy import Proxies

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --paper: #fbfaf7; --soft: #ece9e1; --mark: #a3431f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e1da; --paper: #16191c; --soft: #23282d; --mark: #f0916b; }
}
body { background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; margin: 0; }
main { max-width: 46rem; margin: 0 auto; padding: 3rem 1.25rem; }
h1 { font-size: 2.2rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
a { color: var(--mark); overflow-wrap: anywhere; }
pre { background: var(--soft); border-radius: .4rem; overflow-x: auto; padding: .9rem 1rem; }
pre, code { font: .88rem/1.5 ui-monospace, monospace; }
ul { padding-left: 1.2rem; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Posthouse</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Posthouse</h1>
<p>This is a JMAP server: mail behind one JSON API. Any JMAP client can use it with the address below.</p>
<h2>Session</h2>
<p><a href="{session}">{session}</a></p>
<p>It answers to Basic and Bearer.{demo}</p>
<h2>First request</h2>
<p>See your accounts:</p>
<pre><code>{see}</code></pre>
<p>Call a method:</p>
<pre><code>{call}</code></pre>
<h2>Capabilities of this build</h2>
<ul>
{capabilities}
</ul>
</main>
</body>
</html>
"""

_REQUEST = '{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",{"hello":"world"},"c1"]]}'


class FrontPage:
    """Shows a visitor what is here."""

    def __init__(self, proxies: Proxies, capabilities: Collection[str], demo: tuple[str, str] | None) -> None:
        self._proxies = proxies
        self._capabilities = sorted(capabilities)
        self._demo = demo
        digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        self._headers: Headers = (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", f"{policy}; frame-ancestors 'none'".encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-cache"),
        )

    async def get(self, exchange: Exchange) -> Answer:
        """Answer with the page, its URLs as this visitor sees them."""
        return Answer(200, self._headers, self._page(self._proxies.base_url(exchange)).encode())

    def _page(self, base_url: str) -> str:
        login, demo = "NAME:PASSWORD", ""
        if self._demo is not None:
            name, password = self._demo
            login = f"{name}:{password}"
            demo = f" The demo user is <code>{escape(name)}</code> with <code>{escape(password)}</code>."
        curl = f"curl -u {shlex.quote(login)}"
        session = base_url + urls.WELL_KNOWN
        call = (
            f"{curl} -H 'Content-Type: application/json' \\\n"
            f"  -d '{_REQUEST}' \\\n  {shlex.quote(base_url + urls.API)}"
        )
        return _PAGE.format(
            style=_STYLE,
            session=escape(session),
            demo=demo,
            see=escape(f"{curl} {shlex.quote(session)}"),
            call=escape(call),
            capabilities="\n".join(f"<li><code>{escape(uri)}</code></li>" for uri in self._capabilities),
        )
