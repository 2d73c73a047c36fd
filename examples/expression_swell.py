"""Expression swell: why a derivative should be a program and not a formula.

The logistic map l <- 4 l (1 - l), iterated, is a short program. As one formula it doubles with every step,
and so does the formula of its derivative; the generated program grows by the same few operations a step.
The example, and the closed form of three steps, are those of Baydin, Pearlmutter, Radul and Siskind,
"Automatic differentiation in machine learning: a survey" (2018), table 1.
"""

import ast
import importlib.util
import tempfile
from pathlib import Path

from s2sad import grad

try:
    import sympy
except ImportError:
    sympy = None

STEPS = (1, 2, 3, 4, 5, 6)
POINTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.77, 1.0)


def closed_form(x):
    """Three steps of the logistic map as one formula."""
    return 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2


def derivative_by_hand(x):
    """The derivative of `closed_form`, multiplied out."""
    terms = (1, -42, 504, -2640, 7040, -9984, 7168, -2048)
    return 64 * sum(term * x**power for power, term in enumerate(terms))


def logistic(x, n):
    """n steps of the logistic map, as a loop."""
    for _ in range(n):
        x = 4 * x * (1 - x)
    return x


def unrolled(n):
    """n steps of the logistic map, one line a step: the function, from a file that this writes."""
    steps = "    x = 4 * x * (1 - x)\n" * n
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"logistic_{n}.py"
        path.write_text(f"def logistic_{n}(x):\n{steps}    return x\n", encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        function = getattr(module, path.stem)
        derivative = grad(function)
        derivative(0.2)  # the source is read here, while the file is there
    return derivative


def operations(source):
    """The number of arithmetic operations and calls written in a Python source."""
    counted = (ast.BinOp, ast.UnaryOp, ast.AugAssign, ast.Call)
    return sum(isinstance(node, counted) for node in ast.walk(ast.parse(source)))


def sympy_operations(n):
    """The number of operations in SymPy's derivative of n steps, as differentiated and not simplified."""
    x = sympy.Symbol("x")
    return int(sympy.count_ops(sympy.diff(logistic(x, n), x)))


def main():
    df = grad(closed_form)
    dlogistic = grad(logistic)
    print("   x      closed form            loop               by hand")
    for x in POINTS:
        print(f"{x:5.2f}  {df(x):18.12f} {dlogistic(x, 3):18.12f} {derivative_by_hand(x):18.12f}")

    print("\nsteps  s2sad, operations written  SymPy, operations in the formula")
    for n in STEPS:
        swollen = "(SymPy is not installed)" if sympy is None else sympy_operations(n)
        print(f"{n:5d}  {operations(unrolled(n).source):25d}  {swollen!s:>32}")
    written = operations(dlogistic.source)
    print(f"\nThe derivative of the loop is written with {written} operations, whatever the number of steps.")


if __name__ == "__main__":
    main()
