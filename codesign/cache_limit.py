"""The limit of the cache: recordings that were not used for longest make room for new ones.

A recording of a deep network has megabytes, and a data set ten thousand inputs. When a file was
last used is its time of modification, which a reader renews.
"""

import os
from collections.abc import Iterable
from pathlib import Path

LARGEST_CACHE_BYTES = 10 * 2**30
"""Thousands of recordings of a ResNet-50."""


def mark_used(path: Path) -> None:
    """Renews a file's time; where that is not allowed, it stays as it was."""
    try:
        os.utime(path)
    except OSError:
        return


def make_room(paths: Iterable[Path], largest_bytes: int = LARGEST_CACHE_BYTES) -> int:
    """Removes the files that were not used for longest until the others fit.

    Another process may remove or replace files at the same time: what has gone is passed over.

    Args:
        paths: all files of the cache.
        largest_bytes: what they may have together.

    Returns:
        How many were removed.
    """
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((status.st_mtime_ns, status.st_size, path))
    excess = sum(size for _, size, _ in found) - largest_bytes
    removed = 0
    for _, size, path in sorted(found):
        if excess <= 0:
            break
        try:
            path.unlink(missing_ok=True)
        except OSError:
            continue
        excess -= size
        removed += 1
    return removed
