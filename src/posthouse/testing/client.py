"""Jmap: a small JMAP client for tests; what it does not check is for the test to check.

The plugin loads this at the start of every pytest, so the HTTP client behind it is loaded at the first request.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response: its status, its headers by lower-case name, and its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class JmapError(Exception):
    """A request was answered with a status of failure; `response` is what came."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status}: {response.body[:500].decode(errors='replace')}")
        self.response = response


class Jmap:
    """One user at one server; not for several threads at once.

    url: of ``/``, without a slash at its end. ca: path of the certificate that the server's must lead to; None
    takes those that the system trusts.
    """

    def __init__(self, url: str, name: str, password: str, ca: str | None = None) -> None:
        self._url = url
        self._authorization = "Basic " + b64encode(f"{name}:{password}".encode()).decode()
        self._ca = ca
        self._connection: Any = None  # http.client.HTTPConnection
        self._session: dict[str, Any] | None = None

    @property
    def session(self) -> dict[str, Any]:
        """The Session object, asked for once (RFC 8620 §2)."""
        if self._session is None:
            self._session = self._good(self.request("GET", self._url + "/.well-known/jmap")).json
        return self._session

    @property
    def account(self) -> str:
        """The id of the user's own account."""
        return next(str(id) for id, account in self.session["accounts"].items() if account["isPersonal"])

    def call(self, *calls: tuple[str, dict[str, Any]] | tuple[str, dict[str, Any], str]) -> list[Any]:
        """Make method calls in one request and give the responses (RFC 8620 §3.3, §3.4).

        calls: a name and arguments each, and an id where another call refers to it; ``accountId`` is added
        where it is missing, but for push subscriptions, which take none (RFC 8620 §7.2). The request uses all
        that the server has. Raises `JmapError`.
        """
        invocations = []
        for index, call in enumerate(calls):
            own = {} if call[0].startswith("PushSubscription/") else {"accountId": self.account}
            invocations.append([call[0], {**own, **call[1]}, call[2] if len(call) == 3 else str(index)])
        request = {"using": [*self.session["capabilities"]], "methodCalls": invocations}
        return list(self.send(request)["methodResponses"])

    def ask(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Make one method call and give its response's arguments. Raises `AssertionError` for an error."""
        answer, values, _ = self.call((name, arguments))[0]
        assert answer == name, values
        return dict(values)

    def send(self, request: Any) -> dict[str, Any]:
        """Send a Request object as it is and give the Response object. Raises `JmapError`."""
        headers = {"Content-Type": "application/json"}
        answer = self.request("POST", self.session["apiUrl"], json.dumps(request).encode(), headers)
        return dict(self._good(answer).json)

    def upload(self, data: bytes, type: str = "application/octet-stream") -> str:
        """Upload bytes and give their blob id (RFC 8620 §6.1). Raises `JmapError`."""
        url = self.session["uploadUrl"].replace("{accountId}", self.account)
        return str(self._good(self.request("POST", url, data, {"Content-Type": type})).json["blobId"])

    def download(self, blob_id: str, name: str = "blob", type: str = "application/octet-stream") -> bytes:
        """Give the bytes of a blob (RFC 8620 §6.2). Raises `JmapError`."""
        url = self.session["downloadUrl"]
        values = {"accountId": self.account, "blobId": blob_id, "name": name, "type": type}
        for variable, value in values.items():
            url = url.replace(f"{{{variable}}}", quote(value, safe=""))
        return self._good(self.request("GET", url)).body

    def request(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        """Make any HTTP request to the server, signed in unless the headers say otherwise.

        Raises `OSError` or ``http.client.HTTPException`` where no answer comes.
        """
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        sent = {"Authorization": self._authorization, **(headers or {})}
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.request(method, target, body, sent)
            answer = self._connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Response(answer.status, fields, answer.read())
        except BaseException:
            self.close()  # the next request begins anew
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Any:
        import http.client
        import ssl

        parts = urlsplit(self._url)
        assert parts.hostname is not None
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca)
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60, context=context)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)

    def _good(self, response: Response) -> Response:
        if response.status >= 300:
            raise JmapError(response)
        return response
