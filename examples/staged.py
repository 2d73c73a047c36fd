"""The staged exercise, f(x, y) = (x + sigmoid(y)) / (sigmoid(x) + (x + y)**2): gradient and generated source.

`optimize=1` keeps a line for each of the user's lines, as one would write the exercise on paper.
"""

import math

from s2sad import grad


@grad(wrt=("x", "y"), optimize=1)
def f(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    return num * invden


def main():
    dx, dy = f(3.0, -4.0)
    print(f"f(3, -4) = {f.primal(3.0, -4.0)}")
    print(f"df/dx = {dx}, df/dy = {dy}")
    print()
    print(f.source)


if __name__ == "__main__":
    main()
