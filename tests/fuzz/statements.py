"""Random scalar statements: assignments, branches, loops and their exits, bindings, iteration over sequences.

Invariant: a statement returns its lines without indentation, and adds to the scope only names that are bound
on every path through it.
"""

from __future__ import annotations

from tests.fuzz.expressions import Expressions, Scope


def indent(lines: list[str]) -> list[str]:
    """One level deeper; an empty block becomes `pass`."""
    return ["    " + line for line in lines] or ["    pass"]


class Statements(Expressions):
    """Scalar statements; array statements and calls are in their own modules."""

    def block(self, scope: Scope, size: int | None = None) -> list[str]:
        """Some statements, bound names stay in the given scope."""
        lines: list[str] = []
        for _ in range(size or self.rng.randint(1, 2 if scope.depth > 1 else 3)):
            lines += self.statement(scope)
        return lines

    def statement(self, scope: Scope) -> list[str]:
        """One statement; defined by the generator, which knows every kind."""
        raise NotImplementedError

    def target(self, scope: Scope) -> str:
        """A float name to assign: mostly one there is, sometimes a new one."""
        free = [name for name in scope.floats if name not in scope.locked]
        if free and self.chance(0.65):
            return self.rng.choice(free)
        return self.fresh(self.rng.choice("abcpqrst"))

    def assign(self, scope: Scope) -> list[str]:
        """name = expression."""
        self.use("assign")
        value = self.expr(scope, 3)
        name = self.target(scope)
        scope.bind(name)
        return [f"{name} = {value}"]

    def augmented(self, scope: Scope) -> list[str]:
        """name op= expression."""
        self.use("augmented-assign")
        name = self.rng.choice([n for n in scope.floats if n not in scope.locked] or [""])
        if not name:
            return self.assign(scope)
        kind = self.rng.choice(["+=", "-=", "*=", "/="])
        if kind == "*=":
            return [f"{name} *= {self.tame(scope, 1)}"]
        if kind == "/=":
            return [f"{name} /= 1.7 + math.sin({self.expr(scope, 1)})"]
        return [f"{name} {kind} {self.expr(scope, 2)}"]

    def tuple_assign(self, scope: Scope) -> list[str]:
        """a, b = …, …"""
        self.use("tuple-assign")
        values = [self.expr(scope, 2), self.expr(scope, 2)]
        first, second = self.target(scope), self.target(scope)
        if first == second:
            second = self.fresh("q")
        scope.bind(first)
        scope.bind(second)
        return [f"{first}, {second} = {values[0]}, {values[1]}"]

    def swap(self, scope: Scope) -> list[str]:
        """a, b = b, a and rotations."""
        free = [name for name in scope.floats if name not in scope.locked]
        if len(free) < 2:
            return self.assign(scope)
        self.use("swap")
        names = self.rng.sample(free, min(len(free), self.rng.choice([2, 2, 3])))
        return [f"{', '.join(names)} = {', '.join(names[1:] + names[:1])}"]

    def walrus(self, scope: Scope) -> list[str]:
        """A walrus inside an expression."""
        self.use("walrus")
        bound, other, inner = self.fresh("w"), self.expr(scope, 1), self.expr(scope, 2)
        name = self.target(scope)
        scope.bind(bound)
        scope.bind(name)
        return [f"{name} = ({bound} := {inner}) * math.sin({bound}) + {other}"]

    def assertion(self, scope: Scope) -> list[str]:
        """An assertion that holds."""
        self.use("assert")
        return [f"assert {self.rng.choice(scope.floats)} < 1e30, 'too large'"]

    # ------------------------------------------------------------ branches

    def branch(self, scope: Scope) -> list[str]:
        """if, if/else or if/elif/else; names bound on all branches stay bound."""
        kind = self.rng.choice(["if", "if-else", "elif"])
        self.use(kind)
        test = self.condition(scope)
        if self.chance(0.2):
            self.use("walrus-in-test")
            bound = self.fresh("w")
            test = f"({bound} := {self.expr(scope, 1)}) > {self.constant()}"
            scope.bind(bound)
        lines = [f"if {test}:"]
        headers = {"if": [""], "if-else": ["", "else:"], "elif": ["", "elif", "else:"]}
        for header in headers[kind]:
            if header:
                lines.append(f"elif {self.condition(scope)}:" if header == "elif" else header)
            inner = scope.inner()
            lines += indent(self.block(inner) + ([f"new = {self.expr(inner, 1)}"] if kind != "if" else []))
        if kind != "if":
            name = self.target(scope)
            scope.bind(name)
            lines.append(f"{name} = new")
        return lines

    def bound_in_branch(self, scope: Scope) -> list[str]:
        """A name bound in one branch and read under the same flag."""
        self.use("bound-in-some-branch")
        flag, name = self.fresh("flag"), self.fresh("v")
        lines = [f"{flag} = {self.condition(scope)}", f"if {flag}:"]
        lines += indent([f"{name} = {self.expr(scope, 2)}"])
        lines += self.block(scope, 1)
        target = self.target(scope)
        value = self.expr(scope, 1)
        if target not in scope.floats:
            lines.append(f"{target} = {self.constant()}")
            scope.bind(target)
        return [*lines, f"if {flag}:", f"    {target} = {name} * {self.constant()} + {value}"]

    def early_return(self, scope: Scope) -> list[str]:
        """A return in a branch."""
        if not scope.can_return:
            return self.assign(scope)
        self.use("return-in-loop" if scope.loops else "early-return")
        inner = scope.inner()
        body = self.block(inner, 1) if self.chance(0.4) else []
        return [f"if {self.condition(scope)}:", *indent([*body, f"return {self.expr(inner, 2)}"])]

    # ------------------------------------------------------------ loops

    def leave(self, scope: Scope) -> list[str]:
        """break, continue or return under a condition, inside a loop."""
        if not scope.loops:
            return self.early_return(scope)
        kind = self.rng.choice(["break", "continue", "return"])
        if kind == "return":
            return self.early_return(scope)
        self.use(kind)
        inner = scope.inner()
        body = self.block(inner, 1) if self.chance(0.5) else []
        lines = [f"if {self.condition(scope)}:", *indent([*body, kind])]
        if self.chance(0.2):
            return [*lines, "else:", *indent(self.block(scope.inner(), 1))]
        return lines

    def loop_body(self, scope: Scope) -> list[str]:
        """The body of a loop: statements, often with an exit among them."""
        if scope.loops > 1:
            self.use("nested-loop")
        lines = self.block(scope)
        if self.chance(0.45):
            lines += self.leave(scope) + self.block(scope, 1)
        return lines

    def loop_else(self, scope: Scope) -> list[str]:
        """Sometimes an else."""
        if not self.chance(0.25):
            return []
        self.use("loop-else")
        return ["else:", *indent(self.block(scope.inner(), 1))]

    def range_text(self, scope: Scope) -> tuple[str, int, int, bool]:
        """A range, the bounds of its values and whether it surely has a value."""
        n = self.length
        kind = self.rng.choice(["stop", "stop", "start", "step", "negative", "argument"])
        if kind == "argument" and scope.ints:
            name, (low, high) = self.rng.choice(list(scope.ints.items()))
            if 0 <= low and high < n:
                self.use("range-of-int")
                return f"range({name})", 0, max(high - 1, 0), low > 0
        if kind == "negative":
            self.use("range-negative")
            return f"range({n - 1}, -1, -{self.rng.randint(1, 2)})", 0, n - 1, True
        if kind == "step":
            self.use("range-step")
            return f"range(0, {n}, 2)", 0, n - 1, True
        if kind == "start":
            return f"range(1, {n})", 1, n - 1, True
        trips = self.rng.randint(1, min(3, n))
        return f"range({trips})", 0, trips - 1, True

    def for_range(self, scope: Scope) -> list[str]:
        """A for loop over a range; sometimes a name first bound in it, or its variable, is used later."""
        self.use("for-range")
        text, low, high, sure = self.range_text(scope)
        variable = self.fresh(self.rng.choice("ijk"))
        inner = scope.inner(loops=1)
        inner.ints[variable] = (low, high)
        first: list[str] = []
        if sure and self.chance(0.35):
            self.use("first-bound-in-loop")
            name = self.fresh("v")
            first = [f"{name} = {self.expr(inner, 2)}"]
            inner.bind(name)
            scope_name = name
        else:
            scope_name = ""
        lines = [f"for {variable} in {text}:", *indent(first + self.loop_body(inner))]
        lines += self.loop_else(scope)
        if scope_name:
            scope.bind(scope_name)
        if sure and self.chance(0.35):
            self.use("loop-variable-after")
            scope.ints[variable] = (low, high)
        return lines

    def zero_trips(self, scope: Scope) -> list[str]:
        """A loop over the argument n, which may be zero."""
        if "n" not in scope.ints:
            return self.for_range(scope)
        self.use("zero-trips-possible")
        variable = self.fresh("i")
        inner = scope.inner(loops=1)
        inner.ints[variable] = (0, 3)
        return [f"for {variable} in range(n):", *indent(self.loop_body(inner)), *self.loop_else(scope)]

    def int_accumulator(self, scope: Scope) -> list[str]:
        """A sum that starts from the integer 0 and becomes a float."""
        self.use("int-becomes-float")
        name, variable = self.fresh("s"), self.fresh("i")
        inner = scope.inner(loops=1)
        inner.ints[variable] = (0, self.length - 1)
        lines = [f"{name} = 0", f"for {variable} in range({self.length}):"]
        lines += indent([f"{name} = {name} + {self.expr(inner, 2)}"])
        scope.bind(name)
        return lines

    def while_loop(self, scope: Scope) -> list[str]:
        """A while loop over a counter, a value, a walrus, or `while True` with a break."""
        kind = self.rng.choice(["while-counter", "while-value", "while-walrus", "while-true"])
        self.use(kind)
        counter, trips = self.fresh("k"), self.rng.randint(2, 4)
        inner = scope.inner(loops=1)
        inner.ints[counter] = (1, trips)
        lines, tail, test = [f"{counter} = 0"], [], f"{counter} < {trips}"
        if kind == "while-value":
            name = self.rng.choice([n for n in scope.floats if n not in scope.locked] or [self.fresh("p")])
            if name not in scope.floats:
                lines.insert(0, f"{name} = {self.positive()}")
                scope.bind(name)
                inner.bind(name)
            test = f"{name} > {self.positive()} and {counter} < {trips}"
            tail = [f"{name} = 0.6 * {name}"]
        elif kind == "while-walrus":
            bound = self.fresh("w")
            test = f"({bound} := {self.expr(scope, 2)}) > {self.constant()} and {counter} < {trips}"
            inner.bind(bound)
            scope.bind(bound)
        elif kind == "while-true":
            test = "True"
            tail = [f"if {counter} >= {trips}:", "    break", *self.block(inner, 1)]
        body = [f"{counter} += 1"]
        if kind == "while-true":
            # the exit first, so that no continue can jump over it
            body += tail + self.loop_body(inner)
        else:
            body += self.loop_body(inner) + tail
        lines += [f"while {test}:", *indent(body), *([] if kind == "while-true" else self.loop_else(scope))]
        return lines

    def shadowed_variable(self, scope: Scope) -> list[str]:
        """A loop variable that hides a float, or is assigned in the body."""
        self.use("loop-variable-shadowed")
        if self.chance(0.5):
            name = self.fresh("p")
            target, value = self.target(scope), self.expr(scope, 2)
            scope.bind(target)
            inner = scope.inner(loops=1)
            inner.ints[name] = (0, 2)
            return [
                f"{name} = {value}",
                f"{target} = {name} * {self.constant()}",
                f"for {name} in range(3):",
                f"    {target} = {target} * 0.8 + {name} * {self.expr(inner, 1)}",
            ]
        variable, target = self.fresh("i"), self.target(scope)
        inner = scope.inner(loops=1)
        start = [] if target in scope.floats else [f"{target} = {self.constant()}"]
        scope.bind(target)
        inner.bind(target)
        inner.ints[variable] = (1, 3)
        body = [
            f"{variable} = {variable} * 2 + 1",
            f"{target} = {target} * 0.7 + {variable} * {self.tame(inner, 1)}",
        ]
        return [*start, f"for {variable} in range(2):", *indent(body)]

    # ------------------------------------------------------------ sequences

    def iterate(self, scope: Scope) -> list[str]:
        """Iteration, zip or enumerate over lists, tuples and arrays."""
        sequences = scope.lists + scope.arrays
        if not sequences:
            return self.for_range(scope)
        kind = self.rng.choice(["iterate", "zip", "enumerate"])
        inner = scope.inner(loops=1)
        chosen = self.rng.choice(scope.lists if scope.lists and self.chance(0.5) else sequences)
        prefix = "array" if chosen in scope.arrays else "list"
        item = self.fresh("e")
        if kind == "zip":
            others = scope.lists if prefix == "list" and self.chance(0.5) else sequences
            other, second = self.rng.choice(others), self.fresh("e")
            inner.bind(second)
            header = f"for {item}, {second} in zip({chosen}, {other}):"
            prefix = "array" if other in scope.arrays or prefix == "array" else "list"
        elif kind == "enumerate":
            variable = self.fresh("i")
            inner.ints[variable] = (0, self.length - 1)
            header = f"for {variable}, {item} in enumerate({chosen}):"
        else:
            header = f"for {item} in {chosen}:"
        self.use(f"{prefix}-{kind}")
        inner.bind(item)
        name = self.target(scope)
        start = [] if name in scope.floats else [f"{name} = {self.constant()}"]
        scope.bind(name)
        inner.bind(name)
        use = f"{name} = {name} * 0.6 + math.sin({item}) * {self.leaf(inner)}"
        return [*start, header, *indent([use, *self.loop_body(inner)]), *self.loop_else(scope)]
