"""From typed IR to the Python syntax tree of a generated function.

Statements come out in the order of the operations; folded ones print inside their readers; branches and
loops assign what they yield to the names of their results where those differ.
"""

from __future__ import annotations

import functools
from typing import Any

import gast

from s2sad.analysis.aliases import Aliases
from s2sad.analysis.storage import described, stored
from s2sad.analysis.uses import definitions
from s2sad.codegen import arrays, numba_arrays, raising, size_tests, tapes
from s2sad.codegen import tree as t
from s2sad.codegen.arrays import unread_sizes
from s2sad.codegen.expressions import Expressions
from s2sad.codegen.folding import Folding
from s2sad.codegen.integers import Integers
from s2sad.codegen.naming import Names
from s2sad.codegen.positions import Positions
from s2sad.codegen.undefined import placeholders
from s2sad.errors import Stmt
from s2sad.ir.core import (
    AnyOp,
    Block,
    Const,
    For,
    Function,
    If,
    Op,
    Operand,
    Undef,
    Value,
    While,
    breaks,
    walk,
)
from s2sad.ir.types import Array, List, Scalar, Tape, is_memory
from s2sad.optimize.checks import is_check
from s2sad.transform.reverse.arrays import is_unshared, sources

Copies = list[tuple[Value, Operand]]


_AUGMENTED = {gast.Add: "add", gast.Sub: "sub", gast.Mult: "mul", gast.Div: "div"}


