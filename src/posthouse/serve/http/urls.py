"""Where each resource is, and the URLs that the Session object names (RFC 8620 §2, §2.2)."""

from __future__ import annotations

WELL_KNOWN = "/.well-known/jmap"
SESSION = "/jmap/session"
API = "/jmap/api/"
UPLOAD = "/jmap/upload/"
DOWNLOAD = "/jmap/download/"
EVENT_SOURCE = "/jmap/eventsource/"


def urls(base_url: str) -> dict[str, str]:
    """Return the URLs and URL templates of the Session object; `base_url` has no slash at its end."""
    return {
        "apiUrl": base_url + API,
        "downloadUrl": base_url + DOWNLOAD + "{accountId}/{blobId}/{name}?type={type}",
        "uploadUrl": base_url + UPLOAD + "{accountId}/",
        "eventSourceUrl": base_url + EVENT_SOURCE + "?types={types}&closeafter={closeafter}&ping={ping}",
    }
