"""A computational graph, e = (a + b) * (b + 1), differentiated in both directions.

Reverse mode walks the graph once from the output and finds the derivative of e with respect to every node;
forward mode walks it once from one input and finds the derivative of every node with respect to that input.
"""

from s2sad import grad, jvp


def e(a, b):
    c = a + b
    d = b + 1.0
    return c * d


def main():
    a, b = 2.0, 1.0
    de = grad(e, wrt=("a", "b"), optimize=1)
    de_da, de_db = de(a, b)
    value, e_dot = jvp(e, (a, b), (0.0, 1.0))

    print(f"e({a}, {b}) = {value}")
    print(f"reverse mode:              de/da = {de_da}, de/db = {de_db}")
    print(f"forward mode, along b:     de/db = {e_dot}")
    print()
    print(de.source)


if __name__ == "__main__":
    main()
