"""The fourteen problems, by name, in the order of the table; each is loaded when it is asked for."""

from __future__ import annotations

import importlib

from tests.benchmarks.problem import Problem

NAMES = (
    "staged", "rosenbrock", "mixture", "soft_dtw", "bundle", "lstm", "oring", "lorenz", "burgers", "asian",
    "perceptron", "nbody", "black_scholes", "gaussian_process",
)  # fmt: skip


def problem(name: str) -> Problem:
    return importlib.import_module(f"tests.benchmarks.problems.{name}").PROBLEM
