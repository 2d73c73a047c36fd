"""Linear algebra written in loops, differentiated as it stands: Cholesky, LU with pivoting, the Thomas algorithm.

Each solves a linear system in place, and its gradient is compared with the one that NumPy's own solve() has:
for x = A⁻¹ b and a loss with cotangent g, db = A⁻ᵀ g and dA = -db xᵀ.
"""

import numpy as np

from s2sad import grad


def cholesky_solve(A, b):
    n = len(b)
    L = np.zeros((n, n))
    for j in range(n):
        s = A[j, j]
        for k in range(j):
            s -= L[j, k] ** 2
        L[j, j] = np.sqrt(s)
        for i in range(j + 1, n):
            s = A[i, j]
            for k in range(j):
                s -= L[i, k] * L[j, k]
            L[i, j] = s / L[j, j]
    x = b.copy()
    for i in range(n):
        for k in range(i):
            x[i] -= L[i, k] * x[k]
        x[i] /= L[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            x[i] -= L[k, i] * x[k]
        x[i] /= L[i, i]
    return x


def lu_solve(A, b):
    n = len(b)
    U = A.copy()
    x = b.copy()
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if abs(U[i, k]) > abs(U[p, k]):
                p = i
        if p != k:
            for j in range(n):
                U[k, j], U[p, j] = U[p, j], U[k, j]
            x[k], x[p] = x[p], x[k]
        for i in range(k + 1, n):
            f = U[i, k] / U[k, k]
            U[i, k:] -= f * U[k, k:]
            x[i] -= f * x[k]
    for i in range(n - 1, -1, -1):
        x[i] = (x[i] - np.sum(U[i, i + 1 :] * x[i + 1 :])) / U[i, i]
    return x


def thomas_solve(lower, diagonal, upper, b):
    n = len(b)
    c = np.zeros(n)
    x = b.copy()
    pivot = diagonal[0]
    x[0] /= pivot
    for i in range(1, n):
        c[i - 1] = upper[i - 1] / pivot
        pivot = diagonal[i] - lower[i - 1] * c[i - 1]
        x[i] = (x[i] - lower[i - 1] * x[i - 1]) / pivot
    for i in range(n - 2, -1, -1):
        x[i] -= c[i] * x[i + 1]
    return x


def by_cholesky(A, b, g):
    return np.sum(cholesky_solve(A, b) * g)


def by_lu(A, b, g):
    return np.sum(lu_solve(A, b) * g)


def by_thomas(lower, diagonal, upper, b, g):
    return np.sum(thomas_solve(lower, diagonal, upper, b) * g)


def expected(A, b, g):
    x, db = np.linalg.solve(A, b), np.linalg.solve(A.T, g)
    return -np.outer(db, x), db


def main():
    rng = np.random.default_rng(0)
    n = 6
    b, g = rng.normal(size=n), rng.normal(size=n)

    R = rng.normal(size=(n, n))
    S = R @ R.T + n * np.eye(n)
    dS, db = grad(by_cholesky, wrt=("A", "b"))(S, b, g)
    dA_exact, db_exact = expected(S, b, g)
    lower_half = np.tril(dA_exact + dA_exact.T, -1) + np.diag(
        np.diag(dA_exact)
    )  # only A's lower half is read
    print(
        f"Cholesky: dA off by {np.max(np.abs(dS - lower_half)):.1e}, db by {np.max(np.abs(db - db_exact)):.1e}"
    )

    A = rng.normal(size=(n, n))
    dA, db = grad(by_lu, wrt=("A", "b"))(A, b, g)
    dA_exact, db_exact = expected(A, b, g)
    print(
        f"LU:       dA off by {np.max(np.abs(dA - dA_exact)):.1e}, db by {np.max(np.abs(db - db_exact)):.1e}"
    )

    lower, upper = rng.normal(size=n - 1), rng.normal(size=n - 1)
    diagonal = rng.normal(size=n) + 5.0
    T = np.diag(diagonal) + np.diag(lower, -1) + np.diag(upper, 1)
    found = grad(by_thomas, wrt=(0, 1, 2, 3))(lower, diagonal, upper, b, g)
    dT, db = expected(T, b, g)
    exact = (np.diag(dT, -1), np.diag(dT), np.diag(dT, 1), db)
    worst = max(np.max(np.abs(d - e)) for d, e in zip(found, exact, strict=True))
    print(f"Thomas:   the worst of four gradients off by {worst:.1e}")


if __name__ == "__main__":
    main()
