"""Statements in which arrays go about: containers of views, helpers that write, what loops carry, functions that call themselves."""

from __future__ import annotations

from tests.fuzz.statements import indent
from tests.fuzz.view_scope import Known
from tests.fuzz.view_writes import ViewWrites


class ViewParts(ViewWrites):
    """Statements that hand arrays on."""

    def block(self, known: Known, depth: int, count: int) -> list[str]:
        """Statements of any kind."""
        raise NotImplementedError

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
