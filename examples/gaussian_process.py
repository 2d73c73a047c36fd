"""A Gaussian process fitted by its marginal likelihood: the gradient goes through np.linalg.cholesky.

-log p(y) = ½ yᵀ K⁻¹ y + ½ log det K + ½ n log 2π with K = s² exp(-½ |x - x'|² / l²) + σ² I (Rasmussen and Williams,
2006, eq. 5.8). The three parameters are learned on the logarithmic scale by gradient descent.
"""

import numpy as np

from s2sad import value_and_grad


def negative_log_likelihood(theta, x, y):
    length, scale, noise = np.exp(theta)
    distance = x[:, None] - x[None, :]
    K = scale**2 * np.exp(-0.5 * distance**2 / length**2) + noise**2 * np.eye(len(x))
    L = np.linalg.cholesky(K)
    z = np.linalg.solve(L, y)
    return 0.5 * np.sum(z**2) + np.sum(np.log(np.diag(L))) + 0.5 * len(x) * np.log(2.0 * np.pi)


def main():
    rng = np.random.default_rng(0)
    x = np.linspace(0.0, 5.0, 40)
    y = np.sin(2.0 * x) + 0.1 * rng.normal(size=len(x))
    theta = np.zeros(3)
    objective = value_and_grad(negative_log_likelihood)
    for step in range(200):
        value, gradient = objective(theta, x, y)
        if step % 40 == 0:
            print(f"step {step:3d}: -log p = {value:9.4f}, |gradient| = {np.linalg.norm(gradient):9.4f}")
        theta = theta - 0.01 * gradient
    length, scale, noise = np.exp(theta)
    print(f"length {length:.4f}, scale {scale:.4f}, noise {noise:.4f} (the data's noise is 0.1)")
    print(objective.source)


if __name__ == "__main__":
    main()
