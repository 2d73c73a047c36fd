"""The invariants of the IR, one function each; `verify` runs them all and raises VerifierError.

The docstring of a check names the bug it guards against. Every check walks with a stack of its own, in time
linear in the number of operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from s2sad.errors import Loc, VerifierError
from s2sad.ir.core import AnyOp, Block, For, ForEach, Function, If, Op, Operand, Undef, Value, While
from s2sad.ir.core import blocks as blocks_of
from s2sad.ir.core import operands as operands_of
from s2sad.ir.interp import SPECIAL
from s2sad.ir.types import Array, Scalar, Size, Type, Unknown, join
from s2sad.rules.registry import PRIMS

# the operations of the untyped form
UNTYPED = frozenset({
    "add", "sub", "mul", "div", "floordiv", "mod", "pow", "matmul", "bitand", "bitor", "bitxor", "lshift",
    "rshift", "neg", "pos", "not", "invert", "lt", "le", "gt", "ge", "eq", "ne", "is", "is_not", "in",
    "not_in", "global", "attr", "getitem", "setitem", "augitem", "slice", "tuple", "list", "dict",
    "dict_of", "unpack",
    "call", "function", "sibling", "generator", "listcomp", "yield_", "import", "format", "assert", "raise", "unbound",
})  # fmt: skip


def verify(fn: Function, typed: bool = False, locations: bool = False) -> None:
    """Check every invariant of a function and of its callees.

    Args:
        typed: also what holds from typing on: types everywhere, no loops over any iterable, exact exits.
        locations: also that every operation knows the line it comes from.
    Raises:
        VerifierError: at the operation that breaks the invariant; its reason begins with the check's name.
    """
    todo, seen = [(fn, fn.callees)], {id(fn)}
    while todo:
        function, callees = todo.pop()
        _verify(function, typed, locations, callees)
        for callee in function.callees.values():
            if id(callee) not in seen:
                seen.add(id(callee))
                todo.append((callee, {**callees, **callee.callees}))


def _verify(fn: Function, typed: bool, locations: bool, callees: Mapping[str, Function]) -> None:
    walked = Walked(fn)
    single_definition(walked)
    arity(walked)
    visible_definitions(walked)
    breaks_in_tail(walked)
    known_primitives(walked, typed)
    known_callees(walked, callees)
    if typed:
        typed_loops(walked)
        known_types(walked)
        joined_types(walked)
    if locations:
        known_locations(walked)


# -- walking ------------------------------------------------------------------------------------------


class _Enter:
    """An event: a block begins; `values` are the names it binds."""

    def __init__(self, block: Block) -> None:
        self.block, self.values = block, block.params


class _Leave(_Enter):
    """An event: the block ends, with its yields."""


class _Done:
    """An event: the operation is complete and its results are bound."""

    def __init__(self, op: AnyOp) -> None:
        self.op, self.values = op, op.results


_Event = AnyOp | _Enter | _Leave | _Done


def _events(fn: Function) -> Iterator[_Event]:
    """In the order of execution: an operation, the blocks it holds, the operation done."""
    stack: list[_Event] = [_Enter(fn.body)]
    while stack:
        event = stack.pop()
        yield event
        if type(event) is _Enter:
            stack.append(_Leave(event.block))
            for op in reversed(event.block.ops):
                stack.append(_Done(op))
                stack.append(op)
        elif isinstance(event, (If, For, ForEach, While)):
            stack.extend(_Enter(b) for b in reversed(blocks_of(event)))


class Walked:
    """A function and what one walk through it meets: the checks share it, since walking takes most of their time."""

    def __init__(self, fn: Function) -> None:
        self.fn = fn
        self.events = tuple(_events(fn))
        self.ops = tuple(e for e in self.events if not isinstance(e, (_Enter, _Done)))


def _fail(check: Callable[..., None], reason: str, loc: Loc) -> VerifierError:
    return VerifierError(f"{check.__name__}: {reason}", loc)


def _name(operand: Operand) -> str:
    return f"{getattr(operand, 'hint', '') or 'an intermediate result'} ({operand.type})"


# -- the invariants -----------------------------------------------------------------------------------


def single_definition(walked: Walked) -> None:
    """Guards against a pass that puts an operation or block in two places without renaming: both would
    then assign one variable, and an adjoint would be counted twice."""
    fn = walked.fn
    defined = set(fn.params)
    if len(defined) != len(fn.params):
        raise _fail(single_definition, f"two parameters of {fn.name} are one value", fn.loc)
    loc = fn.loc
    for event in walked.events:
        if isinstance(event, _Leave):
            continue
        if not isinstance(event, (_Enter, _Done)):
            loc = event.loc
            continue
        for value in event.values:
            if value in defined:
                raise _fail(single_definition, f"{_name(value)} is defined twice", loc)
            defined.add(value)


def visible_definitions(walked: Walked) -> None:
    """Guards against reading what another branch, a finished loop body or a later operation defines: the
    generated code would read an unbound or a stale variable."""
    fn = walked.fn
    visible = set(fn.params)
    scopes: list[list[Value]] = []
    loc = fn.loc
    for event in walked.events:
        used: tuple[Operand, ...] = ()
        if isinstance(event, _Leave):
            used = event.block.yields
        elif isinstance(event, _Enter):
            scopes.append(list(event.values))
            visible.update(event.values)
        elif isinstance(event, _Done):
            scopes[-1].extend(event.values)
            visible.update(event.values)
        else:
            used, loc = operands_of(event), event.loc
        for operand in used:
            if isinstance(operand, Value) and operand not in visible:
                where = "yielded" if isinstance(event, _Leave) else "read"
                raise _fail(visible_definitions, f"{_name(operand)} is {where} where it is not visible", loc)
        if isinstance(event, _Leave):
            visible.difference_update(scopes.pop())


def arity(walked: Walked) -> None:
    """Guards against a pass that adds or drops a carried value at one of its places and not at the others:
    values would shift and be bound to each other's names."""
    for op in walked.ops:
        n = len(op.results)
        if isinstance(op, If):
            counts = [("then params", len(op.then.params), 0), ("else params", len(op.orelse.params), 0)]
            counts += [("then yields", len(op.then.yields), n), ("else yields", len(op.orelse.yields), n)]
        elif isinstance(op, (For, ForEach)):
            counts = [("init", len(op.init), n), ("params", len(op.body.params), n + 1)]
            counts += [("yields", len(op.body.yields), n)]
        elif isinstance(op, While):
            counts = [("init", len(op.init), n), ("test params", len(op.test.params), n)]
            counts += [("test yields", len(op.test.yields), n + 1), ("body params", len(op.body.params), n)]
            counts += [("yields", len(op.body.yields), n)]
        else:
            continue
        for what, found, count in counts:
            if found != count:
                reason = f"{type(op).__name__} with {n} results has {found} {what} where {count} belong"
                raise _fail(arity, reason, op.loc)


