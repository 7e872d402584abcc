"""The Response object, joined from what is already JSON (RFC 8620 §3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from posthouse.kit.json import dumps


def encode_response(
    responses: Iterable[tuple[str, bytes, str]], created_ids: Mapping[str, str] | None, session_state: str
) -> bytes:
    """Write a Response object.

    Each response is its name, its arguments as a JSON object, and its method call id. `created_ids` is
    None if the request gave none (RFC 8620 §3.4).
    """
    invocations = [
        b"[" + dumps(name) + b"," + arguments + b"," + dumps(call_id) + b"]"
        for name, arguments, call_id in responses
    ]
    created = b"" if created_ids is None else b'"createdIds":' + dumps(created_ids) + b","
    joined = b",".join(invocations)
    return (
        b'{"methodResponses":[' + joined + b"]," + created + b'"sessionState":' + dumps(session_state) + b"}"
    )
