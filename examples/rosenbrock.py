"""A million parameters: the gradient of Rosenbrock's function in loop style and in array style.

By differences a gradient costs n + 1 calls of the function; by reverse mode a small number of them, whatever n is.
The cost of differences is measured at n = 1,000 calls and extrapolated to a million.
"""

import time

import numpy as np

from s2sad import grad

N, SAMPLED = 1_000_000, 1_000


def in_loops(x):
    s = 0.0
    for i in range(len(x) - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


def in_arrays(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def exact(x):
    d = np.zeros_like(x)
    r = x[1:] - x[:-1] ** 2
    d[:-1] = -400.0 * x[:-1] * r - 2.0 * (1.0 - x[:-1])
    d[1:] += 200.0 * r
    return d


def seconds(f, *args):
    """The least of five runs."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        f(*args)
        best = min(best, time.perf_counter() - start)
    return best


def calls(function, x):
    """As many calls as one gradient by differences takes."""
    for _ in range(len(x) + 1):
        function(x)


def main(n=N):
    from numba import njit

    x = np.random.default_rng(0).normal(size=n)
    for name, function, gradient in (
        ("loops, compiled", njit(in_loops), grad(in_loops, jit=True)),
        ("arrays", in_arrays, grad(in_arrays)),
    ):
        function(x), gradient(x)
        error = np.max(np.abs(gradient(x) - exact(x)))
        value, adjoint = seconds(function, x), seconds(gradient, x)
        differences = seconds(calls, function, x[:SAMPLED]) * (n / SAMPLED) ** 2
        print(f"{name}: n = {n:,}, error {error:.1e}")
        print(
            f"  function {1e3 * value:9.3f} ms, gradient {1e3 * adjoint:9.3f} ms: {adjoint / value:.2f} calls"
        )
        print(
            f"  differences, extrapolated {differences:,.0f} s: {differences / adjoint:,.0f} times the gradient"
        )


if __name__ == "__main__":
    main()