class Emitter:
    """Emits one function. `target` is 'python' or 'numba'; `level` the optimisation level."""

    def __init__(
        self, fn: Function, level: int, target: str, reserved: set[str], objects: dict[Any, str] | None = None
    ) -> None:
        self.objects = objects or {}  # the names of functions of the user's that are called
        self.tapes = tapes.plan(fn, target)
        fn = tapes.with_implicit_indices(fn, self.tapes)
        self.fn, self.level, self.target = fn, level, target
        self.folding = Folding(fn, fold_named=level >= 2, fold_bounds=target == "python")
        self.positions = Positions(fn, self.folding.folded, self.folding.ternary)
        self.makers = definitions(fn)
        self.integers = Integers(fn)
        structures = {
            op.operands[0]
            for op in walk(fn.body)
            if isinstance(op, Op) and op.prim in ("extract", "extract_list")
        }
        for p in structures.intersection(fn.params):  # what is returned may be made as they are, by type(p)
            self.positions.used(p, (len(fn.body.ops),))
        self.names = Names(fn, self.positions, reserved | {fn.name}, target == "numba")
        self.unread = unread_sizes(fn, self.makers, self.is_argument)
        self.bound = placeholders(fn, self.differs)
        appends = (op for op in walk(fn.body) if isinstance(op, Op) and op.prim == "append")
        self.appended = {op.operands[0] for op in appends}
        self.expressions = Expressions(self)
        self.stmt: Stmt | None = None
        self.phase = ""
        self.endless = 0
        self.upward = False  # whether the innermost loop counts upwards
        self.has_reverse = any(op.loc.reverse for op in fn.body.ops)

    # -- the function -------------------------------------------------------------------------------

    def function(self, returns: Any = None, keyword_params: tuple[Value, ...] = ()) -> Any:
        """The function definition; `returns(expr)` builds the returned expression from the results'."""
        body: list[Any] = []
        self.block(self.fn.body, body, top=True)
        results = [self.expr(o) for o in self.fn.body.yields]
        value = (
            returns(results)
            if returns is not None
            else results[0]
            if len(results) == 1
            else t.tuple_(results)
            if results
            else None
        )
        if value is not None or not body:
            body.append(gast.Return(value))
        positional = [p for p in self.fn.params if p not in keyword_params]
        args = gast.arguments(
            [_param(self.names[p]) for p in positional], [], None, [_param(self.names[p]) for p in keyword_params],
            [None] * len(keyword_params), None, [],
        )  # fmt: skip
        return gast.FunctionDef(self.fn.name, args, body, [], None, None, [])

    def is_argument(self, v: Value) -> bool:
        """Whether a value is a parameter whose name is never another's."""
        return v in self.fn.params and self.names.is_alone(v)

    # -- blocks -------------------------------------------------------------------------------------

    def block(self, block: Block, out: list[Any], top: bool = False, tail: Copies | None = None) -> None:
        for op in block.ops:
            if top:
                self.header(op, out)
            if len(op.results) == 1 and op.results[0] in self.folding.folded:
                self.expressions.hold(op)
                continue
            if len(op.results) == 1 and op.results[0] in self.unread:
                continue
            before = self.stmt
            quote = self.quote(op)
            body: list[Any] = []
            if isinstance(op, Op):
                self.op(op, body)
            elif isinstance(op, If):
                self.branch(op, body, tail)
            elif isinstance(op, For):
                self.for_(op, body)
            elif isinstance(op, While):
                self.while_(op, body)
            if not body:
                self.stmt = before
                continue
            if quote is not None:
                out.append(quote)
            out.extend(body)

    def header(self, op: AnyOp, out: list[Any]) -> None:
        phase = "reverse" if op.loc.reverse else "forward"
        if (
            phase != self.phase
            and self.has_reverse
            and not (len(op.results) == 1 and op.results[0] in self.folding.folded and phase == "forward")
        ):
            self.phase = phase
            self.stmt = None
            out.append(t.comment(phase))
            if phase == "forward":
                out += map(t.comment, self.storage())

    def storage(self) -> list[str]:
        """What the forward sweep stores, a line for each loop."""
        records = stored(self.fn)
        return described(records, {r.tape: self.names[r.tape] for r in records})

    def quote(self, op: AnyOp) -> Any:
        """A stage of the reverse sweep begins with the user's line it is the reverse of."""
        test = isinstance(op, Op) and op.prim == "fits"  # of what is not done again here
        if not (op.loc.reverse or test) or op.loc.line == 0 or op.loc.stmt is self.stmt:
            return None
        self.stmt = op.loc.stmt
        text = f"# {self.stmt.text}"
        place = f"(line {self.stmt.line})"
        gap = " " * max(1, 40 - len(text))
        return t.comment(f"{text}{gap}{place}"[2:])

    # -- operations ---------------------------------------------------------------------------------

    def expr(self, o: Operand) -> Any:
        return self.expressions.operand(o)

    def op(self, op: Op, out: list[Any]) -> None:
        handler = getattr(self, "op_" + op.prim, None)
        if handler is not None:
            handler(op, out)
            return
        value = self.expressions.of(op)
        if not op.results:
            out.append(t.statement(value))
        elif len(op.results) == 1:
            self.assign(op.results[0], value, op, out)
        else:
            unread = "" if "_" in self.names.given() else "_"
            names = (unread if unread and not self.folding.uses[r] else self.names[r] for r in op.results)
            targets = [t.target(name) for name in names]
            out.append(t.assign(t.tuple_(targets, True), value))

    def assign(self, result: Value, value: Any, op: AnyOp, out: list[Any]) -> None:
        """`x = value`, or `x += …` where the value is the same name plus something."""
        name = self.names[result]
        if isinstance(op, Op) and op.prim in ("add", "sub", "mul", "div") and isinstance(value, gast.BinOp):
            left = value.left
            updated = isinstance(left, gast.Name) and left.id == name
            if updated and (not is_memory(result.type) or self.owned(self.printed(op, name), result, set())):
                prim = _AUGMENTED[type(value.op)]  # a sum may be printed as a difference
                if self.upward and numba_arrays.is_reverse_sum(self.expressions, op, result):
                    right = t.minus(value.right) if prim == "sub" else value.right
                    out.append(
                        t.assign(t.target(name), numba_arrays.reverse_sum(self.expressions, left, right))
                    )
                    return
                out.append(t.augment(t.target(name), prim, value.right))
                return
        if isinstance(value, gast.Name) and value.id == name:
            return
        out.append(t.assign(t.target(name), value))

    def element(self, op: Op) -> tuple[Any, Any]:
        """The element that an operation writes, as a target, and what it writes there."""
        a, *at, v = map(self.expr, op.operands)
        return t.subscript(a, at[0] if len(at) == 1 else t.tuple_(at), True), v

    def printed(self, op: Op, name: str) -> Operand:
        """The operand that is printed as this name."""
        kept = (o for o in op.operands if isinstance(o, Value) and o not in self.folding.folded)
        return next((o for o in kept if self.names[o] == name), op.operands[0])

    def owned(self, o: Operand, result: Value, seen: set[Value]) -> bool:
        """Whether an array is this name's alone and of the result's sizes, so that it may be updated in place."""
        if not isinstance(o, Value) or o.type != result.type:
            return False
        if o in seen:
            return True
        seen.add(o)
        made = self.origin.get(o)
        if isinstance(made, tuple):
            return self.folding.uses[o] == 1 and all(self.owned(x, result, seen) for x in made)
        if isinstance(made, Op) and made.prim == "identity":  # another name for what must be this one's alone
            return self.folding.uses[o] == 1 and self.owned(made.operands[0], result, seen)
        return self.folding.uses[o] == 1 and isinstance(made, Op) and is_unshared(o, self.origin, set())

    @functools.cached_property
    def origin(self) -> dict[Value, Any]:
        return sources(self.fn.body.ops)

    @functools.cached_property
    def aliases(self) -> Aliases:
        return Aliases(self.fn)

    def op_store(self, op: Op, out: list[Any]) -> None:
        out.append(t.assign(*self.element(op)))

    def op_assign(self, op: Op, out: list[Any]) -> None:
        a, v = op.operands
        out.append(t.assign(self.all_of(a), self.expr(v)))

    def all_of(self, a: Any) -> Any:
        """All elements of an array, as a target."""
        made = self.expressions.maker(a)
        held = self.expr(a)
        if isinstance(held, gast.Subscript) and made is not None and made.prim in ("view", "newaxis"):
            return t.subscript(
                held.value, held.slice, True
            )  # not where the array is held in a list or a tape
        return t.subscript(held, arrays.whole(a.type.ndim), True)

    def op_assign_at(self, op: Op, out: list[Any]) -> None:
        compiled = numba_arrays.statement(self.expressions, op) if self.target == "numba" else None
        if compiled is not None:
            out.append(compiled)
            return
        a, *at, v = op.operands
        held = self.expr(a)
        out.append(
            t.assign(
                t.subscript(held, arrays.index(self.expressions, op.attr("index"), tuple(at)), True),
                self.expr(v),
            )
        )

    def op_scatter_add(self, op: Op, out: list[Any]) -> None:
        if self.target == "numba":
            out.append(numba_arrays.statement(self.expressions, op))
            return
        a, *at, v = op.operands
        held = self.expr(a)
        if all(entry[0] != "array" for entry in op.attr("index")):  # a mask names no element twice
            where = arrays.index(self.expressions, op.attr("index"), tuple(at))
            out.append(t.augment(t.subscript(held, where, True), "add", self.expr(v)))
            return
        index = self.expressions.index_tuple(op, tuple(at))
        out.append(t.statement(arrays.np_call(self.expressions, "add.at", held, index, self.expr(v))))

    def op_accumulate(self, op: Op, out: list[Any]) -> None:
        target, v = self.element(op)
        opposite = t.without_minus(v) if self.subtracts(op) else None
        out.append(t.augment(target, "add", v) if opposite is None else t.augment(target, "sub", opposite))

    def subtracts(self, op: Op) -> bool:
        """Whether adding a negative is printed as a subtraction: not where the user wrote an addition."""
        made = self.expressions.maker(op.operands[-1])
        return op.loc.reverse or (made is not None and made.prim == "neg")

    def read_first(self, a: Operand, v: Operand) -> Any:
        """A value that is written into an array: compiled, one that may be the same memory is read before."""
        printed = self.expr(v)
        return copied(printed) if self.one_memory(a, v) else printed

    def one_memory(self, a: Operand, b: Operand) -> bool:
        """Whether two arrays may be the same memory, of which NumPy takes care where one is written, and Numba does not."""
        if self.target != "numba" or not (isinstance(a, Value) and isinstance(b, Value)):
            return False
        return isinstance(b.type, Array) and self.aliases.find(a) is self.aliases.find(b)

    def op_append(self, op: Op, out: list[Any]) -> None:
        a, v = map(self.expr, op.operands)
        out.append(t.statement(t.call(t.attribute(a, "append"), v)))

    def op_add_into(self, op: Op, out: list[Any]) -> None:
        a, b = op.operands
        if isinstance(a.type, Array):
            held, v = self.expr(a), self.expr(b)
            if self.target == "numba" and isinstance(b.type, List):
                v = arrays.np_call(self.expressions, "array", v)
            target = t.subscript(held.value, held.slice, True) if isinstance(held, gast.Subscript) else held
            opposite = t.without_minus(v) if self.subtracts(op) else None
            if isinstance(target, (gast.Attribute, gast.Call)):  # a transpose: not something to assign to
                target = t.subscript(held, arrays.whole(2), True)
            if isinstance(target, gast.Name):
                target = t.target(target.id)
            if self.overlap(a, b, opposite is not None):
                v, opposite = copied(v), opposite and copied(opposite)
            out.append(
                t.augment(target, "add", v) if opposite is None else t.augment(target, "sub", opposite)
            )
            return
        out.append(t.statement(t.call(self.expressions.helper("add_into"), self.expr(a), self.expr(b))))

    def overlap(self, a: Operand, b: Operand, subtracted: bool) -> bool:
        """Whether `a += b` may write cells of b before it reads them."""
        made = self.expressions.maker(b)
        b = made.operands[0] if subtracted and made is not None and made.prim == "neg" else b
        return a is not b and self.one_memory(a, b)

    def op_print(self, op: Op, out: list[Any]) -> None:
        keywords = {k: t.constant(v) for k, v in op.attr("keywords", ())}
        out.append(t.statement(t.call("print", *map(self.expr, op.operands), **keywords)))

    def op_assert(self, op: Op, out: list[Any]) -> None:
        test = self.expr(op.operands[0])
        message = [raising.argument(self.expressions, o) for o in op.operands[1:]]
        if message and self.target == "numba" and not isinstance(message[0], gast.Constant):
            error = raising.raised(self.expressions, t.call("AssertionError", message[0]), [], op)
            out.append(gast.If(t.negated(test), [gast.Raise(error, None)], []))
            return
        out.append(gast.Assert(test, message[0] if message else None))

    def op_fits(self, op: Op, out: list[Any]) -> None:
        size_tests.statement(self, op, out)

    def op_raise(self, op: Op, out: list[Any]) -> None:
        error, *cause = (self.expr(o) for o in op.operands) if op.operands else (None,)
        if self.target == "numba" and error is not None:  # which has no causes
            error, cause = raising.raised(self.expressions, error, cause, op), []
        out.append(gast.Raise(error, cause[0] if cause else None))

    def op_unbound(self, op: Op, out: list[Any]) -> None:
        name = op.attr("name", "").strip("$")
        message = f"cannot access local variable {name!r} where it is not associated with a value"
        out.append(gast.Raise(t.call("UnboundLocalError", t.constant(message)), None))

    def op_unpack(self, op: Op, out: list[Any]) -> None:
        targets = [t.target(self.names[r]) for r in op.results]
        if targets:
            out.append(
                t.assign(
                    t.tuple_(targets, True) if len(targets) > 1 else gast.Tuple(targets, t.STORE),
                    self.expr(op.operands[0]),
                )
            )

    def op_invoke(self, op: Op, out: list[Any]) -> None:
        value = t.call(op.attr("callee"), *map(self.expr, op.operands))
        if not op.results:
            out.append(t.statement(value))
        elif len(op.results) == 1:
            out.append(t.assign(t.target(self.names[op.results[0]]), value))
        else:
            out.append(t.assign(t.tuple_([t.target(self.names[r]) for r in op.results], True), value))

    def op_tape_new(self, op: Op, out: list[Any]) -> None:
        tapes.new(self, op, out)

    def op_tape_write(self, op: Op, out: list[Any]) -> None:
        tapes.write(self, op, out)

    # -- branches -----------------------------------------------------------------------------------

    def branch(self, op: If, out: list[Any], tail: Copies | None) -> None:
        if op in self.folding.ternary:
            self.expressions.hold(op)
            self.assign(op.results[0], self.expressions.take(op.results[0]), op, out)
            return
        if is_check(op) and size_tests.guarded(self, op, [], out):
            return
        test = self.expr(op.cond)
        leaves = breaks(op)
        then, orelse = (self.side(op, b, tail if leaves else None) for b in (op.then, op.orelse))
        self.stmt = None if op.loc.reverse else self.stmt
        if not then and not orelse:
            return
        if not then:
            out.append(gast.If(t.negated(test), orelse, []))
            return
        if (
            leaves and isinstance(then[-1], gast.Break) and orelse
        ):  # the user's own shape: `if …: break`, then the rest
            out.append(gast.If(test, then, []))
            out.extend(orelse)
            return
        if orelse and isinstance(orelse[-1], gast.Break):
            out.append(gast.If(t.negated(test), orelse, []))
            out.extend(then)
            return
        out.append(gast.If(test, then, orelse))

    def side(self, op: If, block: Block, tail: Copies | None) -> list[Any]:
        body: list[Any] = []
        self.stmt = op.loc.stmt if op.loc.reverse else self.stmt  # quoted above the branch
        own = list(zip(op.results, block.yields, strict=True))
        if tail is None:
            self.block(block, body)
            self.copies(own, body)
            return body
        through = [(r, dict(own).get(o, o) if isinstance(o, Value) else o) for r, o in tail]  # type: ignore[call-overload]
        self.block(block, body, tail=through)
        if block.exit == "break":
            self.copies(through, body)
            body.append(gast.Break())
        else:
            self.copies(own, body)
        return body

    def copies(self, pairs: Copies, out: list[Any]) -> None:
        """Assign several values at once: only those whose name changes, in an order that overwrites nothing."""
        todo: list[tuple[str, Any]] = []
        for result, operand in pairs:
            if result not in self.positions.define:
                continue
            if isinstance(operand, Undef):
                if result in self.bound:
                    todo.append((self.names[result], self.placeholder(result)))
                continue
            value = self.expr(operand)
            if not (isinstance(value, gast.Name) and value.id == self.names[result]):
                todo.append((self.names[result], value))
        reads = [{n.id for n in gast.walk(v) if isinstance(n, gast.Name)} for _, v in todo]
        while todo:
            ready = next(
                (
                    i
                    for i, (name, _) in enumerate(todo)
                    if not any(name in r for j, r in enumerate(reads) if j != i)
                ),
                None,
            )
            if ready is None:  # a cycle, such as a swap
                names, values = zip(*todo, strict=True)
                out.append(t.assign(t.tuple_([t.target(n) for n in names], True), t.tuple_(list(values))))
                return
            name, value = todo.pop(ready)
            reads.pop(ready)
            out.append(t.assign(t.target(name), value))

    def differs(self, result: Value, source: Operand) -> bool:
        define = self.positions.define
        return (
            isinstance(source, Value)
            and source in define
            and result in define
            and self.names[result] != self.names[source]
        )

    def placeholder(self, v: Value) -> Any:
        """What stands in for an unbound variable that is stored but never used."""
        if self.target == "numba" and isinstance(v.type, Scalar):
            return t.constant({"float": 0.0, "int": 0, "bool": False, "complex": 0j}[v.type.kind])
        if self.target == "numba" and isinstance(v.type, (Array, List, Tape)):
            return tapes.sample(self, v.type)
        return t.constant(None)

    # -- loops --------------------------------------------------------------------------------------

    def for_(self, op: For, out: list[Any]) -> None:
        bounds = self.bounds(op)
        self.copies(list(zip(op.body.params[1:], op.init, strict=True)), out)
        body: list[Any] = []
        pairs: Copies = list(zip(op.body.params[1:], op.body.yields, strict=True))
        outside, self.upward = self.upward, isinstance(op.step, Const) and op.step.value > 0
        self.block(op.body, body, tail=pairs)
        self.upward = outside
        self.copies(pairs, body)
        if op.body.exit == "break":
            body.append(gast.Break())
        if op.loc.reverse and any(o.loc.stmt is not op.loc.stmt for o in walk(op.body)):
            self.stmt = None
        index = op.body.params[0]
        name = self.names[index] if self.positions.uses[index] or index.hint else "_"
        out.append(gast.For(t.target(name), t.call("range", *bounds), body or [gast.Pass()], [], None))

    def bounds(self, op: For) -> list[Any]:
        start, stop, step = op.start, op.stop, op.step
        one = isinstance(step, Const) and step.value == 1
        if one and isinstance(start, Const) and start.value == 0:
            return [self.expr(stop)]
        return [self.expr(start), self.expr(stop)] + ([] if one else [self.expr(step)])

    def while_(self, op: While, out: list[Any]) -> None:
        self.copies(list(zip(op.test.params, op.init, strict=True)), out)
        test: list[Any] = []
        self.block(op.test, test)
        cond = self.expr(op.test.yields[0])
        self.copies(list(zip(op.test.params, op.test.yields[1:], strict=True)), test)
        body: list[Any] = []
        pairs: Copies = list(zip(op.body.params, op.body.yields, strict=True))
        self.block(op.body, body, tail=pairs)
        self.copies(pairs, body)
        if op.body.exit == "break":
            body.append(gast.Break())
        if test:
            body = [*test, gast.If(t.negated(cond), [gast.Break()], []), *body]
            cond = t.constant(True)
        if self.target == "numba" and isinstance(cond, gast.Constant):
            # Numba 0.68 loses assignments before a break out of `while True` (wrong results, measured): test a variable
            self.endless += 1
            name = f"endless{self.endless}"
            out.append(t.assign(t.target(name), cond))
            cond = t.name(name)
        out.append(gast.While(cond, body or [gast.Pass()], []))


def copied(printed: Any) -> Any:
    return t.call(t.attribute(printed, "copy"))


def _param(name: str) -> Any:
    return gast.Name(name, t.PARAM, None, None)
