"""The names that a random program about memory has in scope, and what it reads of them: numbers, views, arrays.

Invariant: each name's sizes are known where it is read: vectors have at least `least` elements, and as many as `size` says
where it says so.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

HELPERS = {
    "fill": "def fill(v, c):\n    v[0] = c * v[-1]\n",
    "halve": "def halve(v):\n    v *= 0.5\n    return v\n",
    "tail": "def tail(v):\n    return v[1:]\n",
    "flat": "def flat(M):\n    return M.reshape(-1)\n",
    "mixed": "def mixed(v, w):\n    v[0] = 0.5 * w[1] * w[1]\n    w[-1] = 0.3 * v[0]\n",
    "first_row": "def first_row(M):\n    r = M[0]\n    r[1] = 0.4 * r[0] * r[0]\n    return r\n",
    "shifted": "def shifted(v, n):\n    for i in range(n):\n        t = v[i:]\n        t[0] = 0.5 * t[1] * t[1]\n    return v[n:]\n",
}  # fmt: skip
RECURSIVE = {
    "deep": "def deep(v, k):\n    if k > 0:\n        v[0] = 0.5 * v[1] * v[1]\n        deep(v[1:], k - 1)\n        v[0] += 0.3 * v[-1]\n",
    "halves": "def halves(v):\n    if len(v) < 2:\n        return v * v\n    return np.concatenate([halves(v[::2]), 0.5 * halves(v[1::2])])\n",
    "grown": "def grown(v, k):\n    if k == 0:\n        return v * 0.9\n    w = grown(v, k - 1)\n    w[0] = 0.5 * w[1] * w[-1]\n    return w\n",
    "folded": "def folded(v):\n    if len(v) == 1:\n        return v[0]\n    return 0.7 * v[0] * folded(v[1:]) + v[-1]\n",
    "turned": "def turned(v, k):\n    if k == 0:\n        return v\n    v[0] *= 0.8\n    return turned(v[::-1], k - 1)\n",
    "swept": "def swept(M, k):\n    if k == len(M):\n        return 0.0\n    M[k] *= 0.8\n    M[k, 0] = 0.5 * M[k - 1, 1] ** 2\n    return M[k, 0] + swept(M, k + 1)\n",
    "filled": "def filled(v, w, k):\n    if k < len(v):\n        w[k] = v[k] * w[k - 1]\n        filled(v, w, k + 1)\n",
    "waved": "def waved(v, k):\n    if k == 0:\n        return v + 0j\n    return waved(v, k - 1) * (0.5 + 1j)\n",
}  # fmt: skip
RECORD = "class Pair(NamedTuple):\n    u: np.ndarray\n    w: np.ndarray\n"


@dataclass
class Known:
    """The names in scope."""

    vectors: dict[str, tuple[int, int | None]] = field(
        default_factory=dict
    )  # least and, if known, exact length
    matrices: dict[str, tuple[int, int]] = field(default_factory=dict)
    read_only: set[str] = field(default_factory=set)
    loops: dict[str, int] = field(default_factory=dict)  # loop variables and their largest values
    held: dict[str, tuple[str, int]] = field(default_factory=dict)  # containers: of what, and how many
    named: set[str] = field(default_factory=set)  # dicts of two vectors, "a" and "b"
    cubes: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def inner(self) -> Known:
        return Known(*(dict(d) if isinstance(d, dict) else set(d) for d in vars(self).values()))  # type: ignore[arg-type]


class ViewScope:
    """What is drawn from: numbers, views and arrays of the names in scope."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.used: Counter[str] = Counter()
        self.serial = 0
        self.helpers: dict[str, str] = {}

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def pick(self, options: list[Any]) -> Any:
        return self.rng.choice(options)

    def fresh(self, base: str) -> str:
        self.serial += 1
        return f"{base}{self.serial}"

    def helper(self, name: str) -> str:
        self.helpers[name] = (HELPERS | RECURSIVE)[name]
        return name

    # -- numbers ---------------------------------------------------------------------------------------

    def bound(self) -> str:
        """A number that no argument is, for tests: at a tie differences would see both sides."""
        return f"{self.number()}00713"

    def number(self) -> str:
        return str(round(self.rng.choice([-1, 1]) * self.rng.uniform(0.2, 0.9), 2))

    def at(self, known: Known, least: int) -> str:
        """A subscript of a vector of at least so many elements."""
        inside = [i for i, top in known.loops.items() if top < least]
        if inside and self.chance(0.4):
            return str(self.pick(inside))
        return str(self.pick([0, 0, 1, -1, -2, least - 1]))

    def element(self, known: Known) -> str:
        if known.matrices and self.chance(0.3):
            name = self.pick(list(known.matrices))
            rows, columns = known.matrices[name]
            return f"{name}[{self.row(known, rows)}, {self.row(known, columns)}]"
        name = self.pick(list(known.vectors))
        return f"{name}[{self.at(known, known.vectors[name][0])}]"

    def row(self, known: Known, size: int) -> str:
        inside = [i for i, top in known.loops.items() if top < size]
        return str(self.pick(inside)) if inside and self.chance(0.4) else str(self.rng.randrange(-1, size))

    def value(self, known: Known) -> str:
        e, other, name = (
            self.element(known),
            self.element(known),
            self.pick([*known.vectors, *known.matrices]),
        )
        return str(self.pick(
            [f"0.5 * {e} * {other}", f"np.sin({e})", f"{e} + 0.3 * {other}", f"0.2 * np.sum({name} * {name})", f"c * {e}",
             f"0.4 * {e} ** 2", f"math.tanh({e} + s)", f"{self.number()} * {e}"]
        ))  # fmt: skip

    # -- views and arrays -------------------------------------------------------------------------------

    def vector(self, known: Known) -> tuple[str, int, int | None, bool] | None:
        """An expression of a vector: text, least length, exact length, whether it may be written."""
        if known.matrices and self.chance(0.45):
            name = self.pick(list(known.matrices))
            rows, columns = known.matrices[name]
            free = name not in known.read_only
            r, c, n = self.row(known, rows), self.row(known, columns), rows * columns
            forms = [(f"{name}[{r}]", columns), (f"{name}[:, {c}]", rows), (f"{name}.T[{c}]", rows), (f"{name}.reshape(-1)", n),
                     (f"{name}.ravel()", n), (f"np.ravel({name}.T)", n), (f"{name}.T.reshape(-1)", n),
                     (f"{name}.reshape(-1)[1:]", n - 1), (f"{name}[::-1].reshape(-1)", n)]  # fmt: skip
            if rows == columns:
                forms += [(f"np.diagonal({name})", -rows), (f"np.einsum('ij->ji', {name})[0]", rows)]
            text, size = self.pick(forms)
            if self.chance(0.15):
                text, size = f"{self.helper('flat')}({name})", n
            self.used["view-of-matrix"] += 1
            return text, abs(size), abs(size), free and size > 0
        name = self.pick(list(known.vectors))
        least, size = known.vectors[name]
        free = name not in known.read_only
        loops = [(i, top) for i, top in known.loops.items() if least - top >= 3]
        if loops and self.chance(0.6):
            i, top = self.pick(loops)
            self.used["view-in-loop"] += 1
            return self.pick([
                (f"{name}[{i}:]", least - top, None, free), (f"{name}[{i}:{i} + 2]", 2, 2, free), (f"{name}[::-1][{i}:]", least - top, None, free),
                (f"{name}[{i}:][::-1]", least - top, None, free), (f"{name}[{top} - {i}:]", least - top, None, free),
            ])  # fmt: skip
        cut = None if size is None else size - 1
        forms2: list[tuple[str, int, int | None, bool]] = [
            (f"{name}[::-1]", least, size, free), (f"{name}[::2]", (least + 1) // 2, None if size is None else (size + 1) // 2, free),
            (f"{name}.ravel()", least, size, free), (f"np.asarray({name})", least, size, free), (name, least, size, free),
            (f"{name}[None][0]", least, size, free),
        ]  # fmt: skip
        if least > 2:
            forms2 += [(f"{name}[1:]", least - 1, cut, free), (f"{name}[:-1]", least - 1, cut, free)]
            forms2.append((f"{self.helper('tail')}({name})", least - 1, cut, free))
        if self.chance(0.3):
            self.used["copy-or-itself"] += 1
            made = self.pick(["sum([{}])", "np.dot({}, 1.0)", "{} * 1.0", "{}.copy()", "np.concatenate([{}])", "np.block([{}])",
                              "np.positive({})", "{}.flatten()", "np.array({})", "1.0 * {}"])  # fmt: skip
            return made.format(name), least, size, True
        found = self.pick(forms2)
        return found if found[1] >= 2 else None

    def matrix(self, known: Known) -> tuple[str, int, int, bool] | None:
        if known.matrices and self.chance(0.6):
            name = self.pick(list(known.matrices))
            r, c = known.matrices[name]
            free = name not in known.read_only
            if self.chance(0.25):
                self.used["own-matrix"] += 1
                v = self.pick(list(known.vectors))
                made = [(f"{name} * 0.5", r, c), (f"{name}.copy()", r, c), (f"np.sin({name}.T)", c, r), (f"{name} @ {name}.T", r, r),
                        (f"np.outer({name}[0], {v}[:2])", c, 2), (f"np.outer({v}[:2], {v}[:2])", 2, 2), (f"{name}.T.copy()", c, r)]  # fmt: skip
                text, rows, columns = self.pick(made)
                return text, rows, columns, True
            forms = [(f"{name}.T", c, r), (f"{name}[::-1]", r, c), (f"{name}[:, ::-1]", r, c), (f"{name}.reshape({c}, {r})", c, r),
                     (f"np.swapaxes({name}, 0, 1)", c, r), (f"{name}.T.reshape({r}, {c})", r, c)]  # fmt: skip
            text, rows, columns = self.pick(forms)
            self.used["reshaped"] += "reshape" in text
            return text, rows, columns, free
        if known.cubes and self.chance(0.6):
            return self.plane(known)
        whole = [(n, size) for n, (_, size) in known.vectors.items() if size in (4, 6)]
        if not whole:
            return None
        name, size = self.pick(whole)
        self.used["reshaped"] += 1
        rows = self.pick([2, size // 2])
        return f"{name}.reshape({rows}, {size // rows})", rows, size // rows, name not in known.read_only

    def plane(self, known: Known) -> tuple[str, int, int, bool]:
        """A matrix from an array of three axes."""
        self.used["three-axes"] += 1
        name = self.pick(list(known.cubes))
        a, b, c = known.cubes[name]
        forms = [(f"{name}[{self.row(known, a)}]", b, c), (f"{name}[:, {self.row(known, b)}]", a, c), (f"{name}[..., {self.row(known, c)}]", a, b),
                 (f"{name}.reshape({a * b}, {c})", a * b, c), (f"{name}.reshape(-1, {b * c})", a, b * c), (f"{name}.T[{self.row(known, c)}]", b, a),
                 (f"np.moveaxis({name}, 0, -1)[{self.row(known, b)}]", c, a), (f"{name}[::-1, :, 0]", a, b),
                 (f"np.swapaxes({name}, 1, 2).reshape({a * c}, {b})", a * c, b)]  # fmt: skip
        text, rows, columns = self.pick(forms)
        return text, rows, columns, name not in known.read_only

    def bind(self, known: Known) -> list[str]:
        """A new name for a view, or for an array."""
        if self.chance(0.35):
            made = self.matrix(known)
            if made is None:
                return []
            text, rows, columns, free = made
            name = self.fresh("M")
            known.matrices[name] = (rows, columns)
        else:
            found = self.vector(known)
            if found is None:
                return []
            text, least, size, free = found
            name = self.fresh("v")
            known.vectors[name] = (least, size)
        if not free:
            known.read_only.add(name)
        return [f"{name} = {text}"]