def breaks_in_tail(walked: Walked) -> None:
    """Guards against a break with code after it: the reverse sweep, which knows only branch conditions and
    trip counts, would run the adjoint of code that was never run."""
    _check_tails(walked.fn, breaks_in_tail, lambda op, block: True)


def _check_tails(fn: Function, check: Callable[..., None], alike: Callable[[If, Block], bool]) -> None:
    stack: list[tuple[Block, bool, Loc]] = [(fn.body, False, fn.loc)]
    while stack:
        block, tail, loc = stack.pop()
        if block.exit not in ("next", "break"):
            raise _fail(check, f"a block cannot end in {block.exit!r}", loc)
        if block.exit == "break" and not tail:
            raise _fail(check, "this break is not in tail position of a loop body", loc)
        for op in block.ops:
            if isinstance(op, If):
                inner = tail and op is block.ops[-1] and alike(op, block)
                stack += [(op.then, inner, op.loc), (op.orelse, inner, op.loc)]
            elif isinstance(op, (For, ForEach)):
                stack.append((op.body, True, op.loc))
            elif isinstance(op, While):
                stack += [(op.test, False, op.loc), (op.body, True, op.loc)]


def known_primitives(walked: Walked, typed: bool = False) -> None:
    """Guards against a misspelt or unregistered primitive, which would surface as a missing rule, or in
    code generation, far from the pass that made it."""
    for op in walked.ops:
        if not isinstance(op, Op):
            continue
        known = op.prim in PRIMS or op.prim in SPECIAL if typed else op.prim in UNTYPED
        if not known:
            form = "typed" if typed else "untyped"
            raise _fail(known_primitives, f"{op.prim!r} is no primitive of the {form} form", op.loc)


