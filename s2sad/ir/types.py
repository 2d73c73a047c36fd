"""The type lattice of the typed IR.

A type says what codegen, the transforms and Numba need to know of a value: its kind, dtype and rank.
`join` is the least upper bound used where control flow merges; it returns None where there is none.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from s2sad.errors import SignatureError

KIND_ORDER = {"bool": 0, "int": 1, "float": 2, "complex": 3}


class Type:
    """Base class of the lattice."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Bottom(Type):
    """No value yet: the result of a recursive call that is still being typed."""

    def __str__(self) -> str:
        return "bottom"


@dataclass(frozen=True, slots=True)
class Unknown(Type):
    """The type of every value before typing."""

    def __str__(self) -> str:
        return "?"


@dataclass(frozen=True, slots=True)
class Scalar(Type):
    """A number. `dtype` is None for Python's own (weak) numbers; `optional` says it may be None instead."""

    kind: str
    dtype: str | None = None
    optional: bool = False

    def __str__(self) -> str:
        return (self.dtype or self.kind) + ("?" if self.optional else "")


class Call(Protocol):
    """What a call shows of sizes (`ir.call_sizes.CallSizes`)."""

    def named(self, name: str) -> Dim: ...
    def is_many(self, size: Dim) -> bool: ...
    def is_one(self, size: Dim) -> bool: ...
    def meet(self, a: Dim, b: Dim) -> None: ...
    def difference(self, a: Dim, b: Dim) -> Size: ...
    def between(self, size: Dim | int, start: Any, stop: Any) -> Size: ...


@dataclass(frozen=True, slots=True)
class Dim:
    """A size known only when the code runs: `name` + `offset`, and 0 where that is less. Equal ones never broadcast
    against each other; `many` says that the size is not 1, and `call`, of an argument's, may say more."""

    name: str
    offset: int = 0
    many: bool = field(default=False, compare=False)
    call: Call | None = field(default=None, compare=False, repr=False)

    def shorter(self, by: int) -> Dim:
        """The size without so many elements."""
        return self if by == 0 else Dim(self.name, self.offset - by, False, self.call)


Size = int | Dim | None  # None: nothing is known


@dataclass(frozen=True, slots=True)
class Array(Type):
    """A NumPy array of `ndim` axes with the sizes `dims`; `optional` says it may be None instead."""

    dtype: str
    ndim: int = 1
    dims: tuple[Size, ...] = ()
    optional: bool = False

    def __post_init__(self) -> None:
        if len(self.dims) != self.ndim:
            object.__setattr__(self, "dims", (None,) * self.ndim)

    def __str__(self) -> str:
        sizes = ",".join("1" if d == 1 else ":" for d in self.dims)
        return f"{self.dtype}[{sizes}]" + ("?" if self.optional else "")

    @property
    def item(self) -> Scalar:
        return scalar_of(self.dtype)


Lying = (
    str | tuple[int, ...]
)  # by rows ("C"), by columns ("F"), neither ("A"); or the steps of such an array in bytes


@dataclass(frozen=True, slots=True)
class Placed(Array):
    """An array in the key of a signature: also how it lies in memory. `shape` are its sizes, which count only where `dims`
    say them, `steps` the bytes from element to element along each axis, which count only where `layout` is them."""

    layout: Lying = "C"
    shape: tuple[int, ...] = field(default=(), compare=False)
    steps: tuple[int, ...] = field(default=(), compare=False)


def item_size(dtype: str) -> int:
    """The bytes of an element."""
    return int("".join(filter(str.isdigit, dtype)) or 8) // 8


def is_many(size: Size) -> bool:
    """Whether a size is known not to be 1."""
    if isinstance(size, Dim):
        return size.many or (size.call is not None and size.call.is_many(size))
    return isinstance(size, int) and size != 1


_NUMBER = itertools.count()


def fresh_size() -> Dim:
    """A size that nothing is known of but that it is this one."""
    return Dim(f"#{next(_NUMBER)}")


def named_sizes(t: Type) -> Type:
    """The type of one array: sizes that are not known have names of their own."""
    if isinstance(t, Array) and None in t.dims:
        return replace(t, dims=tuple(fresh_size() if d is None else d for d in t.dims))
    return t


def anonymous(t: Type, recursive: bool = False) -> Type:
    """The type of any array like this one: what several arrays of one program point may share. A recursive call's
    are parts of others', each shorter than the last."""
    if not isinstance(t, Array):
        return t

    def own(d: Size) -> bool:
        return isinstance(d, Dim) and (d.name.startswith("#") or (recursive and d.offset != 0))

    return replace(t, dims=tuple(_either(d, d) if own(d) else d for d in t.dims))


