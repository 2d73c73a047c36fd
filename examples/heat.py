"""The 1-D heat equation by an in-place stencil with two buffers, differentiated by its initial condition.

1,000 explicit steps write `v` from `u` element by element and exchange the two names: memory that is overwritten a
thousand times. The equation is linear, so the reverse sweep needs nothing from the forward one and stores nothing;
the gradient of the temperature in one place at the end is the heat kernel that belongs to that place.
"""

import numpy as np

from s2sad import grad

CELLS, STEPS, RATE = 60, 1000, 0.25


def temperature(u0, place, steps):
    u = u0.copy()
    v = u0.copy()
    n = len(u)
    for _ in range(steps):
        for i in range(1, n - 1):
            v[i] = u[i] + RATE * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u, v = v, u
    return u[place]


def exact_gradient(n, place, steps):
    """The row of the stencil matrix's power."""
    step = np.eye(n)
    for i in range(1, n - 1):
        step[i, i - 1 : i + 2] += RATE * np.array([1.0, -2.0, 1.0])
    return np.linalg.matrix_power(step, steps)[place]


def main():
    u0 = np.sin(np.linspace(0.0, np.pi, CELLS)) ** 2
    place = CELLS // 3
    sensitivity = grad(temperature, jit=True)
    du0 = sensitivity(u0, place, STEPS)
    error = np.max(np.abs(du0 - exact_gradient(CELLS, place, STEPS)))
    print(f"after {STEPS} steps, d u[{place}] / d u0; largest difference from the matrix power: {error:.1e}")
    for i in range(0, CELLS, 5):
        print(f"{i:4d} {du0[i]:10.6f} {'#' * round(60.0 * du0[i] / du0.max())}")
    print(sensitivity.source)


if __name__ == "__main__":
    main()
