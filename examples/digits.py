"""A two-layer perceptron on handwritten digits, trained by s2sad's gradients; plots the loss.

Needs scikit-learn and matplotlib (the extra `examples`). The loss is the softmax cross-entropy, written in NumPy as one
writes it; the gradient is generated once and called 43 times an epoch.
"""

from pathlib import Path

import numpy as np

from s2sad import value_and_grad

HIDDEN, EPOCHS, BATCH, RATE = 64, 60, 32, 0.2


def logits(parameters, X):
    W1, b1, W2, b2 = parameters
    return np.tanh(X @ W1 + b1) @ W2 + b2


def loss(parameters, X, labels):
    z = logits(parameters, X)
    z = z - np.max(z, axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def accuracy(parameters, X, labels):
    return np.mean(np.argmax(logits(parameters, X), axis=1) == labels)


def train(epochs=EPOCHS):
    """The losses of all steps, the accuracy on the test data, and the derivative that was used."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    X, X_test, y, y_test = train_test_split(data.data / 16.0, data.target, test_size=0.25, random_state=0)
    rng = np.random.default_rng(0)
    sizes = (X.shape[1], HIDDEN, 10)
    parameters = (
        rng.normal(size=sizes[:2]) / np.sqrt(sizes[0]),
        np.zeros(HIDDEN),
        rng.normal(size=sizes[1:]) / np.sqrt(HIDDEN),
        np.zeros(10),
    )
    objective = value_and_grad(loss)
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), BATCH):
            rows = order[start : start + BATCH]
            value, gradients = objective(parameters, X[rows], y[rows])
            parameters = tuple(p - RATE * g for p, g in zip(parameters, gradients, strict=True))
            losses.append(value)
    return losses, accuracy(parameters, X_test, y_test), objective


def main():
    losses, test_accuracy, objective = train()
    print(f"test accuracy {100.0 * test_accuracy:.1f} % after {len(losses)} steps")
    print(objective.source)

    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    axes.semilogy(losses, linewidth=0.6)
    axes.set(
        xlabel="step", ylabel="cross-entropy of a batch", title="A perceptron on digits, by s2sad's gradients"
    )
    path = Path("digits.png")
    figure.savefig(path, dpi=120)
    print(f"the loss is plotted in {path}")


if __name__ == "__main__":
    main()
