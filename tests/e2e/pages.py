"""Pages: a site of its own on loopback, which browsers trust as if it were served over HTTPS."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def site(scripts: Mapping[str, str]) -> Iterator[str]:
    """Serve scripts by their paths, and at each other path a page that is empty; gives the site's origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script = scripts.get(self.path)
            self.send_response(200)
            self.send_header("content-type", "text/html" if script is None else "text/javascript")
            self.end_headers()
            self.wfile.write((script or "").encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as pages:
        thread = threading.Thread(target=pages.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{pages.server_port}"
        finally:
            pages.shutdown()
            thread.join()