def argument(dtype: str, ndim: int = 1) -> Array:
    """The type that stands for array arguments in a key, of sizes other than 1."""
    return Array(dtype, ndim, (Dim(""),) * ndim)


def shaped(dtype: str, dims: tuple[Size, ...]) -> Type:
    """The type of a result with these sizes: NumPy gives a scalar where there is no axis."""
    return Array(dtype, len(dims), dims) if dims else scalar_of(dtype)


def with_dims(t: Type, name: str, call: Call | None = None) -> Type:
    """The type of an argument: the sizes its key leaves open get names of its own."""
    if not isinstance(t, Array):
        return t
    names = [f"{name}.{i}" for i in range(t.ndim)]
    open_ = (Dim(n, 0, True) if call is None else call.named(n) for n in names)
    dims = tuple(d if isinstance(d, int) else own for d, own in zip(t.dims, open_, strict=True))
    return Array(t.dtype, t.ndim, dims)


@dataclass(frozen=True, slots=True)
class List(Type):
    """A Python list whose elements all have the type `item`."""

    item: Type

    def __str__(self) -> str:
        return f"list[{self.item}]"


@dataclass(frozen=True, slots=True)
class Tape(Type):
    """Where the residuals of a loop's iterations are kept: written once per index, never popped."""

    item: Type

    def __str__(self) -> str:
        return f"tape[{self.item}]"


