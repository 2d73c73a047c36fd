"""Derivatives of A -> sum(W * g(A)) at a diagonal matrix: divided differences of g in many digits (Daleckii & Krein 1951)."""

from __future__ import annotations

from fractions import Fraction
from math import exp, factorial

import numpy as np


def of_exponential(points):
    """The divided difference of exp at points, which may be equal: its power series from their mean, by the complete
    symmetric polynomials of the points' distances."""
    middle = sum(Fraction(p) for p in points) / len(points)
    away = [Fraction(p) - middle for p in points]
    order, total = len(points) - 1, Fraction(0)
    complete = [Fraction(1)] + [Fraction(0)] * 40
    for a in away:
        for k in range(1, 41):
            complete[k] += a * complete[k - 1]
    for k in range(41):
        total += complete[k] / factorial(k + order)
    return float(total) * exp(middle)


def gradient(W, w):
    n = len(w)
    return 0.5 * (W + W.T) * [[of_exponential([w[i], w[j]]) for j in range(n)] for i in range(n)]


def along(W, w, S):
    """The derivative of the gradient along S."""
    n, W, S = len(w), 0.5 * (W + W.T), 0.5 * (S + S.T)
    found = np.zeros((n, n))
    for i, k, j in np.ndindex(n, n, n):
        d = of_exponential([w[i], w[k], w[j]])
        found[k, j] += W[i, j] * d * S[i, k]
        found[i, k] += W[i, j] * d * S[k, j]
    return 0.5 * (found + found.T)
