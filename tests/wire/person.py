"""Person: a user of a server, and what he sends over real HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from posthouse.testing.server import User

CORE = "urn:ietf:params:jmap:core"
MAIL = "urn:ietf:params:jmap:mail"
PRINCIPALS = "urn:ietf:params:jmap:principals"


@dataclass
class Person:
    """A user at the server: his HTTP client, which is signed in, and his Session object."""

    http: httpx.Client
    user: User
    session: dict[str, Any]

    @property
    def account(self) -> str:
        return str(self.session["primaryAccounts"][MAIL])

    def account_for(self, method: str) -> str:
        """The account that a method is for: that of the domain for Principals, else one's own."""
        at_home = method.partition("/")[0] in ("Principal", "ShareNotification")
        return str(self.session["primaryAccounts"][PRINCIPALS]) if at_home else self.account

    @property
    def limits(self) -> dict[str, int]:
        return dict(self.session["capabilities"][CORE])

    def post(self, content: bytes, content_type: str = "application/json") -> httpx.Response:
        """Send any bytes to the API."""
        headers = {"Content-Type": content_type}
        return self.http.post(self.session["apiUrl"], content=content, headers=headers)

    def send(self, *calls: list[Any], **members: Any) -> httpx.Response:
        """Send a Request object with these calls; `members` replace its own."""
        request = {"using": [*self.session["capabilities"]], "methodCalls": list(calls)} | members
        return self.http.post(self.session["apiUrl"], json=request)

    def call(self, name: str, **arguments: Any) -> tuple[str, Any]:
        """Make one call and give the name and the arguments of its response."""
        response = self.send([name, {"accountId": self.account_for(name)} | arguments, "0"])
        assert 200 == response.status_code, response.text
        [(answer, values, call_id)] = response.json()["methodResponses"]
        assert "0" == call_id
        return answer, values

    def error(self, name: str, **arguments: Any) -> Any:
        """Make one call that must fail and give the arguments of its error."""
        answer, values = self.call(name, **arguments)
        assert "error" == answer, values
        return values

    def upload(self, data: bytes, content_type: str = "application/octet-stream") -> httpx.Response:
        """Upload bytes to the own account."""
        url = self.session["uploadUrl"].replace("{accountId}", self.account)
        return self.http.post(url, content=data, headers={"Content-Type": content_type})

    def url_of(self, blob: str, name: str = "blob", type: str = "text/plain", account: str = "") -> str:
        """Fill in the download URL as a client does; what is given must be encoded already."""
        url: str = self.session["downloadUrl"]
        values = {"accountId": account or self.account, "blobId": blob, "name": name, "type": type}
        for variable, value in values.items():
            url = url.replace(f"{{{variable}}}", value)
        return url
