"""Gradients of whole-array code: a product of matrices, y = 2 x x, and a sum.

The adjoint of D = W X is dW = dD Xᵀ and dX = Wᵀ dD, and the generated source says just that.
"""

import numpy as np

from s2sad import grad, vjp


def product(W, X):
    D = W @ X
    return D


def weighted(W, X, G):
    D = W @ X
    return np.sum(D * G)


def squares(x):
    y = 2.0 * x * x
    return np.sum(y)


def total(x):
    return x.sum()


def main():
    rng = np.random.default_rng(0)
    W, X = rng.normal(size=(5, 10)), rng.normal(size=(10, 3))
    dD = rng.normal(size=(5, 3))

    gradient = grad(weighted, wrt=("W", "X"))
    dW, dX = gradient(W, X, dD)
    print("dW = dD Xᵀ:", np.allclose(dW, dD @ X.T), " dX = Wᵀ dD:", np.allclose(dX, W.T @ dD))
    print(gradient.source)

    _, pullback = vjp(product, W, X)
    print("the same by vjp:", all(map(np.allclose, pullback(dD), (dW, dX))))
    print("d sum(2 x x)/dx at 0, 1, 2, 3:", grad(squares)(np.arange(4.0)))
    print("d x.sum()/dx:", grad(total)(np.arange(4.0)))


if __name__ == "__main__":
    main()
