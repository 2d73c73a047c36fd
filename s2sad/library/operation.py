"""Operations that the library calls by the name of their rule."""

from __future__ import annotations

from typing import Any


class Operation:
    """A primitive as a function: called in the library it is that operation; keywords are fixed arguments."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.rules import arrays
        from s2sad.rules.registry import PRIMS
        from s2sad.typing.abstract import TupleAV
        from s2sad.typing.arrays import array
        from s2sad.typing.calls import primitive

        if self.name not in arrays.INFER:
            return primitive(s, PRIMS[self.name], list(args), {}, "")
        operands = [array(s, a) for a in args]
        attrs = {k: s.static(v) for k, v in kwargs.items()}
        if self.name in arrays.RESULTS:
            return TupleAV(arrays.emit_several(s.builder, self.name, *operands, **attrs))
        return arrays.emit(s.builder, self.name, *operands, **attrs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from s2sad.rules.registry import PRIMS

        return PRIMS[self.name].fn(*args, **kwargs)


class Known:
    """`known(size, 2)`: whether a size is this number already when the code is generated."""

    def __s2sad_inline__(self, s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.rules.builder import const

        return const(s.static(args[0]) == s.static(args[1]))

    def __call__(self, size: int, number: int) -> bool:
        return size == number


known = Known()
