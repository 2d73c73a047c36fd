"""Functions that are known by their names, so that their modules are imported only where the user's code did."""

from __future__ import annotations

import sys
from typing import Any

MODULES = ("scipy.special", "scipy.linalg", "scipy.stats", "numba")
DISTRIBUTIONS = ("norm", "expon", "gamma", "beta", "t", "poisson", "multivariate_normal")
NAMED: dict[str, Any] = {}  # handlers by full name


def name_of(obj: Any) -> str:
    """`scipy.special.erf` or `scipy.stats.norm.pdf` where the object is what that names, else ''."""
    name = getattr(obj, "__name__", "")
    for module_name in MODULES:
        module = sys.modules.get(module_name)
        if module is not None and name and getattr(module, name, None) is obj:
            return f"{module_name}.{name}"
    owner, stats = getattr(obj, "__self__", None), sys.modules.get("scipy.stats")
    if owner is not None and stats is not None:
        for distribution in DISTRIBUTIONS:
            if getattr(stats, distribution, None) is owner:
                return f"scipy.stats.{distribution}.{name}"
    return ""
