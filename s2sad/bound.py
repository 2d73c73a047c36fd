"""The derivative of a method with the object it belongs to: called, inspected, pickled and copied as a method is."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from s2sad.pickling import at_place, place_of


class BoundDerivative(functools.partial):  # type: ignore[type-arg]
    """A derivative whose first argument is given. What takes the arguments of a call takes the others here."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name not in ("__name__", "__qualname__", "__wrapped__", "__module__"):
            raise AttributeError(name)
        found = getattr(self.func, name)
        if inspect.ismethod(found):
            if "receiver" in inspect.signature(found).parameters:
                return functools.partial(found, receiver=self.args)
            kinds = [p.kind for p in inspect.signature(found).parameters.values()]
            if kinds[:1] == [inspect.Parameter.VAR_POSITIONAL]:
                return functools.partial(found, *self.args)
        return found

    def __get__(self, obj: Any, objtype: Any = None) -> Any:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        derivative: Any = self.func
        place = place_of(self, derivative._innermost)
        return (at_place, place) if place is not None else super().__reduce__()  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"<{self.func!r} of {self.__self__!r}>"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, BoundDerivative) and self.func is other.func and self.__self__ is other.__self__
        )

    def __hash__(self) -> int:
        return hash((id(self.func), id(self.__self__)))

    @property
    def __self__(self) -> Any:
        return self.args[0]

    @property
    def __func__(self) -> Any:
        return self.func

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self.func.__doc__

    @property
    def __signature__(self) -> inspect.Signature:
        signature = inspect.signature(self.func)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def __s2sad_inline__(self, walker: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.typing.structure import constant

        derivative: Any = self.func
        return derivative.__s2sad_inline__(walker, [constant(self.__self__), *args], kwargs)


def apart(f: Any) -> tuple[Any, tuple[Any, ...]]:
    """The function of a bound method and the object it is bound to; another function itself, and nothing."""
    if isinstance(f, BoundDerivative) or inspect.ismethod(f):
        return f.__func__, (f.__self__,)
    return f, ()


def holds_as_class_method(cls: Any, derivative: Any) -> bool:
    """Whether a derivative is a class method of a class: from Python 3.13 on these bind it as functions, past `__get__`."""
    held = (v for c in cls.__mro__ for v in vars(c).values()) if isinstance(cls, type) else ()
    return any(isinstance(v, classmethod) and v.__func__ is derivative for v in held)
