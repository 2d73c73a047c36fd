"""Operations that the library calls by the name of their rule."""

from __future__ import annotations

from typing import Any

import numpy as np


class Operation:
    """A primitive as a function: called in the library it is that operation; keywords are fixed arguments."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.frontend.source import MISSING
        from s2sad.rules import arrays
        from s2sad.rules.registry import PRIMS
        from s2sad.typing.abstract import TupleAV
        from s2sad.typing.arrays import array
        from s2sad.typing.calls import primitive

        if self.name not in arrays.INFER:
            return primitive(s, PRIMS[self.name], list(args), {}, "")
        operands = [array(s, a) for a in args]
        attrs = {k: constant(s, v) for k, v in kwargs.items()}
        for name, value in attrs.items():
            if value is MISSING:
                raise s.error(f"a computed {name}=", f"{name} must be a constant written in the call")
            if isinstance(value, np.dtype):
                attrs[name] = value.name
        if self.name in arrays.RESULTS:
            return TupleAV(arrays.emit_several(s.builder, self.name, *operands, **attrs))
        return arrays.emit(s.builder, self.name, *operands, **attrs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from s2sad.rules.registry import PRIMS

        return PRIMS[self.name].fn(*args, **kwargs)


class Known:
    """`known(size, 2)`: whether an argument is this number already when the code is generated; where the number is
    given here, `known(ord)` asks for that one."""

    def __init__(self, *number: float) -> None:
        self.number = number

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.rules.builder import const

        found, number = constant(s, args[0]), self.number[0] if self.number else s.static(args[1])
        return const(not isinstance(found, str) and type(found) is not object and bool(found == number))

    def __call__(self, value: float, *number: float) -> bool:
        return value == (self.number or number)[0]


def constant(s: Any, av: Any) -> Any:
    """The Python value of a constant, also of one with a minus sign, or MISSING."""
    from s2sad.frontend.source import MISSING

    found = s.static(av)
    if found is MISSING:
        made = s.builder.defs.get(av)
        if made is not None and made.prim == "neg":
            inner = s.static(made.operands[0])
            return MISSING if inner is MISSING else -inner
    return found


known = Known()
lowest = Known(float("-inf"))


class IsConstant:
    """`is_constant(n)`: whether the value of an argument is known when the code is generated."""

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.frontend.source import MISSING
        from s2sad.rules.builder import const

        return const(constant(s, args[0]) is not MISSING)

    def __call__(self, value: Any) -> bool:
        return True


class Refuse:
    """`refuse(reason, hint)`: the error of a call that is not supported, when the code is generated."""

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        raise s.error(*(s.static(a) for a in args))

    def __call__(self, reason: str, hint: str) -> None:
        raise NotImplementedError(f"{reason}: {hint}")


class FromFront:
    """`from_front(axis, ndim)`: an axis counted from the front; one that is not there is refused."""

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.rules.builder import const
        from s2sad.typing.functions import core

        return const(core.from_front(s, *map(s.static, args)))

    def __call__(self, axis: int, ndim: int) -> int:
        return range(ndim)[axis]


class Castable:
    """`castable(src, dst)`: whether NumPy casts this to the dtype of that array by its rule 'same_kind'; numbers of
    Python's have a kind only."""

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.rules.arrays import dtype_of
        from s2sad.rules.builder import const
        from s2sad.typing.arrays import array

        value, target = (array(s, a) for a in args)
        src, dst = dtype_of(value), dtype_of(target)
        weak = value.type.dtype is None and src.startswith("int")  # type: ignore[attr-defined]
        return const(bool(np.can_cast(src, dst, "same_kind") or (weak and dst.startswith("uint"))))

    def __call__(self, src: Any, dst: Any) -> bool:
        return bool(np.can_cast(np.asarray(src).dtype, dst.dtype, "same_kind"))


class Fits:
    """A test of sizes as a function: `same_shape(a, b, error, text)` raises where two arrays, as far as they have as many
    axes, have other sizes; `square(a)` where the last two axes differ."""

    def __init__(self, name: str, count: int) -> None:
        self.name, self.count = name, count

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.rules.builder import const
        from s2sad.typing.arrays import array

        operands = tuple(array(s, a) for a in args[: self.count])
        attrs = dict(zip(("error", "text"), map(s.static, args[self.count :]), strict=False))
        s.builder.test_sizes(self.name, operands, attrs)
        return const(None)

    def __call__(self, *args: Any) -> None:
        sizes = [np.shape(a) for a in args[: self.count]]
        first, second = (sizes[0][-2:-1], sizes[0][-1:]) if self.count == 1 else sizes
        if any(n != m for n, m in zip(first, second, strict=False)):
            raise args[2](args[3]) if self.count == 2 else np.linalg.LinAlgError("not square")


class Written:
    """`written_within(q, low, high)`: whether numbers written in the call are known to lie in a range."""

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.frontend.source import MISSING
        from s2sad.rules.builder import const
        from s2sad.typing.arrays import numbers_written

        made = s.builder.defs.get(args[0])
        if made is not None and made.prim == "array_of_numbers":
            numbers = list(made.operands)
        else:
            _, numbers = numbers_written(s, args[0]) or ((), [args[0]])
        values = [constant(s, n) for n in numbers]
        low, high = (s.static(a) for a in args[1:])
        return const(MISSING not in values and all(low <= v <= high for v in values))

    def __call__(self, q: Any, low: float, high: float) -> bool:
        return bool(np.all((np.asarray(q) >= low) & (np.asarray(q) <= high)))


is_constant, refuse, castable, written_within = IsConstant(), Refuse(), Castable(), Written()
from_front = FromFront()
same_shape, square = Fits("same_shape", 2), Fits("square", 1)
