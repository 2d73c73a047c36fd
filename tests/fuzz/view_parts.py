"""Statements in which arrays go about: containers of views, helpers that write, what loops carry, functions that call themselves."""

from __future__ import annotations

from tests.fuzz.statements import indent
from tests.fuzz.view_scope import RECORD, Known
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
        r = self.fresh("r")
        forms += [f"{z}.real[0] = {z}[1].imag * 0.5", f"{z}.imag[:] *= 0.6", f"{r} = {z}.real\n{z}[1] *= 1j\ns += 0.2 * np.sum({r} * {r})",
                  f"{r} = {z}.imag[1:]\n{r}[0] = c * {r}[-1]"]  # fmt: skip
        made = self.pick([f"{name} - 2j", f"{name} * (1 + 1j)", f"{name} + 0j", f"{name}.astype(complex)"])
        part = self.pick(["imag", "real"])
        return [
            f"{z} = {made}",
            *(line for form in self.rng.sample(forms, 2) for line in form.split("\n")),
            f"s += 0.1 * np.sum(({z} * {z}).{part})",
        ]

    def unit(self, known: Known) -> list[str]:
        """An array without axes, which its names share."""
        self.used["without-axes"] += 1
        t, u, i = self.fresh("t"), self.fresh("u"), self.fresh("i")
        made = self.pick(
            [
                f"np.array({self.number()})",
                f"np.array({self.value(known)})",
                "np.zeros(())",
                f"np.asarray({self.element(known)})",
            ]
        )
        write = self.pick(
            [
                f"{u} += {self.value(known)}",
                f"{u} *= {self.element(known)}",
                f"{t}[...] = {u} * {self.element(known)}",
                f"{u}[()] = {self.value(known)}",
            ]
        )
        read = f"s += 0.3 * float({t}) * {self.element(known)}"
        if self.chance(0.4):
            return [f"{t} = {made}", f"{u} = {t}", f"for {i} in range(2):", *indent([write, read])]
        return [f"{t} = {made}", f"{u} = {t}", write, read]

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

    def flattened(self, known: Known) -> list[str]:
        """What is a view or a copy of a matrix as this lies, or a view that nobody can write; the matrix is written while it is held."""
        names = self.writable(known.matrices, known)
        if not names:
            return []
        self.used["flattened"] += 1
        m = self.pick(names)
        rows, columns = known.matrices[m]
        v, t, i = self.fresh("v"), self.fresh("t"), self.fresh("i")
        views = [f"{m}.ravel()", f"{m}.T.ravel()", f"{m}.reshape(-1)", f"{m}.T.reshape(-1)", f"np.ravel({m}[::-1])", f"{m}.T.copy().ravel()",
                 f"np.sin({m}).copy().ravel()", f"({m} * 0.5).copy().reshape(-1)", f"{m}.copy().T.reshape(-1)"]  # fmt: skip
        shown = [
            f"np.diagonal({m})",
            f"np.broadcast_to({m}, (2, {rows}, {columns}))",
            f"{m}.flatten()",
            f"np.diag({m})",
        ]
        writable = self.chance(0.6)
        made = self.pick(views if writable else shown)
        later = self.pick(
            [f"{t} = {v} * {v}", f"{t} = np.sin({v})", f"{t} = {v}" if writable else f"{t} = {v} + 0.3"]
        )
        write = self.pick([f"{m}[0, 0] = {self.value(known)}", f"{m}[{rows - 1}] *= {self.number()}", f"{m}[0, 1] += 0.4 * {m}[0, 0]",
                           *([f"{v}[1] = 0.5 * {v}[0] ** 2", f"{v}[0] = {self.value(known)}"] if writable else [])])  # fmt: skip
        read = self.pick(
            [
                f"s += 0.2 * np.sum({t} * {v})",
                f"s += 0.2 * np.sum({v} ** 3)",
                f"s += np.sum(np.sin({v}) * {v})",
            ]
        )
        if writable:
            known.vectors[v] = (rows * columns,) * 2
        if self.chance(0.4):
            return [
                f"{v} = {made}",
                f"{t} = {v} * 2.0",
                f"for {i} in range(2):",
                *indent(self.rng.sample([later, write, read], 3)),
            ]
        return [f"{v} = {made}", later, write, read]

    def recursion(self, known: Known) -> list[str]:
        """A function that calls itself: it fills, halves, folds or hands on what it is given."""
        self.used["recursion"] += 1
        vectors = self.writable(known.vectors, known)
        v, r = self.pick(vectors), self.fresh("v")
        least, size = known.vectors[v]
        forms = [[f"{self.helper('grown')}", f"{r} = grown({v}, {self.rng.randint(0, 2)})"], [f"{self.helper('halves')}", f"{r} = halves({v})"],
                 [f"{self.helper('turned')}", f"{r} = turned({v}, {self.rng.randint(0, 3)})"]]  # fmt: skip
        plain = [[self.helper("folded"), f"s += 0.2 * folded({v})"], [self.helper("waved"), f"s += 0.1 * np.sum(np.abs(waved({v}, 2)) ** 2)"],
                 [self.helper("waved"), f"s += 0.1 * np.sum((waved({v}, 2) ** 2).real)"]]  # fmt: skip
        if least >= 4:
            plain.append([self.helper("deep"), f"deep({v}, 2)"])
        others = [w for w in vectors if known.vectors[w] == (size, size) and w != v]
        if others and size is not None:
            plain.append([self.helper("filled"), f"filled({v}, {self.pick(others)}, 0)"])
        matrices = [m for m in self.writable(known.matrices, known) if known.matrices[m][1] > 1]
        if matrices:
            plain.append([self.helper("swept"), f"s += swept({self.pick(matrices)}, 0)"])
        if self.chance(0.5):
            return self.pick(plain)[1:]  # type: ignore[no-any-return]
        known.vectors[r] = (least, size)
        return self.pick(forms)[1:]  # type: ignore[no-any-return]

    def by_name(self, known: Known) -> list[str]:
        """A dict of arrays, read and written."""
        v, w = (self.pick(self.writable(known.vectors, known)) for _ in range(2))
        if not known.named or self.chance(0.4):
            self.used["dict-of-views"] += 1
            d, found = self.fresh("d"), [self.vector(known), self.vector(known)]
            texts = [t[0] if t is not None and t[3] else n for t, n in zip(found, (v, w), strict=True)]
            known.named.add(d)
            return [f'{d} = {{"a": {texts[0]}, "b": {texts[1]}}}']
        d, k, h = self.pick(list(known.named)), self.pick(["a", "b"]), self.fresh("h")
        forms = [[f'{d}["{k}"][0] = {self.value(known)}'], [f'{d}["{k}"] *= {self.number()}'],
                 [f"for {h} in {d}.values():", f"    {h}[0] = 0.5 * {h}[-1]"], [f"for {k}, {h} in {d}.items():", f"    s += 0.3 * {h}[0] * {h}[1]"],
                 [f'{d}["{k}"][1:] *= {d}["{k}"][0]'], [f"for {k} in {d}:", f"    {d}[{k}][-1] += {self.number()}"]]  # fmt: skip
        return list(self.pick(forms))

    def buffers(self, known: Known) -> list[str]:
        """Two arrays that change places in a loop, one made of the other."""
        names = [v for v in self.writable(known.vectors, known) if known.vectors[v][1] is not None]
        if not names:
            return []
        self.used["buffers"] += 1
        v, a, b, i = self.pick(names), self.fresh("a"), self.fresh("b"), self.fresh("i")
        n = known.vectors[v][1]
        first = self.pick(
            [
                f"{v}, np.zeros({n})",
                f"{v}.copy(), {v} * 0.5",
                f"{v}, {v} + 0.2",
                f"{v}, {self.pick(names)}[:{n}].copy()",
            ]
        )
        if "[:" in first and known.vectors[first.split(", ")[1].split("[")[0]][1] != n:
            first = f"{v}, np.ones({n})"
        forms = [f"{b}[:] = 0.5 * {a} * {a}[::-1]", f"{b}[1:] = 0.3 * {a}[:-1] + 0.2 * {b}[1:]", f"{b}[{i}] = {a}[{i}] * {a}[-1]", f"{b} += 0.3 * {a}",
                 f"{b}[0] = 0.5 * {a}[0] ** 2"]  # fmt: skip
        body = [*self.rng.sample(forms, 2), f"{a}, {b} = {b}, {a}"]
        known.vectors[a] = known.vectors[b] = (n, n)
        return [
            f"{a}, {b} = {first}",
            f"for {i} in range({self.pick([1, 2, 2, 3])}):".replace("range(3)", f"range({min(3, n)})"),
            *indent(body),
        ]

    def closure(self, known: Known) -> list[str]:
        """A function of its own that writes an array from outside, and a number."""
        self.used["closure-over-view"] += 1
        v, g = self.pick(self.writable(known.vectors, known)), self.fresh("g")
        body = self.pick([[f"{v}[k] = 0.5 * {v}[k - 1] * {v}[0]", f"return {v}[k]"],
                          [f"t = {v}[k:]", "t[0] = 0.4 * t[-1] ** 2", "return t[0] * t[-1]"]])  # fmt: skip
        use = self.pick(
            [
                f"s = s + 0.2 * {g}(0) * {g}(1)",
                f"{v}[0] = {g}(1)",
                f"for k in range(2):\n    s = 0.5 * s + 0.3 * {g}(k)",
            ]
        )
        return [f"def {g}(k):", *indent(body), *use.split("\n")]

    def record(self, known: Known) -> list[str]:
        """A named tuple of two arrays, made anew in a loop."""
        self.used["record"] += 1
        self.helpers["Pair"] = RECORD
        v, w = (self.pick(self.writable(known.vectors, known)) for _ in range(2))
        p, i = self.fresh("p"), self.fresh("i")
        forms = [f"{p}.u[0] = 0.5 * {p}.w[1] ** 2", f"s += 0.3 * np.sum({p}.u * {p}.u)", f"{p}.w[:] *= 0.8", f"{p} = Pair({p}.w, {p}.u)",
                 f"{p} = {p}._replace(u={p}.w)", f"{p} = Pair({p}.u * 0.5, {p}.w)"]  # fmt: skip
        body = self.rng.sample(forms, 3)
        if self.chance(0.4):
            return [f"{p} = Pair({v}, {w})", *body, f"s += {p}.u[0] * {p}.w[-1]"]
        return [f"{p} = Pair({v}, {w})", f"for {i} in range(2):", *indent(body), f"s += {p}.u[0] * {p}.w[-1]"]
