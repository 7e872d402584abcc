"""The Session resource (RFC 8620 §2)."""

from __future__ import annotations

from posthouse.serve.http.answer import JSON, Answer
from posthouse.serve.http.auth import Door
from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.ports import Api
from posthouse.serve.http.proxy import Proxies

_NOT_CACHED = (b"cache-control", b"no-cache, no-store, must-revalidate")


class SessionResource:
    """Answers with the caller's Session object."""

    def __init__(self, door: Door, proxies: Proxies, api: Api) -> None:
        self._door = door
        self._proxies = proxies
        self._api = api

    async def get(self, exchange: Exchange) -> Answer:
        """Answer with the session itself, never a redirect: clients lose their credentials on one."""
        base_url = self._proxies.base_url(exchange)
        caller = await self._door.caller(exchange)
        return Answer(200, (JSON, _NOT_CACHED), self._api.session(caller, base_url))
