"""The Response object, joined from what is already JSON (RFC 8620 §3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from posthouse.kit.json import dumps


def encode_response(
    responses: Iterable[tuple[str, Sequence[bytes], str]],
    created_ids: Mapping[str, str] | None,
    session_state: str,
) -> bytes:
    """Write a Response object.

    Each response is its name, the pieces of its arguments as a JSON object, and its method call id.
    `created_ids` is None if the request gave none (RFC 8620 §3.4).
    """
    # One list, joined once: answers are large, and each copy of one costs as much as a small request.
    pieces = [b'{"methodResponses":']
    before = b"["
    for name, arguments, call_id in responses:
        pieces += (b"%b[%b," % (before, dumps(name)), *arguments, b",%b]" % dumps(call_id))
        before = b","
    pieces.append(b"[]," if before == b"[" else b"],")
    if created_ids is not None:
        pieces.append(b'"createdIds":%b,' % dumps(created_ids))
    pieces.append(b'"sessionState":%b}' % dumps(session_state))
    return b"".join(pieces)
