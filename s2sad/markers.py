"""Functions that programs call to tell s2sad something; outside a derivative they do nothing."""

from __future__ import annotations

from typing import Any


def stop_gradient(x: Any) -> Any:
    """`x` itself; derivatives treat it as a constant."""
    return x
