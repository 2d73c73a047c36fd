"""`jacobian` and its kin: derivatives of functions with several results, and second derivatives.

Each is a `Derivative`: generated for the types of a call, with the same inspection, usable in functions that
are differentiated themselves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from s2sad.codegen import tree as t
from s2sad.derivative import Derivative, Options, value_tree
from s2sad.errors import (
    MissingRuleError,
    NotDifferentiableError,
    S2sadError,
    SignatureError,
    UnsupportedSyntaxError,
    public,
)
from s2sad.ir.core import AnyOp, Const, Function, Operand, Value, operands
from s2sad.ir.types import Array, List, Scalar, Type, is_float, is_memory
from s2sad.modes import aligned, text_of
from s2sad.nested import floating
from s2sad.rules.builder import Builder
from s2sad.signature import Argument, Parameters, gradient_tree, numbered
from s2sad.transform.forward import forward, has_tangent
from s2sad.transform.jacobian import REVERSE, columns, rows
from s2sad.transform.reverse.arrays import finished_array, sources
from s2sad.typing import arrays
from s2sad.typing.abstract import AV, DictAV, TupleAV, leaves, map_leaves
from s2sad.typing.specialise import Specialiser
from s2sad.typing.structure import Node, Path

MODES = ("auto", "fwd", "rev")


class Jacobian(Derivative):
    """The Jacobian of a function, callable as the function is."""

    _mode = "auto"

    def __init__(self, fn: Any, options: Options) -> None:
        super().__init__(fn, options)
        self._structures: dict[Any, AV] = {}  # of the results, by signature
        self._suffix = {"auto": "jacobian", "fwd": "jacfwd", "rev": "jacrev"}[self._mode]

    def __repr__(self) -> str:
        return f"<{self._suffix} of {self._fsource.qualname} with respect to {', '.join(map(str, self._params.wrt))}>"

    def _call(self, walker: Specialiser, args: list[AV]) -> AV:
        """The function on abstract values; lists of numbers among its results count as arrays."""
        result = super()._call(walker, args)
        if self._options.has_aux and isinstance(result, TupleAV) and len(result.items) == 2:
            return TupleAV((as_vectors(walker, result.items[0]), result.items[1]))
        return as_vectors(walker, result)

    def _outputs(self, result: AV) -> AV:
        return result.items[0] if self._options.has_aux and isinstance(result, TupleAV) else result

    def _aux(self, result: AV) -> AV | None:
        return super()._aux(result) if self._options.has_aux else None

    def _derive(
        self, fn: Function, inputs: tuple[Value, ...], name: str, result: AV, reserved: tuple[str, ...] = ()
    ) -> Function:
        outputs = list(leaves(self._outputs(result)))
        for o in (*inputs, *outputs):
            self._refuse(o.type, o in inputs)
        ways = {"rev": rows, "fwd": columns}
        mode = self._mode if self._mode != "auto" else self._chosen(inputs, outputs)
        try:
            return ways[mode](fn, inputs, len(outputs), name, reserved)
        except (MissingRuleError, UnsupportedSyntaxError) as error:
            if self._mode != "auto":
                raise
            try:
                return ways["fwd" if mode == "rev" else "rev"](fn, inputs, len(outputs), name, reserved)
            except S2sadError:
                raise error from None

    def _chosen(self, inputs: tuple[Value, ...], outputs: list[Operand]) -> str:
        return cheaper(inputs, outputs)

    def _refuse(self, t: Type, given: bool) -> None:
        item = t.item if isinstance(t, (Array, List)) else t
        if isinstance(item, Scalar) and item.kind != "complex" and not item.optional:
            return
        what = "takes" if given else "returns"
        raise NotDifferentiableError(
            f"{self._fsource.name}() {what} {t}, which a Jacobian cannot be of",
            self._fsource.loc,
            "real numbers, arrays and lists of them, and tuples of those can be differentiated",
        )

    def _finished(self, function: Function, count: int) -> Function:
        return function

    def _as_float32(self, result: Any, lowered: Any) -> Any:
        """Numba returns float32 numbers as Python's: they are made float32 again, block by block."""

        def cast(key: Any, value: Any) -> Any:
            if isinstance(key, Node):
                if key.kind == "dict":
                    return {n: cast(k, value[n]) for n, k in zip(key.names, key.parts, strict=True)}
                return tuple(cast(k, v) for k, v in zip(key.parts, value, strict=True))
            return (
                np.float32(value) if key == Scalar("float", "float32") and isinstance(value, float) else value
            )

        def block(av: AV, value: Any) -> Any:
            if isinstance(av, TupleAV):
                parts = [block(a, v) for a, v in zip(av.items, value, strict=True)]
                return parts if av.cls is list else tuple(parts)
            if isinstance(av, DictAV):
                return {n: block(a, value[n]) for n, a in av.items.items()}
            wrt = [a.key(lowered.keys) for a in self._params.wrt]
            if self._params.bare:
                return cast(wrt[0], value)
            return tuple(cast(k, v) for k, v in zip(wrt, value, strict=True))

        outputs = self._structures[tuple(lowered.keys.values())]
        if self._options.has_aux:
            return block(outputs, result[0]), result[1]
        return block(outputs, result)

    def _returns(self, keys: dict[str, Any], aux: AV | None, result: AV) -> Callable[[list[Any]], Any]:
        params = self._params
        self._structures[tuple(keys.values())] = self._outputs(result)
        n_aux = len(list(leaves(aux))) if aux is not None else 0
        outputs = self._outputs(result)

        def build(exprs: list[Any]) -> Any:
            stream = iter(exprs)
            extra = value_tree(aux, [next(stream) for _ in range(n_aux)]) if aux is not None else None

            def one() -> Any:
                found = [gradient_tree(a.key(keys), a.expression(), stream) for a in params.wrt]
                return found[0] if params.bare else t.tuple_(found)

            blocks = value_tree(outputs, [one() for _ in leaves(outputs)])
            return blocks if aux is None else t.tuple_([blocks, extra])

        return build

    def _structured(self, result: AV, by: dict[Argument, AV], values: Iterator[Operand]) -> AV:
        aux = result.items[1] if self._options.has_aux and isinstance(result, TupleAV) else None
        extra = map_leaves(aux, lambda _: next(values)) if aux is not None else None

        def one(_: Operand) -> AV:
            found = [map_leaves(by[a], lambda _: next(values)) for a in self._params.wrt]
            return found[0] if self._params.bare else TupleAV(tuple(found))

        blocks = map_leaves(self._outputs(result), one)
        return blocks if extra is None else TupleAV((blocks, extra))


