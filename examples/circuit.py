"""The smallest circuit of gates, f = (x + y) * z: an add gate hands on, a multiply gate swaps."""

from s2sad import value_and_grad


def f(x, y, z):
    q = x + y
    return q * z


def main():
    circuit = value_and_grad(f, wrt=("x", "y", "z"), optimize=1)
    value, (dx, dy, dz) = circuit(-2.0, 5.0, -4.0)

    print(f"f(-2, 5, -4) = {value}")
    print(f"df/dx = {dx}, df/dy = {dy}, df/dz = {dz}")
    print()
    print(circuit.source)


if __name__ == "__main__":
    main()
