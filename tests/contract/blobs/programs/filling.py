"""Put into a folder whose files may not grow past a limit, as on a full disk; then lift the limit."""

from __future__ import annotations

import resource
import sys
from hashlib import sha256

from posthouse.blobs.files import FileBlobs

blobs = FileBlobs(sys.argv[1])
first = blobs.put(b"first" * 1000, 0)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
refused = [bytes(150_000), b"large" * 100_000]
for data in refused:
    try:
        blobs.put(data, 0)
    except OSError:
        print("refused")
    writer = blobs.writer()
    try:
        for start in range(0, len(data), 50_000):
            writer.write(data[start : start + 50_000])
        writer.finish(0)
    except OSError:
        print("refused")
    assert blobs.size(sha256(data).digest()) is None
second = blobs.put(b"second" * 1000, 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
for data in (*refused, b"third" * 1000):
    assert data == blobs.read(blobs.put(data, 0))
assert b"first" * 1000 == blobs.read(first)
assert b"second" * 1000 == blobs.read(second)
print("done")
