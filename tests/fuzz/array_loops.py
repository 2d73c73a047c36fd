"""Random loops over arrays as numerical programs have them: sweeps, rows, double buffers, recurrences, solvers.

Invariant: each loop ends, and bounds what it carries from one trip to the next.
"""

from __future__ import annotations

from tests.fuzz.array_references import ArrayReferences
from tests.fuzz.array_scope import ArrayScope
from tests.fuzz.statements import indent


class ArrayLoops(ArrayReferences):
    """Loops that write arrays."""

    def double_buffer(self, scope: ArrayScope) -> list[str]:
        """A sweep from one buffer into the other, by element or by slice, then a swap."""
        pair = self.pair(scope)
        if pair is None or len(scope.known[pair[0]].shape) > 1 or scope.known[pair[0]].shape[0] < 3:
            u, v = self.fresh("u"), self.fresh("v")
            lines = [f"{u} = {self.whole(scope, (self.length,), 1)}.copy()", f"{v} = np.zeros({self.length})"]
            scope.hold(u, (self.length,))
            scope.hold(v, (self.length,))
        else:
            (u, v), lines = pair, []
        self.use("double-buffer")
        size = scope.known[u].shape[0]
        step, i = self.fresh("t"), self.fresh("i")
        outer = scope.inner(loops=1)
        outer.ints[step] = (0, 2)
        inner = outer.inner(loops=1)
        inner.ints[i] = (1, size - 2)
        forms = [
            [
                f"for {i} in range(1, {size - 1}):",
                f"    {v}[{i}] = 0.5 * {u}[{i} - 1] + 0.3 * {u}[{i} + 1] * {self.tame(inner, 1)}",
            ],
            [f"{v}[1:-1] = 0.5 * ({u}[2:] + np.sin({u}[:-2]))"],
            [f"{v}[:] = 0.7 * {u} + {self.bounded(outer, (size,), 0)}"],
        ]
        body = self.rng.choice(forms)
        if self.chance(0.4):
            body = body + self.block(outer, 1)
        if self.chance(0.3):
            body = [*body, *self.leave(outer)]
        scope.join(u, v)
        scope.join(v, u)
        return [
            *lines,
            f"for {step} in range({self.rng.randint(2, 3)}):",
            *indent([*body, f"{u}, {v} = {v}, {u}"]),
        ]

    def rows_iterated(self, scope: ArrayScope) -> list[str]:
        """for row in A, with enumerate, or zip of arrays; rows written in place."""
        names = scope.writable(2)
        if not names or scope.loops > 1:
            return self.vector_zip(scope)
        self.use("rows-iterated")
        name, row = self.rng.choice(names), self.fresh("row")
        p, q = scope.known[name].shape
        inner, head = scope.inner(loops=1), f"for {row} in {name}:"
        if self.chance(0.5):
            self.use("rows-enumerated")
            i = self.fresh("i")
            inner.ints[i] = (0, p - 1)
            head = f"for {i}, {row} in enumerate({name}):"
        elif scope.of_shape((p,)) and self.chance(0.5):
            e = self.fresh("e")
            inner.bind(e)
            head = f"for {row}, {e} in zip({name}, {self.rng.choice(scope.of_shape((p,)))}):"
        inner.hold(row, (q,), contiguous=False)
        body = self.write_through(inner, row) if self.chance(0.6) else []
        return [head, *indent([*body, *self.block(inner, 1)])]

    def vector_zip(self, scope: ArrayScope) -> list[str]:
        """A loop over the elements of one or two arrays."""
        self.use("elements-iterated")
        vectors = [name for name in scope.arrays if len(scope.known[name].shape) == 1]
        first, second = self.rng.choice(vectors), self.rng.choice(vectors)
        inner, e, k = scope.inner(loops=1), self.fresh("e"), self.fresh("e")
        total = self.target(scope)
        start = [] if total in scope.floats else [f"{total} = 0.0"]
        scope.bind(total)
        inner.bind(e)
        inner.bind(total)
        kind = self.rng.choice(["one", "zip", "enumerate"])
        head = f"for {e} in {first}:"
        if kind == "zip":
            head = f"for {e}, {k} in zip({first}, {second}):"
            inner.bind(k)
        elif kind == "enumerate":
            head = f"for {k}, {e} in enumerate({first}):"
            inner.ints[k] = (0, scope.known[first].shape[0] - 1)
        body = [f"{total} = 0.6 * {total} + math.sin({e}) * {self.leaf(inner)}"]
        return [*start, head, *indent([*body, *self.block(inner, 1)])]

    def allocated_in_loop(self, scope: ArrayScope) -> list[str]:
        """An array made in every trip, added to one that stays."""
        if scope.loops > 1:
            return self.slice_augmented(scope)
        self.use("allocated-in-loop")
        n = self.length
        kept = self.rng.choice(scope.of_shape((n,), written=True) or [""])
        lines: list[str] = []
        if not kept:
            kept = self.fresh("g")
            lines = [f"{kept} = np.zeros({n})"]
            scope.hold(kept, (n,))
        k, new = self.fresh("k"), self.fresh("tmp")
        inner = scope.inner(loops=1)
        inner.ints[k] = (0, 2)
        made = self.rng.choice([f"np.zeros({n})", f"{kept}.copy()", f"0.5 * {kept}", f"np.empty({n})"])
        fill = [f"{new}[:] = {self.whole(inner, (n,), 1)}"] if "empty" in made else []
        inner.hold(new, (n,))
        body = [f"{new} = {made}", *fill, *self.write_through(inner, new), *self.block(inner, 1)]
        last = self.rng.choice(
            [f"{kept} += np.tanh({new})", f"{kept} = np.sin({new})", f"{kept}[:] = 0.5 * {new}"]
        )
        return [*lines, f"for {k} in range({self.rng.randint(2, 3)}):", *indent([*body, last])]

    def recurrence(self, scope: ArrayScope) -> list[str]:
        """a[i] = f(a[i - 1], …), or a triangular solve by rows."""
        matrix = self.target_array(scope, 2)
        name = self.target_array(scope, 1)
        if scope.loops > 1 or not name:
            return self.element_store(scope)
        self.use("recurrence")
        i = self.fresh("i")
        inner = scope.inner(loops=1)
        if matrix and self.chance(0.5):
            p, q = scope.known[matrix].shape
            inner.ints[i] = (1, p - 1)
            scale = f"{self.tame(inner, 1)} / (2.0 + {matrix}[{i} - 1, 0] ** 2)"
            body = [f"{matrix}[{i}] -= {matrix}[{i} - 1] * {scale}"]
            if self.chance(0.5):
                body = [f"{matrix}[{i}, 1:] = 0.5 * {matrix}[{i}, :-1] + np.sin({matrix}[{i} - 1, 1:])"]
            return [f"for {i} in range(1, {p}):", *indent(body)]
        size = scope.known[name].shape[0]
        inner.ints[i] = (1, size - 1)
        other = self.rng.choice(scope.of_shape((size,)))
        body = [f"{name}[{i}] = 0.6 * {name}[{i} - 1] + {other}[{i}] * {self.tame(inner, 1)}"]
        head = self.rng.choice([f"for {i} in range(1, {size}):", f"for {i} in range({size - 1}, 0, -1):"])
        return [head, *indent([*body, *(self.block(inner, 1) if self.chance(0.3) else [])])]

    def relaxation(self, scope: ArrayScope) -> list[str]:
        """A while loop over an array that ends by its change or by a count."""
        name = self.target_array(scope, 1)
        if scope.loops or not name:
            return self.slice_augmented(scope)
        self.use("relaxation")
        shape = scope.known[name].shape
        k, inner = self.fresh("k"), scope.inner(loops=1)
        inner.ints[k] = (1, 3)
        old = self.fresh("old")
        inner.hold(old, shape)
        body = [f"{k} += 1", f"{old} = {name}.copy()", *self.write_through(inner, name)]
        if self.chance(0.5):
            self.use("relaxation-break")
            body += [f"if np.sum(np.abs({name} - {old})) < {self.positive()}:", "    break"]
        test = self.rng.choice([f"{k} < 3", f"np.sum({name} * {name}) > 0.3 and {k} < 3"])
        return [f"{k} = 0", f"while {test}:", *indent(body)]
