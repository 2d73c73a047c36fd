"""Logistic regression on the space shuttle's O-rings: temperature at launch against damage found.

The model is 1 / (1 + exp(beta x + alpha)); its mean binary cross-entropy is a loop in plain Python over the
24 launches, minimised by gradient descent from zero. The same loss is differentiated in reverse mode and in
forward mode, interpreted on lists, and compiled by Numba on arrays: four ways to the same numbers. (The
rate is too large for this loss to fall; the numbers are a check of derivatives, not advice on training.)
"""

import math

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


def objective(alpha, beta):
    """The loss as a function of the parameters alone; the launches are read from this module."""
    return loss(alpha, beta, TEMPERATURE, DAMAGE)


loss_and_gradient = value_and_grad(loss, wrt=("alpha", "beta"))


def reverse(alpha, beta):
    """Interpreted, on lists: one reverse sweep."""
    return loss_and_gradient(alpha, beta, TEMPERATURE, DAMAGE)


def forward(alpha, beta):
    """Interpreted, on lists: one forward sweep a parameter."""
    value, d_alpha = jvp(objective, (alpha, beta), (1.0, 0.0))
    _, d_beta = jvp(objective, (alpha, beta), (0.0, 1.0))
    return value, (d_alpha, d_beta)


def compiled():
    """Compiled, on arrays: the reverse sweep as machine code."""
    import numpy as np

    X, Y = np.array(TEMPERATURE), np.array(DAMAGE)
    gradient = value_and_grad(loss, wrt=("alpha", "beta"), jit=True)
    return lambda alpha, beta: gradient(alpha, beta, X, Y)


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
    for name, way in (("reverse", reverse), ("forward", forward), ("reverse, compiled", compiled())):
        print(f"{name}\nepoch                loss                alpha                 beta")
        for epoch, (value, alpha, beta) in train(way).items():
            print(f"{epoch:5d}  {value:18.15f}  {alpha:19.16f}  {beta:19.16f}")
        print()
    print(loss_and_gradient.source)


if __name__ == "__main__":
    main()
