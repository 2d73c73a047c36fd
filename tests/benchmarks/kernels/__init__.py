"""Fifteen kernels that write in place, in the manner of PolyBench and of fluid solvers: gradient against function."""

from __future__ import annotations

from tests.benchmarks.kernels import algebra, arrays, solvers

KERNELS = {k.name: k for k in (*solvers.KERNELS, *algebra.KERNELS, *arrays.KERNELS)}