class ForwardJacobian(Jacobian):
    _mode = "fwd"


class ReverseJacobian(Jacobian):
    _mode = "rev"


class Hessian(Jacobian):
    """The Hessian: the Jacobian of the gradient, by forward mode, or by reverse mode where that lacks a rule."""

    def __init__(self, fn: Any, options: Options) -> None:
        super().__init__(Derivative(fn, options), options)
        self.primal, self._suffix = fn, "hessian"
        self._name = self._name.removesuffix("_grad")

    def _chosen(self, inputs: tuple[Value, ...], outputs: list[Operand]) -> str:
        return "fwd"


def as_vectors(s: Specialiser, av: AV) -> AV:
    """Results with lists of numbers made into arrays."""
    if isinstance(av, TupleAV):
        if (
            av.cls is list
            and av.items
            and all(isinstance(getattr(i, "type", None), Scalar) for i in av.items)
        ):
            return arrays.array(s, av)
        return replace(av, items=tuple(as_vectors(s, i) for i in av.items))
    if isinstance(av, DictAV):
        return DictAV({k: as_vectors(s, v) for k, v in av.items.items()})
    if isinstance(av, Value) and isinstance(av.type, List) and not is_memory(av.type.item):
        return arrays.array(s, av)
    return av


def cheaper(inputs: tuple[Value, ...], outputs: list[Operand]) -> str:
    """The mode with fewer sweeps, as far as the types tell; reverse where they do not, which repeats nothing."""

    def size(operands: Any) -> tuple[int, int]:
        ranks = [1 if isinstance(o.type, List) else getattr(o.type, "ndim", 0) for o in operands]
        return max(ranks, default=0), len(ranks)

    return "fwd" if size(inputs) < size(outputs) else "rev"


