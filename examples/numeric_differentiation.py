"""Numeric differentiation beside the exact derivative: four difference formulas and their errors.

Forward and backward differences err by O(h), central ones by O(h**2), central ones extrapolated by
Richardson by O(h**4), until rounding, which grows as 1/h, takes over. s2sad's derivative has no h at all.
"""

import math
import sys
import tempfile
from pathlib import Path

from s2sad import grad

POINT = 0.7
PLOT = Path(tempfile.gettempdir()) / "numeric_differentiation.png"
STEPS = tuple(10.0 ** (-k / 2) for k in range(2, 25))


def f(x):
    return math.exp(math.sin(3.0 * x)) * x


def d_plus(f, x, h):
    return (f(x + h) - f(x)) / h


def d_minus(f, x, h):
    return (f(x) - f(x - h)) / h


def d_central(f, x, h):
    return (f(x + h) - f(x - h)) / (2.0 * h)


def richardson(f, x, h):
    return (4.0 * d_central(f, x, h / 2.0) - d_central(f, x, h)) / 3.0


FORMULAS = {"D+": d_plus, "D-": d_minus, "D0": d_central, "Richardson": richardson}


def errors(formula, x=POINT, steps=STEPS):
    """The distance of a difference formula from s2sad's derivative, for each step."""
    exact = grad(f)(x)
    return [abs(formula(f, x, h) - exact) for h in steps]


def order(formula, coarse=1e-2, fine=2.5e-3):
    """The order p of a formula whose error is O(h**p), from the errors at two steps."""
    at_coarse, at_fine = errors(formula, steps=(coarse, fine))
    return math.log(at_coarse / at_fine) / math.log(coarse / fine)


def plot(table, path):
    """Save the errors as a log-log plot; False if matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5))
    for name, column in table.items():
        axes.loglog(STEPS, column, marker=".", label=name)
    axes.set(xlabel="h", ylabel="error against the exact derivative", title="Numeric differentiation")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return True


def main(path=PLOT):
    exact = grad(f)(POINT)
    table = {name: errors(formula) for name, formula in FORMULAS.items()}

    print(f"f(x) = x exp(sin(3 x)), exact derivative at {POINT}: {exact}\n")
    print("        h  " + "".join(f"{name:>12}" for name in FORMULAS))
    for i, h in enumerate(STEPS):
        print(f"{h:9.1e}  " + "".join(f"{table[name][i]:12.2e}" for name in FORMULAS))
    print("    order  " + "".join(f"{order(formula):12.2f}" for formula in FORMULAS.values()))
    print(f"\nplot saved as {path}" if plot(table, path) else "\nno plot: matplotlib is not installed")


if __name__ == "__main__":
    main(*sys.argv[1:2])
