"""Bytes by their SHA-256, durable before they are acknowledged.

Contract: what `Blobs.put` returned can be read after any crash, by any process on the same folder, until the
collector finds it unreferenced and its lease over. Knowing a hash grants nothing: who may read is decided by
the rows above. Everything is synchronous; the edges call it in threads where waiting matters.

`port` is the face, `files` keeps blobs in a folder: small ones in append-only packs (`packs`), larger ones in
files of their own, found by an index (`index`) that is derived from them and can be lost. `collect` frees
what nobody needs.

May import: model, proto, kit; and apsw, for that index only.
"""

from __future__ import annotations

from posthouse.blobs.files import FileBlobs
from posthouse.blobs.port import BlobMissing, Blobs, BlobWriter, Collected

__all__ = ["BlobMissing", "BlobWriter", "Blobs", "Collected", "open_blobs"]


def open_blobs(url_or_path: str) -> Blobs:
    """Open the blobs at ``file:FOLDER`` or at a plain path, and make the folder if there is none.

    Raises `ValueError` for a scheme that this build does not have, `OSError` where the folder cannot be used.
    """
    scheme, colon, rest = url_or_path.partition(":")
    if not colon or "/" in scheme:
        return FileBlobs(url_or_path)
    if scheme != "file":
        raise ValueError(f"blobs cannot be kept at {url_or_path!r}: use file:FOLDER or a path")
    if rest.startswith("//"):
        host, _, rest = rest[2:].partition("/")
        if host not in ("", "localhost"):
            raise ValueError(f"{url_or_path!r} names the host {host!r}: use file:///FOLDER")
        rest = "/" + rest
    if not rest.strip("/"):
        raise ValueError(f"{url_or_path!r} names no folder: use file:FOLDER")
    return FileBlobs(rest)