class HessianVectorProduct(Derivative):
    """The product of a function's Hessian with a vector: called with f's arguments, and then the vector."""

    def __init__(self, fn: Any, options: Options) -> None:
        super().__init__(Derivative(fn, replace(options, value=False)), options)
        self.primal, self._suffix = fn, "hvp"
        self._name = self._name.removesuffix("_grad")

    def _describe(self) -> None:
        super()._describe()
        inner = self._params
        names = list(inner.names)
        self._vector = next(n for n in ("v", *(f"v_{k}" for k in range(1, len(names) + 2))) if n not in names)
        self._params = Parameters(inner.source, [*names, self._vector], inner.wrt, inner.bare)
        bind = self._bind
        self._bind = lambda *args, **kwargs: self._bound(bind, args, kwargs)

    @public
    def hessp(self, x: Any, p: Any, *args: Any, receiver: tuple[Any, ...] = ()) -> Any:
        """The product of the Hessian at `x` with `p`, in the order of arguments that scipy.optimize calls a `hessp`
        with: `f(x, *args)` is the function. `receiver`: the object, if that is a method of one.

        Raises:
            SignatureError: the Hessian is not that by the first argument.
        """
        first = self._params.wrt[0]
        if not self._params.bare or first != numbered(self._fsource, 0, bool(receiver)):
            name = self._fsource.name
            raise SignatureError(
                f"scipy's hessp is a product with the Hessian by the first argument, and this is that of {name}() by "
                f"{', '.join(map(str, self._params.wrt))}",
                self._fsource.loc,
                f"make it as hvp({name}), or write lambda x, p: ... with the arguments in {name}'s order",
            )
        return self(*receiver, x, *args, p)

    def __repr__(self) -> str:
        return f"<hvp of {self._fsource.qualname} with respect to {', '.join(map(str, self._params.wrt))}>"

    def _bound(
        self, bind: Callable[..., tuple[Any, ...]], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self._vector in kwargs:
            kwargs = dict(kwargs)
            vector = kwargs.pop(self._vector)
        elif args:
            *args, vector = args  # type: ignore[assignment]
        else:
            raise self._misused("needs a vector")
        try:
            bound = dict(zip(self._params.names, bind(*args, **kwargs), strict=False))
        except TypeError as error:
            raise self._misused(f"takes the vector as its last argument: of the others, {error}") from None
        along = [a.of(bound) for a in self._params.wrt]
        if self._params.bare:
            return (*bound.values(), self._fitted(along[0], vector))
        if not isinstance(vector, (tuple, list)) or len(vector) != len(along):
            raise SignatureError(
                f"the Hessian-vector product of {self._fsource.name}() by {len(along)} arguments needs a tuple of as many",
                self._fsource.loc, "give it a vector for each",
            )  # fmt: skip
        return (*bound.values(), tuple(self._fitted(a, v) for a, v in zip(along, vector, strict=True)))

    def _misused(self, what: str) -> SignatureError:
        name = self._fsource.name
        return SignatureError(
            f"the Hessian-vector product of {name}() {what}",
            self._fsource.loc,
            f"call hvp({name}) with the arguments of {name}{self._signature}, then the vector",
        )

    def _fitted(self, x: Any, v: Any) -> Any:
        """The vector with the structure, the shapes and the dtypes of what the Hessian is taken with respect to."""
        if isinstance(x, (tuple, list)) and not all(isinstance(a, (int, float)) for a in x):
            if type(x) is type(v) and len(x) == len(v):
                parts = [self._fitted(a, b) for a, b in zip(x, v, strict=True)]
                return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
        elif isinstance(x, dict):
            if isinstance(v, dict) and list(x) == list(v):
                return {name: self._fitted(a, v[name]) for name, a in x.items()}
        elif isinstance(x, tuple):
            if type(x) is type(v) and len(x) == len(v):
                return v
        elif dataclasses.is_dataclass(x):
            if type(x) is type(v):
                return v
        else:
            return aligned(x, v, "vector")
        raise SignatureError(
            f"the vector of {self._fsource.name}'s Hessian-vector product does not fit the argument: "
            f"{text_of(v)} for {text_of(x)}",
            self._fsource.loc, "give it the structure and the shapes of the arguments it is multiplied by",
        )  # fmt: skip

    def _alike(self) -> tuple[tuple[Argument, str, Path], ...]:
        if self._params.bare:
            return ((self._params.wrt[0], self._vector, ()),)
        return tuple((a, self._vector, (("item", i),)) for i, a in enumerate(self._params.wrt))

    def _enter(self, lowered: Any, code: Any) -> None:
        """Calls come through `_dispatch`, where the vector is looked at."""

    def _call(self, walker: Specialiser, args: list[AV]) -> AV:
        *given, vector = args
        along = map_leaves(
            vector, lambda o: floating(walker, o)
        )  # before the gradient, whose tangents read it
        return TupleAV((super()._call(walker, given), along))

    def _assumed(self) -> dict[str, Any]:
        keys = super()._assumed()
        along = tuple(a.key(keys) for a in self._params.wrt)
        return keys | {self._vector: along[0] if self._params.bare else Node("tuple", tuple, along)}

    def _bind_values(self, s: Specialiser, args: list[AV], kwargs: dict[str, AV]) -> list[AV]:
        vector = kwargs.pop(self._vector) if self._vector in kwargs else args.pop()
        return [*super()._bind_values(s, args, kwargs), vector]

    def _aux(self, result: AV) -> AV | None:
        assert isinstance(result, TupleAV)
        gradient = result.items[0]
        return gradient.items[1] if self._options.has_aux and isinstance(gradient, TupleAV) else None

    def _gradient(self, result: AV) -> AV:
        """The part of the function's results that is the gradient."""
        assert isinstance(result, TupleAV)
        found = result.items[0]
        return found.items[0] if self._options.has_aux and isinstance(found, TupleAV) else found

    def _derive(
        self, fn: Function, inputs: tuple[Value, ...], name: str, result: AV, reserved: tuple[str, ...] = ()
    ) -> Function:
        assert isinstance(result, TupleAV)
        count = len(list(leaves(self._gradient(result))))
        along = list(leaves(result.items[1]))
        if len(along) != len(inputs) or any(not fits(v, d) for v, d in zip(inputs, along, strict=True)):
            raise SignatureError(
                f"the vector of {self._fsource.name}'s Hessian-vector product does not fit the arguments",
                self._fsource.loc, "give it the structure and the types of the arguments it is multiplied by",
            )  # fmt: skip
        primal = fn.body.yields[: len(fn.body.yields) - len(along)]
        fn = replace(fn, body=replace(fn.body, yields=primal))
        made = forward(fn, inputs, name)
        tangents = iter(made.body.yields[len(primal) :])
        moved = [next(tangents) if has_tangent(o.type) else Const(0.0) for o in primal][:count]
        from s2sad.optimize.copies import _Propagation

        substitution = _Propagation(False)
        substitution.map.update(zip(made.params[len(fn.params) :], along, strict=True))
        body = substitution.block(replace(made.body, yields=(*primal[count:], *moved)))
        body = replace(
            body, ops=first(body.ops, along)
        )  # tangents are copied where the function writes arguments
        b = Builder(REVERSE)
        defs, given, found = sources(body.ops), set[Operand](), []
        for v, d in zip(inputs, body.yields[len(primal) - count :], strict=True):
            if isinstance(d.type, Array):
                d = finished_array(b, d, v, given, defs)
            elif isinstance(d.type, List) and (d in given or d in along):
                d = b.emit("list_of", d, type=d.type)
            elif isinstance(v.type, Scalar) and v.type.dtype == "float32":
                d = b.emit("numpy.float32", d, type=v.type)
            found.append(d)
        yields = (*body.yields[: len(primal) - count], *found)
        return replace(made, params=fn.params, body=replace(body, ops=(*body.ops, *b.ops), yields=yields))

    def _finished(self, function: Function, count: int) -> Function:
        return function

    def _returns(self, keys: dict[str, Any], aux: AV | None, result: AV) -> Callable[[list[Any]], Any]:
        params = self._params
        n_aux = len(list(leaves(aux))) if aux is not None else 0

        def build(exprs: list[Any]) -> Any:
            stream = iter(exprs)
            extra = value_tree(aux, [next(stream) for _ in range(n_aux)]) if aux is not None else None
            found = [gradient_tree(a.key(keys), a.expression(), stream) for a in params.wrt]
            product = found[0] if params.bare else t.tuple_(found)
            return product if aux is None else t.tuple_([product, extra])

        return build

    def _structured(self, result: AV, by: dict[Argument, AV], values: Iterator[Operand]) -> AV:
        aux = self._aux(result)
        extra = map_leaves(aux, lambda _: next(values)) if aux is not None else None
        found = [map_leaves(by[a], lambda _: next(values)) for a in self._params.wrt]
        product: AV = found[0] if self._params.bare else TupleAV(tuple(found))
        return product if extra is None else TupleAV((product, extra))


def first(ops: tuple[AnyOp, ...], values: list[Operand]) -> tuple[AnyOp, ...]:
    """Operations with those in front that make these values, which take them out of an argument."""
    makers = {r: op for op in ops for r in op.results}
    needed: set[AnyOp] = set()
    todo = list(values)
    while todo:
        op = makers.get(o) if isinstance(o := todo.pop(), Value) else None
        if op is not None and op not in needed:
            needed.add(op)
            todo += operands(op)
    return (*(op for op in ops if op in needed), *(op for op in ops if op not in needed))


def fits(v: Value, d: Operand) -> bool:
    """Whether an operand can be the tangent of a value."""
    if isinstance(v.type, Array) and isinstance(d.type, Array):
        return v.type.ndim == d.type.ndim and d.type.dtype.startswith("float")
    return type(v.type) is type(d.type) and (not isinstance(v.type, Scalar) or is_float(d.type))
