"""Which values a path leaves unbound: variables that are assigned in a branch or loop that may not run."""

from __future__ import annotations

from s2sad.ir.core import For, Function, If, Operand, Undef, Value, While, walk


def unbound_values(fn: Function) -> set[Value]:
    """The values of a function that are unbound on some path; reading one there raises, as in Python."""
    return unbound(joins(fn))


def joins(fn: Function) -> list[tuple[Value, Operand]]:
    """What each result of a branch or loop, and each carried value, may be: pairs of it and a source."""
    flows: list[tuple[Value, Operand]] = []
    for op in walk(fn.body):
        if isinstance(op, If):
            for r, a, b in zip(op.results, op.then.yields, op.orelse.yields, strict=True):
                flows += [(r, a), (r, b)]
        elif isinstance(op, For):
            for r, p, i, y in zip(op.results, op.body.params[1:], op.init, op.body.yields, strict=True):
                flows += [(r, i), (r, y), (p, i), (p, y)]
        elif isinstance(op, While):
            columns = zip(
                op.results,
                op.test.params,
                op.body.params,
                op.init,
                op.test.yields[1:],
                op.body.yields,
                strict=True,
            )
            for r, p, q, i, t, y in columns:
                flows += [(r, i), (r, t), (r, y), (p, i), (p, y), (q, t)]
    return flows


def unbound(flows: list[tuple[Value, Operand]]) -> set[Value]:
    """The values that are unbound on some path."""
    maybe: set[Value] = set()
    while True:
        more = {r for r, s in flows if r not in maybe and (isinstance(s, Undef) or s in maybe)}
        if not more:
            return maybe
        maybe |= more