def known_callees(walked: Walked, callees: Mapping[str, Function]) -> None:
    """Guards against a call of a function that was renamed or dropped, or whose signature a pass changed:
    a callee is found among the callees of the function or of one that calls it."""
    for op in walked.ops:
        if not isinstance(op, Op) or op.prim != "invoke":
            continue
        callee = callees.get(op.attr("callee"))
        if callee is None:
            raise _fail(known_callees, f"{op.attr('callee')!r} is not among the callees", op.loc)
        if len(op.operands) != len(callee.params) or len(op.results) != len(callee.body.yields):
            reason = (
                f"{callee.name} has {len(callee.params)} parameters and {len(callee.body.yields)} results,"
            )
            reason += f" not {len(op.operands)} and {len(op.results)}"
            raise _fail(known_callees, reason, op.loc)


def typed_loops(walked: Walked) -> None:
    """Guards against a loop over any iterable that typing left behind: transforms know only ranges."""
    for op in walked.ops:
        if isinstance(op, ForEach):
            raise _fail(typed_loops, "a loop over any iterable is left", op.loc)


def known_types(walked: Walked) -> None:
    """Guards against a value that typing forgot: whether it carries a derivative would be guessed."""
    fn = walked.fn
    loc = fn.loc
    for value in fn.params:
        if isinstance(value.type, Unknown):
            raise _fail(known_types, f"the parameter {_name(value)} has no type", loc)
    for event in walked.events:
        if isinstance(event, _Leave):
            found: tuple[Operand, ...] = event.block.yields
        elif isinstance(event, (_Enter, _Done)):
            found = event.values
        else:
            found, loc = operands_of(event), event.loc
        for operand in found:
            if isinstance(operand.type, Unknown) and not isinstance(operand, Undef):
                raise _fail(known_types, f"{_name(operand)} has no type", loc)


def joined_types(walked: Walked) -> None:
    """Guards against a result typed by one of the paths that lead to it: an int where a path yields a
    float would lose its adjoint."""
    for op in walked.ops:
        for what, sources, targets in _flows(op):
            for source, target in zip(sources, targets, strict=False):
                if not isinstance(source, Undef) and not flows_into(source.type, target.type):
                    reason = f"{what}: {_name(source)} does not fit {_name(target)}"
                    raise _fail(joined_types, reason, op.loc)


def flows_into(source: Type, target: Type) -> bool:
    """Whether a value of one type may be held by a variable of the other."""
    if isinstance(source, Scalar) and isinstance(target, Scalar) and source.kind == target.kind:
        return True  # adjoints of Python and NumPy floats meet in sums
    if isinstance(source, Array) and isinstance(target, Array):
        same = (source.dtype, source.ndim) == (target.dtype, target.ndim)
        same = same and (target.optional or not source.optional)
        return same and all(map(_size_fits, source.dims, target.dims))
    return source == target or target in (join(source, target), join(target, source))


def _size_fits(source: Size, target: Size) -> bool:
    """Sizes of different names are equal where the program is valid; an axis of size 1 is not one of many."""
    return source == target or target is None or not (source == 1 or target == 1)


_Flow = tuple[str, tuple[Operand, ...], tuple[Value, ...]]


def _flows(op: AnyOp) -> list[_Flow]:
    if isinstance(op, If):
        return [("then", op.then.yields, op.results), ("else", op.orelse.yields, op.results)]
    if isinstance(op, For):
        carried = op.body.params[1:]
        flows = [("init", op.init, carried), ("next iteration", op.body.yields, carried)]
        return [*flows, ("no iteration", op.init, op.results), ("last iteration", op.body.yields, op.results)]
    if isinstance(op, While):
        flows = [("init", op.init, op.test.params), ("next test", op.body.yields, op.test.params)]
        tested = op.test.yields[1:]
        flows += [("body", tested, op.body.params), ("end", tested, op.results)]
        return [*flows, ("break", op.body.yields, op.results)]
    return []


def known_locations(walked: Walked) -> None:
    """Guards against generated code that cannot say which line of the user's it stands for."""
    fn = walked.fn
    for op in walked.ops:
        if op.loc.line <= 0:
            what = op.prim if isinstance(op, Op) else type(op).__name__
            raise _fail(known_locations, f"{what} in {fn.name} has no location", op.loc)
