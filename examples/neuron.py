"""A sigmoid neuron with two inputs and a bias, written in scalars.

The sigmoid is one gate: with s = 1 / (1 + exp(-dot)) its derivative is (1 - s) * s, from its own result.
Nobody has to say so; s2sad recognises the gate, and the generated source shows it.
"""

import math

from s2sad import grad

WEIGHTS = (2.0, -3.0, -3.0)
INPUTS = (-1.0, -2.0)


def neuron(w0, w1, w2, x0, x1):
    dot = w0 * x0 + w1 * x1 + w2
    s = 1.0 / (1.0 + math.exp(-dot))
    return s


neuron_grad = grad(neuron, wrt=("w0", "w1", "w2", "x0", "x1"), optimize=1)


def backward(weights, inputs):
    """The gradients with respect to the weights and to the inputs."""
    gradient = neuron_grad(*weights, *inputs)
    return gradient[:3], gradient[3:]


def main():
    dw, dx = backward(WEIGHTS, INPUTS)
    print(f"neuron = {neuron(*WEIGHTS, *INPUTS)}")
    print(f"dw = {dw}")
    print(f"dx = {dx}")
    print()
    print(neuron_grad.source)


if __name__ == "__main__":
    main()
