"""Random programs about memory: views made anew in loops, rows put into vectors, containers of views, helpers that write.

`python -m tests.fuzz.run --views --count 1000 --seed 0` checks them. Invariant: the same seed gives the same program, and each
name's sizes are known where it is read: vectors have at least `least` elements, and as many as `size` says where it says so.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.fuzz.generator import FuzzProgram, finite_program
from tests.fuzz.statements import indent

HELPERS = {
    "fill": "def fill(v, c):\n    v[0] = c * v[-1]\n",
    "halve": "def halve(v):\n    v *= 0.5\n    return v\n",
    "tail": "def tail(v):\n    return v[1:]\n",
    "flat": "def flat(M):\n    return M.reshape(-1)\n",
    "mixed": "def mixed(v, w):\n    v[0] = 0.5 * w[1] * w[1]\n    w[-1] = 0.3 * v[0]\n",
    "first_row": "def first_row(M):\n    r = M[0]\n    r[1] = 0.4 * r[0] * r[0]\n    return r\n",
    "shifted": "def shifted(v, n):\n    for i in range(n):\n        t = v[i:]\n        t[0] = 0.5 * t[1] * t[1]\n    return v[n:]\n",
}  # fmt: skip


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

    def inner(self) -> Known:
        return Known(*(dict(d) if isinstance(d, dict) else set(d) for d in vars(self).values()))  # type: ignore[arg-type]


class Views:
    """Writes one program."""

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
        self.helpers[name] = HELPERS[name]
        self.used[f"helper-{name}"] += 1
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
            forms = [(f"{name}.T", c, r), (f"{name}[::-1]", r, c), (f"{name}[:, ::-1]", r, c), (f"{name}.reshape({c}, {r})", c, r),
                     (f"np.swapaxes({name}, 0, 1)", c, r), (f"{name}.T.reshape({r}, {c})", r, c)]  # fmt: skip
            text, rows, columns = self.pick(forms)
            self.used["reshaped"] += "reshape" in text
            return text, rows, columns, free
        whole = [(n, size) for n, (_, size) in known.vectors.items() if size in (4, 6)]
        if not whole:
            return None
        name, size = self.pick(whole)
        self.used["reshaped"] += 1
        rows = self.pick([2, size // 2])
        return f"{name}.reshape({rows}, {size // rows})", rows, size // rows, name not in known.read_only

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

    # -- writes -------------------------------------------------------------------------------------------

    def writable(self, names: Any, known: Known) -> list[str]:
        return [n for n in names if n not in known.read_only]

    def write(self, known: Known) -> list[str]:
        vectors, matrices = self.writable(known.vectors, known), self.writable(known.matrices, known)
        if matrices and self.chance(0.3):
            return self.write_matrix(known, self.pick(matrices))
        name = self.pick(vectors)
        least, size = known.vectors[name]
        at = self.at(known, least)
        forms = [f"{name}[{at}] = {self.value(known)}", f"{name}[{at}] += {self.value(known)}", f"{name} *= {self.number()}",
                 f"{name}[{at}] = {self.value(known)}", f"{name}[:2] = {self.number()}"]  # fmt: skip
        same = [v for v, (_, n) in known.vectors.items() if n == size and n is not None and v != name]
        wide = [m for m, (_, n) in known.matrices.items() if n == size]
        if same:
            other = self.pick(same)
            forms += [f"{name}[:] = 0.6 * {other}", f"{name} += 0.3 * {other}", f"{name}[:] = np.sin({other})[None, :]",
                      f"{name}[:] = {other}", f"{name}[:] = {other}[None] * 0.5"]  # fmt: skip
            self.used["row-into-vector"] += 1
        if wide:
            m = self.pick(wide)
            k = self.rng.randrange(known.matrices[m][0])
            forms += [f"{name}[:] = {m}[{k}:{k + 1}]", f"{name}[:] = 0.5 * {m}[{k}:{k + 1}] + {name}"]
            self.used["row-into-vector"] += 1
        if least >= 3:
            forms.append(f"{name}[1:] = 0.5 * {name}[:-1]")
        if self.chance(0.2):  # what is written overlaps what is read
            self.used["overlap"] += 1
            return [
                self.pick(
                    [
                        f"{name}[1:] = {name}.reshape(-1)[:-1]",
                        f"{name}[:-1] = {name}[1:]",
                        f"{name}[:] = np.ravel({name})[::-1]",
                    ]
                )
            ]
        return [self.pick(forms)]

    def write_matrix(self, known: Known, name: str) -> list[str]:
        rows, columns = known.matrices[name]
        r, c = self.row(known, rows), self.row(known, columns)
        forms = [f"{name}[{r}, {c}] = {self.value(known)}", f"{name} *= {self.number()}", f"{name}[{r}] *= {self.number()}",
                 f"{name}[{r}] = 0.5 * {name}[1:2]", f"{name}[:, {c}] += {self.value(known)}"]  # fmt: skip
        rows_ = [v for v, (_, n) in known.vectors.items() if n == columns]
        if rows_:
            v = self.pick(rows_)
            forms += [
                f"{name}[{r}] = 0.7 * {v}",
                f"{name}[{r}] += {v}",
                f"{name}[:] = 0.5 * {v}",
                f"{name}[{r}] = np.cos({v})[None, :]",
            ]
        self.used["row-into-vector"] += "1:2" in forms[3]
        if self.chance(0.2):
            self.used["overlap"] += 1
            k = self.rng.randrange(columns)
            return [self.pick([f"{name}[:, {c}] = {name}.reshape(-1)[{k}:{k + rows}]", f"{name}[1:] = {name}[:-1]", f"{name}[:] = {name}[::-1]",
                               f"{name}[:2, :2] = {name}[:2, :2].T"])]  # fmt: skip
        return [self.pick(forms)]

    # -- containers, calls, structure --------------------------------------------------------------------------

    def contain(self, known: Known) -> list[str]:
        """A container of views, and something done through it."""
        if not known.held or self.chance(0.5):
            name = self.fresh("held")
            if known.matrices and self.chance(0.3):
                parts = [self.matrix(known) for _ in range(2)]
                texts = [p[0] for p in parts if p is not None and p[3]]
                known.held[name] = ("matrix", len(texts))
            else:
                found = [self.vector(known) for _ in range(self.rng.randint(2, 3))]
                texts = [p[0] for p in found if p is not None and p[3]]
                known.held[name] = ("vector", len(texts))
            if len(texts) < 2:
                del known.held[name]
                return []
            self.used["container-of-views"] += 1
            return [f"{name} = [{', '.join(texts)}]"]
        name = self.pick(list(known.held))
        kind, count = known.held[name]
        zero = "0, 0" if kind == "matrix" else "0"
        last = "-1, -1" if kind == "matrix" else "-1"
        k = self.rng.randrange(count)
        loops = [i for i, top in known.loops.items() if top < count]
        which = self.pick(loops) if loops and self.chance(0.5) else k
        h, i = self.fresh("h"), self.fresh("i")
        forms = [
            [f"{name}[{which}][{zero}] = {self.value(known)}"], [f"s += {name}[{which}][{zero}] * {self.number()}"],
            [f"for {h} in {name}:", f"    s += 0.5 * {h}[{zero}] * {h}[{last}]"], [f"for {i} in range({count}):", f"    s += np.sum({name}[{i}]) * {self.number()}"],
            [f"for {h} in {name}:", f"    {h}[{zero}] = 0.5 * {h}[{last}]"], [f"{name}[{which}] *= {self.number()}"],
        ]  # fmt: skip
        if kind == "vector":
            v = self.pick(self.writable(known.vectors, known))
            forms += [[f"{name}.append({v})"], [f"{name}[{k}] = {v}"]]
        return list(self.pick(forms))

    def call(self, known: Known) -> list[str]:
        vectors = self.writable(known.vectors, known)
        v, w = self.pick(vectors), self.pick(vectors)
        least = known.vectors[v][0]
        self.used["helper-writes"] += 1
        forms = [[f"{self.helper('fill')}({v}, {self.number()})"], [f"{self.helper('mixed')}({v}, {w})"]]
        r = self.fresh("v")
        forms.append([f"{r} = {self.helper('halve')}({v})"])
        chosen = self.rng.randrange(5)
        matrices = [m for m in self.writable(known.matrices, known) if known.matrices[m][1] > 1]
        if chosen == 3 and matrices:
            m = self.pick(matrices)
            known.vectors[r] = (known.matrices[m][1],) * 2
            return [f"{r} = {self.helper('first_row')}({m})"]
        if chosen == 4 and least >= 4:
            known.vectors[r] = (least - 2, None)
            return [f"{r} = {self.helper('shifted')}({v}, 2)"]
        lines = forms[chosen % 3]
        if chosen % 3 == 2:
            known.vectors[r] = known.vectors[v]
        return lines

    def loop(self, known: Known, depth: int) -> list[str]:
        turns, i = self.rng.randint(1, 3), self.fresh("i")
        inner = known.inner()
        inner.loops[i] = turns - 1
        body = self.block(inner, depth + 1, self.rng.randint(2, 4))
        if self.chance(0.25):
            self.used["while"] += 1
            return [f"{i} = 0", f"while {i} < {turns}:", *indent([*body, f"{i} += 1"])]
        self.used["for"] += 1
        return [f"for {i} in range({turns}):", *indent(body)]

    def shrink(self, known: Known) -> list[str]:
        """A name that each turn gives to a part of what it was."""
        names = [v for v in self.writable(known.vectors, known) if known.vectors[v][0] >= 4]
        if not names:
            return []
        self.used["carried-view"] += 1
        a, i = self.fresh("a"), self.fresh("i")
        step = self.pick([f"{a} = {a}[1:]", f"{a} = {a}[:-1]", f"{a} = {a}[::-1][1:]"])
        write = self.pick(
            [
                f"{a}[0] = 0.5 * {a}[1] * {a}[1]",
                f"{a}[-1] += 0.4 * {a}[0]",
                f"s += {a}[0] * {a}[1]",
                f"{a} *= 0.8",
            ]
        )
        body = [step, write, self.pick([write, f"s += 0.3 * {a}[-1]", f"{a}[0] = {self.value(known)}"])]
        if self.chance(0.4):
            body = [write, step, *body[2:]]
        return [f"{a} = {self.pick(names)}", f"for {i} in range(2):", *indent(body)]

    def window(self, known: Known) -> list[str]:
        """A view made anew in each turn, whose first elements are written and read."""
        names = [v for v in self.writable(known.vectors, known) if known.vectors[v][0] >= 5]
        if not names:
            return []
        self.used["window"] += 1
        a, i, v = self.fresh("a"), self.fresh("i"), self.pick(names)
        made = self.pick([f"{v}[{i}:]", f"{v}[::-1][{i}:]", f"{v}[{i}:{i} + 3]", f"{v}[2 - {i}:]"])
        inside = [f"{a}[0] = 0.5 * {a}[1] * {a}[1]", f"{a}[1] = 0.4 * {a}[0] * {a}[2]", f"s += {a}[0] * {a}[1]", f"{a}[0] *= {a}[1]",
                  f"{a}[2] += 0.3 * {a}[0] ** 2", f"s += 0.2 * {a}[1] ** 3", f"{a}[1:] *= 0.8"]  # fmt: skip
        body = [f"{a} = {made}", *self.rng.sample(inside, self.rng.randint(2, 3))]
        if self.chance(0.25):
            return [f"{i} = 0", f"while {i} < 3:", *indent([*body, f"{i} += 1"])]
        return [f"for {i} in range(3):", *indent(body)]

    def branch(self, known: Known, depth: int) -> list[str]:
        self.used["branch"] += 1
        test = self.pick([f"s > {self.bound()}", f"{self.element(known)} < {self.bound()}"])
        lines = [f"if {test}:", *indent(self.block(known.inner(), depth + 1, 2))]
        if self.chance(0.5):
            lines += ["else:", *indent(self.block(known.inner(), depth + 1, 1))]
        return lines

    def join(self, known: Known) -> list[str]:
        names = self.writable(known.vectors, known)
        v, w = self.pick(names), self.pick(names)
        self.used["joined"] += 1
        name, test = self.fresh("v"), f"{self.element(known)} > {self.bound()}"
        (a, n), (b, m) = known.vectors[v], known.vectors[w]
        known.vectors[name] = (min(a, b), n if n == m else None)
        return [f"{name} = {v} if {test} else {w}"]

    def complex_numbers(self, known: Known) -> list[str]:
        """An array of complex numbers, written in place."""
        self.used["complex-in-place"] += 1
        name = self.pick(list(known.vectors))
        z = self.fresh("z")
        forms = [f"{z} *= 1j", f"{z}[0] = {z}[1] * 1j", f"{z} += {self.element(known)} * (1 + 2j)", f"{z}[1:] *= 0.5 - 1j",
                 f"{z}[-1] += c * 1j", f"{z}[::-1][0] *= {z}[1]"]  # fmt: skip
        made = self.pick([f"{name} - 2j", f"{name} * (1 + 1j)", f"{name} + 0j", f"{name}.astype(complex)"])
        part = self.pick(["imag", "real"])
        return [f"{z} = {made}", *self.rng.sample(forms, 2), f"s += 0.1 * np.sum(({z} * {z}).{part})"]

    def numbers_taken(self, known: Known) -> list[str]:
        """The numbers of an array as a list or tuple, read and written."""
        self.used["numbers-taken"] += 1
        name, n = self.pick(list(known.vectors)), self.fresh("n")
        if self.chance(0.3):
            first, second, rest = self.fresh("p"), self.fresh("p"), self.fresh("rest")
            return [
                f"{first}, {second}, *{rest} = {name}",
                f"s += {first} * {second} + 0.2 * sum({rest}) ** 2",
            ]
        if self.chance(0.3):
            return [f"{n} = tuple({name})", f"s += {n}[0] * {n}[-1] * {n}[1]"]
        made = self.pick([f"list({name})", f"{name}.tolist()", f"[e for e in {name}]"])
        forms = [f"{n}[0] = {n}[1] * {n}[-1]", f"s += 0.3 * sum({n}) ** 2", f"{n}.append({n}[0] * {n}[1])",
                 f"s += 0.2 * np.sum(np.array({n}) ** 3)", f"for e in {n}:\n    s += 0.1 * e * e * e", f"s += {n}[1] * {self.element(known)}"]  # fmt: skip
        return [f"{n} = {made}", *(line for form in self.rng.sample(forms, 2) for line in form.split("\n"))]

    def positions(self, known: Known) -> list[str]:
        """An array of subscripts that is written between readings by it."""
        names = [v for v in self.writable(known.vectors, known) if known.vectors[v][0] >= 5]
        if not names:
            return []
        self.used["written-positions"] += 1
        v, q, i = self.pick(names), self.fresh("q"), self.fresh("i")
        forms = [f"s += 0.3 * np.sum({v}[{q} + 1] ** 2)", f"s += {v}[{q}[0]] * {v}[{q}[1] + 1]", f"{v}[{q}] *= 0.7",
                 f"{v}[{q}] = 0.5 * {v}[{q} + 1] ** 2", f"s += np.sum({v}[{q}[::-1]] * {v}[{q}])", f"{v}[{q}[0]] += 0.3 * {v}[{q}[1]] ** 2"]  # fmt: skip
        step = self.pick([f"{q} += 1", f"{q}[:] = {q}[::-1]", f"{q}[0] = {q}[1]", f"{q}[{i} % 2] += 1"])
        return [
            f"{q} = np.array([0, 1])",
            f"for {i} in range(2):",
            *indent([*self.rng.sample(forms, 2), step]),
        ]

    def unbound(self, known: Known) -> list[str]:
        """An array that only one path makes."""
        self.used["unbound"] += 1
        v, u, t = self.pick(list(known.vectors)), self.fresh("u"), self.fresh("t")
        made = self.pick(
            [f"{v}[{v} > {self.bound()}] * 2.0", f"{v}[1:] * {self.number()}", f"np.outer({v}, {v})"]
        )
        read = self.pick(
            [
                f"s += np.sum({u} * {u})",
                f"s += np.sum({u} ** 3)",
                f"{u} = {u} * 0.5\n    s += np.sum({u} * {u})",
            ]
        )
        start = [f"{u} = None"] if self.chance(0.4) else []
        test = f"{u} is not None" if start else t
        return [f"{t} = {self.element(known)} > {self.bound()}", *start, f"if {t}:", f"    {u} = {made}", *self.block(known.inner(), 3, 1),
                f"if {test}:", *f"    {read}".split("\n")]  # fmt: skip

    def block(self, known: Known, depth: int, count: int) -> list[str]:
        lines: list[str] = []
        kinds = {
            "bind": 4,
            "write": 5,
            "sum": 2,
            "contain": 2,
            "call": 1.6,
            "join": 0.7,
            "shrink": 0.8,
            "window": 1.5,
            "complex_numbers": 0.35,
            "numbers_taken": 0.6,
            "positions": 0.5,
            "unbound": 0.5,
        }
        if depth < 3:
            kinds |= {"loop": 3.2 if depth < 2 else 1, "branch": 1}
        while len(lines) < count:
            kind = self.rng.choices(list(kinds), list(kinds.values()))[0]
            if kind in ("loop", "branch"):
                lines += getattr(self, kind)(known, depth)
            elif kind == "sum":
                lines.append(f"s += {self.value(known)}")
            else:
                lines += getattr(self, kind)(known)
        return lines

    def program(self) -> tuple[str, tuple[Any, ...], tuple[int, ...]]:
        rng = np.random.default_rng(self.rng.randrange(10**6))
        known = Known({"x": (6, 6), "y": (6, 6)}, {"A": (2, 3), "B": (3, 3)})

        def numbers(*shape: int) -> Any:
            return np.round(rng.uniform(0.2, 1.2, shape) * rng.choice([-1, 1], shape), 3)

        given = {
            "x": numbers(6),
            "y": numbers(6),
            "A": numbers(2, 3),
            "B": numbers(3, 3),
            "c": float(numbers(1)[0]),
        }
        for name in "AB":
            if self.chance(0.15):
                self.used["by-columns"] += 1
                given[name] = np.asfortranarray(given[name])
        if self.chance(0.1):
            self.used["strided"] += 1
            given["x"] = np.repeat(given["x"], 2)[::2]
        body = self.block(known, 0, self.rng.randint(4, 8))
        own = [n for n in (*known.vectors, *known.matrices)]
        parts = [f"{self.number()} * np.sum({n} * {n})" for n in own]
        parts += [f"0.1 * np.sum({h}[0])" for h in known.held]
        source = "\n".join(
            ["import math", "", "import numpy as np", "", "", *(t + "\n" for t in self.helpers.values()),
             f"def f({', '.join(given)}):", "    s = c", *indent(body), f"    return s + {' + '.join(parts)}"]
        )  # fmt: skip
        return source + "\n", tuple(given.values()), (0, 1, 2, 3, 4)


def generate_views(seed: int) -> FuzzProgram:
    """The program about memory of a seed."""
    return finite_program(seed, Views, 200, 1e4)
