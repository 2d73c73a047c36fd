"""Files of machine code in the user's cache directory: private to the user, whole or not there at all.

What is read is unpickled, so only files are read that nobody but this user can have written; anything odd counts as
not there. Failing to write is no error: the cache only saves time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"s2sad machine code\n"
SUFFIX = ".machinecode"
ON, OFF = {"", "1", "on", "true", "yes"}, {"0", "off", "false", "no"}
MOST_BYTES = 2**30  # of all files; beyond, those go that were not used longest


def directory() -> Path | None:
    """Where machine code is kept: as `S2SAD_CACHE` says (a directory, or 0 for nowhere), else the user's own place."""
    chosen = os.environ.get("S2SAD_CACHE", "").strip()
    if chosen.lower() in OFF:
        return None
    import platformdirs

    try:
        if chosen.lower() not in ON:
            return Path(chosen).expanduser().absolute()
        found = Path(platformdirs.user_cache_dir("s2sad", appauthor=False))
    except (OSError, RuntimeError):  # without a home, or in a working directory that is gone
        return None
    return found if found.is_absolute() else None  # a ~ that stands for nothing


def trouble(path: Path) -> str:
    """Why a directory is not used: others may write there. Empty if it may be used, or is not there."""
    try:
        found = path.stat()
    except OSError:
        return ""
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a directory"
    if not hasattr(os, "geteuid"):  # Windows: the user's own folders are closed to others
        return ""
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    if found.st_mode & 0o077:
        return (
            "it is open to other users (chmod 700 closes it; clear it first if they may have written there)"
        )
    return ""


def read(name: str) -> bytes | None:
    """The contents of a file, if it is there, whole, and this user's alone."""
    path = directory()
    if path is None or trouble(path):
        return None
    try:
        handle = os.open(
            path / (name + SUFFIX), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        )
    except OSError:
        return None
    with open(handle, "rb") as file:  # what was opened is looked at, not what the name stands for by then
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            return None
        if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & 0o022):
            return None
        with contextlib.suppress(OSError):
            os.utime(file.fileno() if os.utime in os.supports_fd else path / (name + SUFFIX))
        try:
            whole = file.read()
        except OSError:
            return None
    head = len(MAGIC) + hashlib.sha256().digest_size
    data = whole[head:]
    if whole[:head] != MAGIC + hashlib.sha256(data).digest():
        return None
    return data


def write(name: str, data: bytes) -> None:
    """Put a file there, under its name only once it is whole."""
    path = directory()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(0o700)
        if trouble(path):
            return
        make_room(path, len(data))
        handle, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path)
        try:
            with open(handle, "wb") as file:
                file.write(MAGIC + hashlib.sha256(data).digest() + data)
            os.replace(partial, path / (name + SUFFIX))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(partial)
            raise
    except OSError:
        return


def make_room(path: Path, size: int) -> None:
    """Delete what was not used longest, so that so many more bytes are not too many."""
    found = sorted(entries(path), key=lambda e: e[1].st_mtime)
    total = size + sum(s.st_size for _, s in found)
    for file, status in found:
        if total <= MOST_BYTES:
            return
        with contextlib.suppress(OSError):
            file.unlink()
        total -= status.st_size


def entries(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The files of machine code in a directory, and what is known of each."""
    with contextlib.suppress(OSError), os.scandir(path) as found:
        for entry in sorted(found, key=lambda e: e.name):
            if entry.name.endswith(SUFFIX):
                with contextlib.suppress(OSError):  # another process may have deleted it
                    yield Path(entry.path), entry.stat(follow_symlinks=False)


def clear(path: Path) -> int:
    """Delete all machine code, and what processes that died have left; the number of files deleted."""
    count = 0
    found = [p for p, _ in entries(path)]
    with contextlib.suppress(OSError):
        found += path.glob(".*.partial")
    for file in found:
        with contextlib.suppress(OSError):
            file.unlink()
            count += 1
    return count
