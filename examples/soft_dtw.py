"""Soft dynamic time warping (Cuturi and Blondel, 2017): a table filled by a recurrence, differentiated as it stands.

The gradient says how each sample of one series should move to fit the other. Every cell of the table is written once
before it is read; the loops are plain Python.
"""

import math

import numpy as np

from s2sad import grad, value_and_grad

GAMMA = 0.5


def soft_min(a, b, c):
    least = min(a, b, c)
    total = math.exp((least - a) / GAMMA) + math.exp((least - b) / GAMMA) + math.exp((least - c) / GAMMA)
    return least - GAMMA * math.log(total)


def soft_dtw(x, y):
    n, m = len(x), len(y)
    R = np.full((n + 1, m + 1), 1e10)
    R[0, 0] = 0.0
    for i in range(n):
        for j in range(m):
            cost = (x[i] - y[j]) ** 2
            R[i + 1, j + 1] = cost + soft_min(R[i, j + 1], R[i + 1, j], R[i, j])
    return R[n, m]


def main():
    t = np.linspace(0.0, 1.0, 12)
    x, y = np.sin(6.0 * t), np.sin(6.0 * t - 0.8)
    value, dx = value_and_grad(soft_dtw)(x, y)
    print(f"distance {value:.6f}")
    print("gradient", np.round(dx, 4))
    gradient = grad(soft_dtw, jit=True)
    for _ in range(200):
        x = x - 0.02 * gradient(x, y)
    print(
        f"after 200 steps of gradient descent on x: {soft_dtw(x, y):.6f}; x = y would give {soft_dtw(y, y):.6f}"
    )


if __name__ == "__main__":
    main()