@dataclass(frozen=True, slots=True)
class Tuple(Type):
    """A tuple built by generated code: several results."""

    items: tuple[Type, ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"


@dataclass(frozen=True, slots=True)
class Object(Type):
    """A Python object that takes no part in arithmetic: a string, None, a formatted text."""

    name: str

    def __str__(self) -> str:
        return self.name


FLOAT, INT, BOOL, COMPLEX = Scalar("float"), Scalar("int"), Scalar("bool"), Scalar("complex")
FLOAT64 = Scalar("float", "float64")
UNKNOWN, BOTTOM, STR, NONE = Unknown(), Bottom(), Object("str"), Object("None")
_KINDS = {"f": "float", "i": "int", "u": "int", "b": "bool", "c": "complex"}


def scalar_of(dtype: str) -> Scalar:
    """The scalar type of a NumPy dtype name."""
    if dtype == "bool":
        return Scalar("bool", "bool")
    prefix = dtype.rstrip("0123456789")
    kind = {"float": "float", "int": "int", "uint": "int", "complex": "complex"}.get(prefix)
    if kind is None:
        raise KeyError(dtype)
    return Scalar(kind, dtype)


def is_float(t: Type) -> bool:
    """Whether values of this type can carry a derivative themselves."""
    return isinstance(t, Scalar) and t.kind in ("float", "complex")


def is_number(t: Type) -> bool:
    return isinstance(t, Scalar)


def is_memory(t: Type) -> bool:
    """Whether values of this type are references to something that can be written."""
    return isinstance(t, (Array, List, Tape))


def element(t: Type) -> Type:
    if isinstance(t, (Array, List, Tape)):
        return t.item
    raise TypeError(str(t))


def carries_derivative(t: Type) -> bool:
    """Whether a value of this type can depend differentiably on an input."""
    if isinstance(t, (Array, List, Tape)):
        return carries_derivative(t.item)
    if isinstance(t, Tuple):
        return any(map(carries_derivative, t.items))
    return is_float(t)


def promote(a: Scalar, b: Scalar) -> Scalar:
    """The type of an arithmetic result (NEP 50: Python scalars are weak)."""
    kind = max(a.kind, b.kind, key=KIND_ORDER.__getitem__)
    if a.dtype is None and b.dtype is None:
        return Scalar("int" if kind == "bool" else kind)
    if a.dtype is None or b.dtype is None:
        strong = a if a.dtype is not None else b
        if strong.kind == kind:
            return Scalar(kind, strong.dtype)
        return Scalar(kind, {"float": "float64", "int": "int64", "complex": "complex128"}[kind])
    import numpy as np

    dtype = np.promote_types(a.dtype, b.dtype)
    return scalar_of(dtype.name)


def join(a: Type, b: Type) -> Type | None:
    """The least upper bound of two types where control flow merges, or None."""
    if a == b or isinstance(b, Bottom):
        return a
    if isinstance(a, Bottom):
        return b
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        if a.kind == b.kind == "bool":
            return BOOL
        return replace(_join_numbers(a, b), optional=a.optional or b.optional)
    if isinstance(a, Array) and isinstance(b, Array):
        if (a.dtype, a.ndim) != (b.dtype, b.ndim):
            return None
        same = zip(a.dims, b.dims, strict=True)
        dims = tuple(x if x == y else _either(x, y) for x, y in same)
        return Array(a.dtype, a.ndim, dims, a.optional or b.optional)
    if a == NONE and isinstance(b, (Array, Scalar)):
        return replace(b, optional=True)
    if b == NONE and isinstance(a, (Array, Scalar)):
        return replace(a, optional=True)
    if isinstance(a, List) and isinstance(b, List):
        if carries_derivative(a.item) != carries_derivative(b.item):
            return None  # a float stored through one reference would be read as an int through the other
        item = join(a.item, b.item)
        return None if item is None else List(item)
    return None


def _either(x: Size, y: Size) -> Size:
    """One of two sizes: all that can be said is that it is not 1, if neither is."""
    return Dim("~", 0, True) if is_many(x) and is_many(y) else None


def _join_numbers(a: Scalar, b: Scalar) -> Scalar:
    kind = max(a.kind, b.kind, key=KIND_ORDER.__getitem__)
    if a.dtype == b.dtype:
        return Scalar(kind, a.dtype)
    strong = [t for t in (a, b) if t.kind == kind and t.dtype is not None]
    if len(strong) == 2:
        return promote(*strong)
    return strong[0] if strong else Scalar(kind)


_PYTHON: dict[type, Type] = {float: FLOAT, int: INT, complex: COMPLEX}
_LOOKS = frozenset(
    [
        "__new__",
        "__init__",
        "__init_subclass__",
        "__repr__",
        "__str__",
        "__format__",
        "__hash__",
        "__dir__",
        "__doc__",
        "__module__",
        "__dict__",
        "__weakref__",
        "__slots__",
        "__qualname__",
        "__annotations__",
        "__reduce__",
        "__reduce_ex__",
        "__getnewargs__",
        "__getstate__",
        "__setstate__",
        "__copy__",
        "__deepcopy__",
        "__orig_bases__",
        "__parameters__",
        "__class_getitem__",
        "__firstlineno__",
        "__static_attributes__",
        "__set_name__",
    ]
)


@functools.cache
def overrides(cls: Any, base: Any) -> bool:
    """Whether a class of numbers may do arithmetic in another way than the class of Python's or NumPy's that it is
    made of: it has special methods of its own, or what that class has. Enumerations do not."""
    classes = [c for c in cls.__mro__[: cls.__mro__.index(base)] if c.__module__ != "enum"]
    own = {n for c in classes for n, v in vars(c).items() if getattr(v, "__module__", "") != "enum"}
    return any(
        (n.startswith("__") and n.endswith("__")) or hasattr(base, n) for n in own - _LOOKS - _OF_ENUMS
    )


_OF_ENUMS = frozenset({"__members__", "__new_member__", "__objclass__", "__order__"})


def operators_of_its_own(cls: type, hint: str) -> SignatureError:
    return SignatureError(
        f"a {cls.__name__} has operators of its own, which are not those of {_plain(cls)}", hint=hint
    )


def _plain(cls: type) -> str:
    import numpy as np

    return "arrays" if issubclass(cls, np.ndarray) else "numbers"


def type_of(value: Any) -> Type | None:
    """The type of a Python value, or None where it is not a number, array, string or list of those."""
    cls = value.__class__
    if cls is float:
        return FLOAT
    if cls is bool:
        return BOOL
    if cls is int:
        return INT
    if cls is complex:
        return COMPLEX
    if value is None:
        return NONE
    if isinstance(value, str):
        return STR
    import numpy as np

    if isinstance(value, np.ndarray):
        if cls is not np.ndarray and cls is not np.memmap:
            raise operators_of_its_own(cls, "pass an array, as np.asarray() makes it")
        try:
            scalar_of(value.dtype.name)
        except KeyError:
            return None
        return Array(value.dtype.name, value.ndim, tuple(1 if n == 1 else Dim("") for n in value.shape))
    if isinstance(value, np.generic):
        own: Any = value.dtype.type
        if cls is not own and overrides(cls, own):
            raise operators_of_its_own(cls, "pass a number, as its item() gives it")
        try:
            return scalar_of(value.dtype.name)
        except KeyError:
            return None
    if isinstance(value, (float, int, complex)):  # subclasses, e.g. IntEnum
        base = next(b for b in _PYTHON if isinstance(value, b))
        if overrides(cls, base):
            raise operators_of_its_own(cls, f"pass a number, as {base.__name__}() makes it")
        return _PYTHON[base]
    if cls is list:
        item: Type | None = BOTTOM
        for x in value:
            t = type_of(x)
            if t is None or item is None:
                return None
            item = join(item, t)
        return List(FLOAT if isinstance(item, Bottom) else item) if item is not None else None
    return None
