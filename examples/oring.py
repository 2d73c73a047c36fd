"""Logistic regression on the space shuttle's O-rings: temperature at launch against damage found.

The model is 1 / (1 + exp(beta x + alpha)); its mean binary cross-entropy is a loop in plain Python over the
24 launches, minimised by gradient descent from zero. The same loss is differentiated in reverse mode and in
forward mode, interpreted on lists, and compiled by Numba on arrays, with the same numbers each time. (The
rate is too large for this loss to fall; the numbers are a check of derivatives, not advice on training.)
"""

import math

import numpy as np

from s2sad import jvp, value_and_grad

LAUNCHES = (
    (66, 0), (70, 1), (69, 0), (68, 0), (67, 0), (72, 0), (73, 0), (70, 0),
    (57, 1), (63, 1), (70, 1), (78, 0), (67, 0), (53, 1), (67, 0), (75, 0),
    (70, 0), (81, 0), (76, 0), (79, 0), (75, 1), (76, 0), (58, 1), (31, 1),
)  # fmt: skip
TEMPERATURE = [float(temperature) for temperature, _ in LAUNCHES]
DAMAGE = [float(damage) or 1e-18 for _, damage in LAUNCHES]
RATE = 0.005
EPOCHS = 1000


def model(x, alpha, beta):
    """The probability of damage at temperature x (degrees Fahrenheit)."""
    return 1.0 / (1.0 + math.exp(beta * x + alpha))


def loss(alpha, beta, X, Y):
    """The mean binary cross-entropy of the model over the launches."""
    total = 0.0
    for y, x in zip(Y, X):
        p = model(x, alpha, beta)
        total += -y * math.log(p) - (1.0 - y) * math.log(1.0 - p)
    return total / len(X)


def reverse(X, Y, jit=False):
    """The loss and its gradient by one reverse sweep."""
    gradient = value_and_grad(loss, wrt=("alpha", "beta"), jit=jit)
    return lambda alpha, beta: gradient(alpha, beta, X, Y)


def forward(X, Y, jit=False):
    """The loss and its gradient by one forward sweep a parameter."""

    def objective(alpha, beta):
        return loss(alpha, beta, X, Y)

    def loss_and_gradient(alpha, beta):
        value, d_alpha = jvp(objective, (alpha, beta), (1.0, 0.0), jit=jit)
        _, d_beta = jvp(objective, (alpha, beta), (0.0, 1.0), jit=jit)
        return value, (d_alpha, d_beta)

    return loss_and_gradient


def train(loss_and_gradient, epochs=EPOCHS, every=100):
    """Gradient descent from zero; {epoch: (loss, alpha, beta)}, as they are before the epoch's step."""
    alpha = beta = 0.0
    history = {}
    for epoch in range(epochs):
        value, (d_alpha, d_beta) = loss_and_gradient(alpha, beta)
        if epoch % every == 0:
            history[epoch] = (value, alpha, beta)
        alpha -= RATE * d_alpha
        beta -= RATE * d_beta
    return history


def main():
    X, Y = np.array(TEMPERATURE), np.array(DAMAGE)
    ways = {
        "reverse mode, interpreted, lists": reverse(TEMPERATURE, DAMAGE),
        "forward mode, interpreted, lists": forward(TEMPERATURE, DAMAGE),
        "reverse mode, compiled, arrays": reverse(X, Y, jit=True),
        "forward mode, compiled, arrays": forward(X, Y, jit=True),
    }
    for name, loss_and_gradient in ways.items():
        print(f"{name}\nepoch                loss                alpha                 beta")
        for epoch, (value, alpha, beta) in train(loss_and_gradient).items():
            print(f"{epoch:5d}  {value:18.15f}  {alpha:19.16f}  {beta:19.16f}")
        print()


if __name__ == "__main__":
    main()
