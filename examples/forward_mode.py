"""Forward mode: a value and its derivative along one direction, computed together.

`jvp(f, primals, tangents)` returns f(primals) and the derivative of f along the tangents. One call a
direction gives the columns of a gradient; nesting functions applies the chain rule on the way.
"""

import math

from s2sad import jvp


def f(x, y):
    return math.sin(x) + x * y


def sin_twice(x):
    inner = math.sin(x)
    return math.sin(inner)


def main():
    value, df_dx = jvp(f, (3.0, 2.0), (1.0, 0.0))
    _, df_dy = jvp(f, (3.0, 2.0), (0.0, 1.0))
    print(f"f(3, 2) = sin(3) + 3 * 2 = {value}")
    print(f"along x: {df_dx}    along y: {df_dy}")

    value, slope = jvp(sin_twice, (1.0,), (1.0,))
    print(f"sin(sin(1)) = {value}, its derivative {slope}")


if __name__ == "__main__":
    main()
