"""A line that says what takes long, for who waits at a terminal or in a notebook.

It comes after two seconds, counts, and is the only one; where nobody looks (pipes, logs, tests) nothing is written.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 2.0  # seconds

_saying = threading.Lock()


@contextmanager
def announced(name: str) -> Iterator[None]:
    """Say that Numba compiles the derivative of `name`, if that takes longer than two seconds."""
    if not watched() or not _saying.acquire(
        blocking=False
    ):  # what it compiles for it needs no line of its own
        yield
        return
    start, done = time.perf_counter(), threading.Event()
    teller = threading.Thread(target=_tell, args=(name, start, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        _saying.release()


def _tell(name: str, start: float, done: threading.Event) -> None:
    """Write the line again each second until it is done."""
    text, wait = "", PATIENCE
    while not done.wait(wait):
        text = f"s2sad: Numba is compiling the derivative of {name}(): {int(time.perf_counter() - start)} s"
        _write(f"\r{text}")
        wait = 1.0
    if text:
        _write(f"\r{text.rpartition(':')[0]}: {time.perf_counter() - start:.1f} s\n")


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):  # closed meanwhile
        pass


def watched() -> bool:
    """Whether someone sees what is written to stderr: a terminal or a notebook."""
    try:
        return sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel")
    except (AttributeError, ValueError):
        return False
