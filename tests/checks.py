"""Checks shared by the corpus and the fuzzer: a gradient against forward mode, differences, other pipelines.

Invariant: every comparison is relative to the size of the summands, NaN never passes, and every call gets its
own deep copy of the arguments, whose mutation is compared with the primal's.
"""

from __future__ import annotations

import copy
import inspect
import math
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.array_checks import function_of

FORWARD_TOLERANCE = 1e-9
DIFFERENCE_TOLERANCE = 1e-5
LEVEL_TOLERANCE = 1e-9
VALUE_TOLERANCE = 1e-12
FLOAT32_TOLERANCE = 2e-5
FIRST_STEP = 2e-3
SECONDS = 60.0
COMPILE_SECONDS = 300.0

Wrt = tuple[int | str, ...]


@dataclass(frozen=True)
class Problem:
    """One disagreement: its kind (stable, for shrinking and counting) and what differed."""

    kind: str
    text: str

    def __str__(self) -> str:
        """Kind and text on one line."""
        return f"{self.kind}: {self.text}"


# ---------------------------------------------------------------- arguments as nests of numbers


def fresh(args: Sequence[Any]) -> tuple[Any, ...]:
    """Deep copies of the arguments, whose arrays lie in memory as theirs do; functions stay themselves."""
    return tuple(as_it_lies(arg) if isinstance(arg, np.ndarray) else copy.deepcopy(arg) for arg in args)


def as_it_lies(a: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy by rows, by columns, or with gaps, as the array."""
    if a.flags.forc:
        return a.copy(order="K")
    wide = np.empty(tuple(2 * n for n in a.shape), a.dtype)[(slice(None, None, 2),) * a.ndim]
    wide[...] = a
    return wide


def positions(fn: Callable[..., Any], wrt: Wrt) -> tuple[int, ...]:
    """The positions that `wrt` (positions or names) stands for."""
    names = list(inspect.signature(fn).parameters)
    return tuple(names.index(entry) if isinstance(entry, str) else entry for entry in wrt)


def is_number(leaf: Any) -> bool:
    """Whether a leaf is a number that can vary."""
    return isinstance(leaf, (int, float, np.integer, np.floating)) and not isinstance(leaf, bool)


def map_leaves(function: Callable[..., Any], *nests: Any) -> Any:
    """Apply the function to matching leaves (numbers and arrays) of nests of tuple, list and dict."""
    first = nests[0]
    if isinstance(first, dict):
        return {key: map_leaves(function, *(nest[key] for nest in nests)) for key in first}
    if isinstance(first, (tuple, list)):
        return type(first)(map_leaves(function, *parts) for parts in zip(*nests, strict=True))
    return function(*nests)


def leaves(nest: Any) -> Iterator[Any]:
    """The leaves of a nest, in order."""
    if isinstance(nest, dict):
        nest = list(nest.values())
    if isinstance(nest, (tuple, list)):
        for part in nest:
            yield from leaves(part)
    else:
        yield nest


def alike(left: Any, right: Any) -> bool:
    """Equality of nests up to an error of 1e-12 relative to the largest number of each array."""
    a, b = list(leaves(left)), list(leaves(right))
    if len(a) != len(b):
        return False
    for x, y in zip(a, b, strict=True):
        numbers = is_number(x) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")
        size = 1e-12 * float(np.max(np.abs(y), initial=0.0)) if numbers else 0.0
        if not (np.allclose(x, y, rtol=0.0, atol=size, equal_nan=True) if numbers else same(x, y)):
            return False
    return True


def same(left: Any, right: Any) -> bool:
    """Exact equality of nests, NaN equal to NaN, with equal types and dtypes."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return (
            isinstance(left, np.ndarray)
            and isinstance(right, np.ndarray)
            and left.dtype == right.dtype
            and np.array_equal(left, right, equal_nan=True)
        )
    if isinstance(left, (tuple, list)):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return bool(left == right)


def has_float32(args: Sequence[Any]) -> bool:
    """Whether some leaf is float32, so that only its precision can be asked for."""
    return any(getattr(leaf, "dtype", None) == np.float32 for leaf in leaves(tuple(args)))


def close(left: float, right: float, tolerance: float, scale: float = 0.0) -> bool:
    """Relative closeness, to the larger of both and the scale; NaN and infinities fail."""
    if not (math.isfinite(left) and math.isfinite(right)):
        return False
    return abs(left - right) <= tolerance * max(abs(left), abs(right), scale) + 1e-300


# ---------------------------------------------------------------- directions and differences


def direction_leaf(leaf: Any, rng: np.random.Generator) -> Any:
    """A random tangent of about the size of the leaf, in its floating dtype."""
    if isinstance(leaf, np.ndarray):
        size = np.where(leaf == 0, 1.0, np.abs(leaf))
        sign = rng.choice([-1.0, 1.0], size=leaf.shape)
        dtype = leaf.dtype if np.issubdtype(leaf.dtype, np.floating) else np.float64
        return (sign * rng.uniform(0.3, 1.0, size=leaf.shape) * size).astype(dtype)
    if not is_number(leaf):
        return leaf
    value = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.3, 1.0) * (abs(leaf) or 1.0))
    return np.float32(value) if isinstance(leaf, np.float32) else value


def widened(leaf: Any) -> Any:
    """The leaf in double precision, where it is a number."""
    if isinstance(leaf, np.ndarray) and np.issubdtype(leaf.dtype, np.number):
        return leaf.astype(np.float64)
    return float(leaf) if is_number(leaf) else leaf


def is_integral(leaf: Any) -> bool:
    """Whether a leaf is an int or an array of ints."""
    dtype = getattr(leaf, "dtype", None)
    return isinstance(leaf, int) or (dtype is not None and np.issubdtype(dtype, np.integer))


def floated(leaf: Any) -> Any:
    """Integer leaves as float64, since only these have a tangent."""
    return widened(leaf) if is_integral(leaf) else leaf


def moved(args: Sequence[Any], where: Sequence[int], along: Sequence[Any], step: float) -> tuple[Any, ...]:
    """Copies of the arguments, those at `where` moved by `step` along the direction, in double precision."""
    result = list(fresh(args))
    if has_float32(args):
        result = [
            map_leaves(lambda leaf: leaf if is_integral(leaf) else widened(leaf), arg) for arg in result
        ]
    for position, tangent in zip(where, along, strict=True):
        result[position] = map_leaves(
            lambda leaf, t: (
                stepped(leaf, step * widened(t)) if isinstance(leaf, np.ndarray) or is_number(leaf) else leaf
            ),
            result[position],
            tangent,
        )
    return tuple(result)


def stepped(leaf: Any, step: Any) -> Any:
    """A number or an array, in double precision, and a step added to it where it lies."""
    if not isinstance(leaf, np.ndarray) or leaf.dtype != np.float64:
        return widened(leaf) + step
    found = as_it_lies(leaf)
    found += step
    return found


@dataclass(frozen=True)
class Difference:
    """A Richardson-extrapolated central difference, whether two step sizes agree on it, and its rounding error."""

    value: float
    stable: bool
    noise: float = 0.0


def central(
    fn: Callable[..., Any], args: Sequence[Any], where: Sequence[int], along: Sequence[Any], h: float
) -> float:
    """The central difference of fn along the direction."""
    above = float(fn(*moved(args, where, along, h)))
    below = float(fn(*moved(args, where, along, -h)))
    return (above - below) / (2.0 * h)


def richardson(
    fn: Callable[..., Any], args: Sequence[Any], where: Sequence[int], along: Sequence[Any]
) -> Difference:
    """Central differences at h, h/2, h/4, extrapolated twice; the steps shrink until two results agree."""
    size = abs(float(fn(*moved(args, where, along, 0.0))))
    best = Difference(math.nan, False)
    for h in (FIRST_STEP, FIRST_STEP / 8.0, FIRST_STEP / 64.0):
        try:
            coarse, middle, fine = (central(fn, args, where, along, h / k) for k in (1.0, 2.0, 4.0))
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        first, second = (4.0 * middle - coarse) / 3.0, (4.0 * fine - middle) / 3.0
        value = (16.0 * second - first) / 15.0
        noise = 1e-15 * size / h
        stable = abs(first - second) <= 0.1 * DIFFERENCE_TOLERANCE * abs(second) + 20.0 * noise
        if stable and noise <= DIFFERENCE_TOLERANCE * max(abs(value), 1e-3 * size, 1e-9):
            return Difference(value, True, 20.0 * noise)
        best = Difference(value, False)
    return best


def dot(gradient: Any, along: Any) -> tuple[float, float]:
    """The inner product of two nests, and the sum of the absolute values of its terms."""
    total, size = 0.0, 0.0
    for g, t in zip(leaves(gradient), leaves(along), strict=True):
        if not (is_number(t) or isinstance(t, np.ndarray)):
            continue
        products = np.asarray(g, dtype=np.float64) * np.asarray(t, dtype=np.float64)
        total += float(np.sum(products))
        size += float(np.sum(np.abs(products)))
    return total, size


# ---------------------------------------------------------------- the single checks


def structure_problems(args: Sequence[Any], where: Sequence[int], gradient: Any) -> list[Problem]:
    """Whether each leaf of the gradient has its argument's structure, shape and floating dtype."""
    if not isinstance(gradient, tuple) or len(gradient) != len(where):
        return [Problem("structure", f"wrt has {len(where)} entries, the gradient is {gradient!r}")]
    found: list[Problem] = []

    def check(leaf: Any, g: Any) -> None:
        if isinstance(leaf, np.ndarray):
            dtype = leaf.dtype if np.issubdtype(leaf.dtype, np.floating) else np.dtype(np.float64)
            if not isinstance(g, np.ndarray) or g.shape != leaf.shape or g.dtype != dtype:
                found.append(Problem("structure", f"array {leaf.shape} {leaf.dtype} has gradient {g!r}"))
            elif not g.flags.writeable:
                found.append(Problem("structure", "the gradient is not writable"))
        elif isinstance(leaf, np.float32):
            if not isinstance(g, np.float32):
                found.append(Problem("structure", f"float32 has a gradient of {type(g).__name__}"))
        elif is_number(leaf) and not isinstance(g, float):
            found.append(Problem("structure", f"{type(leaf).__name__} has gradient {g!r}"))

    for position, part in zip(where, gradient, strict=True):
        try:
            map_leaves(check, args[position], part)
        except (TypeError, ValueError, KeyError) as error:
            found.append(Problem("structure", f"gradient {part!r} of argument {args[position]!r}: {error}"))
    arrays = [g for g in leaves(gradient) if isinstance(g, np.ndarray)]
    for i, first in enumerate(arrays):
        if any(np.may_share_memory(first, other) for other in arrays[i + 1 :]):
            found.append(Problem("structure", "two gradients share memory"))
    return found


def primal_run(fn: Callable[..., Any], args: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
    """The primal's value and its arguments afterwards."""
    given = fresh(args)
    return fn(*given), given


@contextmanager
def guarded(jit: bool = False) -> Iterator[None]:
    """Warnings become errors (no derivative warns where the primal did not), endless loops TimeoutError."""
    here = threading.current_thread() is threading.main_thread()

    def expire(*_: Any) -> None:
        raise TimeoutError("the time limit of a check")

    before = signal.signal(signal.SIGALRM, expire) if here else None
    if here:
        signal.setitimer(signal.ITIMER_REAL, COMPILE_SECONDS if jit else SECONDS)
    try:
        with warnings.catch_warnings():
            if not jit:
                warnings.simplefilter("error")
            yield
    finally:
        if here:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)


def mutation_problem(
    what: str, expected: tuple[Any, ...], given: tuple[Any, ...], rounded: bool = False
) -> list[Problem]:
    """Whether the arguments were changed as the primal changed them: exactly, or up to the rounding of `pow` and
    its like, which compiled code computes by another library."""
    if same(tuple(expected), tuple(given)) or (rounded and alike(tuple(expected), tuple(given))):
        return []
    return [Problem("mutation", f"{what} left the arguments {given!r}, the primal {expected!r}")]


def sharing_problem(gradient: Any, given: tuple[Any, ...]) -> list[Problem]:
    """Whether some gradient shares memory with an argument."""
    arrays = [leaf for leaf in leaves(given) if isinstance(leaf, np.ndarray)]
    for g in leaves(gradient):
        if isinstance(g, np.ndarray) and any(np.may_share_memory(g, array) for array in arrays):
            return [Problem("structure", "a gradient shares memory with an argument")]
    return []


def failure(kind: str, error: BaseException) -> Problem:
    """A problem for an exception, with the innermost frames."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
    return Problem(kind, f"{type(error).__name__}: {error} [{places}]")


def reason_of(error: Exception) -> str:
    """What a refusal says, without the place."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines)[:300]


def resized(args: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The arguments with arrays of other sizes: one of them, or all that were of that size; none of a list of arrays."""
    arrays = [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and a.ndim]
    rng = np.random.default_rng(sum(args[i].size for i in arrays))
    found = []
    for together in (True, False, True) if arrays else ():
        chosen = args[arrays[rng.integers(len(arrays))]]
        axis = int(rng.integers(chosen.ndim))
        n, more = chosen.shape[axis], int(rng.choice([-2, -1, 1, 2]))
        made = list(args)
        for i in arrays:
            for k in range(args[i].ndim):
                if args[i].shape[k] == n and (together or (args[i] is chosen and k == axis)):
                    made[i] = (
                        np.take(made[i], np.arange(max(n + more, 0)) % max(n, 1), axis=k) if n else made[i]
                    )
        found.append(tuple(made))
    return found


class Checker:
    """All checks of one function at one argument set; problems are collected, none raised."""

    def __init__(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any],
        wrt: Wrt,
        seed: int = 0,
        rounded: bool = False,
        may_refuse: str = "",
    ) -> None:
        """Run the primal once: its value and its mutations are what everything is compared with; `rounded` where
        the mutations may differ by rounding, since `np.dot` and `@` sum in different orders; `may_refuse`: what a
        refusal says that is no problem."""
        self.rounded, self.may_refuse = rounded, may_refuse
        self.fn, self.args, self.wrt = fn, tuple(args), wrt
        self.where = positions(fn, wrt)
        rng = np.random.default_rng(seed)
        self.along = tuple(map_leaves(lambda leaf: direction_leaf(leaf, rng), args[p]) for p in self.where)
        self.value, self.after = primal_run(fn, args)
        self.loose = has_float32(args)
        self.refused = ""
        self.refusals: list[str] = []  # of other modes
        self.computed: Any = None  # the value that the last derivative gave
        self.problems: list[Problem] = []

    def gradient(self, *, jit: bool = False, optimize: int = 2) -> Any:
        """The reverse gradient, after checking value, structure and mutations; None after a failure."""
        from s2sad import grad, value_and_grad

        what = f"grad(optimize={optimize}, jit={jit})"
        try:
            with guarded(jit):
                given = fresh(self.args)
                value, gradient = value_and_grad(self.fn, wrt=self.wrt, jit=jit, optimize=optimize)(*given)
                self.computed = value
                self.problems += mutation_problem("value_and_" + what, self.after, given, self.rounded or jit)
                self.problems += sharing_problem(gradient, given)
                alone = gradient
                if not (jit and self.rounded):  # a generated program of arrays takes half a minute to compile
                    given = fresh(self.args)
                    alone = grad(self.fn, wrt=self.wrt, jit=jit, optimize=optimize)(*given)
                    self.problems += mutation_problem(what, self.after, given, self.rounded or jit)
        except Exception as error:  # any other exception is a finding
            if self.may_refuse and self.may_refuse in str(error):
                self.refused = reason_of(error)
                return None
            if jit and type(error).__name__ == "JitError":
                self.refused = reason_of(error)
            self.problems.append(failure("error" if not jit else "jit-error", error))
            return None
        tolerance = FLOAT32_TOLERANCE if self.loose else VALUE_TOLERANCE
        if not close(float(value), float(self.value), tolerance):
            self.problems.append(
                Problem("value", f"{what}: value {value!r}, the primal gives {self.value!r}")
            )
        found = structure_problems(self.args, self.where, gradient)
        self.problems += found
        if not found:
            self.compare("value_and_grad", gradient, alone, LEVEL_TOLERANCE)
        return None if found else gradient

    def compiled(self, gradient: Any) -> None:
        """Compare with the compiled gradient. Compiled code rounds elsewhere: a difference that the last digits of
        the arguments make as well says nothing."""
        before = len(self.problems)
        found = self.gradient(jit=True)
        if found is not None:
            self.compare("jit", gradient, found, LEVEL_TOLERANCE)
        new = self.problems[before:]
        if (
            new
            and found is not None
            and self.rounded
            and self.comes_of_rounding((self.computed, found), gradient)
        ):
            rounding = ("value", "mutation", "jit")
            self.problems[before:] = [problem for problem in new if problem.kind not in rounding]
            self.refused = "the last digits of the arguments change its value and gradient as much"

    def comes_of_rounding(self, found: Any, gradient: Any) -> bool:
        """Whether value and gradient are as far from those of the primal as other last digits of the arguments make
        them, within a factor of 30."""
        from s2sad import value_and_grad

        rng = np.random.default_rng(0)

        def nudged(leaf: Any) -> Any:
            if np.asarray(leaf).dtype.kind != "f":
                return leaf
            moved = np.nextafter(leaf, leaf + rng.choice([-1.0, 1.0], size=np.shape(leaf)))
            return moved if isinstance(leaf, np.ndarray) else type(leaf)(moved)

        def distances(other: Any) -> list[float]:
            pairs = zip(leaves(other), leaves((self.value, gradient)), strict=True)
            return [float(np.max(np.abs(np.subtract(a, b, dtype=float)), initial=0.0)) for a, b in pairs]

        fn = value_and_grad(self.fn, wrt=self.wrt)
        others = [distances(fn(*(map_leaves(nudged, arg) for arg in fresh(self.args)))) for _ in range(16)]
        return all(far <= 30.0 * max(near) for far, *near in zip(distances(found), *others, strict=True))

    def compare(self, kind: str, left: Any, right: Any, tolerance: float) -> None:
        """Compare two gradients leaf by leaf, relative to the largest entry."""
        tolerance = max(tolerance, FLOAT32_TOLERANCE) if self.loose else tolerance
        a = np.concatenate(
            [np.ravel(np.asarray(leaf, dtype=float)) for leaf in leaves(left)] or [np.zeros(0)]
        )
        b = np.concatenate(
            [np.ravel(np.asarray(leaf, dtype=float)) for leaf in leaves(right)] or [np.zeros(0)]
        )
        share = 0.1 if self.loose else 1e-3  # of float32, what cancels to 0 is 0 to its rounding only
        scale = float(np.max(np.abs(a), initial=0.0)) * share
        if a.shape != b.shape or not all(close(x, y, tolerance, scale) for x, y in zip(a, b, strict=True)):
            self.problems.append(Problem(kind, f"{left!r} against {right!r}"))

    def forward(self, gradient: Any, *, jit: bool = False) -> None:
        """Compare the gradient along the direction with forward mode, the dot-product identity."""
        from s2sad import jvp

        primals = list(fresh(self.args))
        tangents = [zero_tangent(arg) for arg in primals]
        for position, tangent in zip(self.where, self.along, strict=True):
            primals[position] = map_leaves(floated, primals[position])
            tangents[position] = copy.deepcopy(tangent)
        try:
            with guarded(jit):
                out, out_tangent = jvp(self.fn, tuple(primals), tuple(tangents))
        except Exception as error:  # any exception is a finding
            self.problems.append(failure("jvp-error", error))
            return
        if not any(is_integral(leaf) for p in self.where for leaf in leaves(self.args[p])):
            self.problems += mutation_problem("jvp", self.after, tuple(primals), self.rounded)
        tolerance = FLOAT32_TOLERANCE if self.loose else FORWARD_TOLERANCE
        if not close(float(out), float(self.value), FLOAT32_TOLERANCE if self.loose else VALUE_TOLERANCE):
            self.problems.append(Problem("jvp-value", f"jvp gives {out!r}, the primal {self.value!r}"))
        reverse, size = dot(gradient, self.along)
        if not close(reverse, float(out_tangent), tolerance, size):
            self.problems.append(
                Problem("forward", f"reverse {reverse!r}, forward {out_tangent!r} along a direction")
            )

    def other_modes(self, gradient: Any) -> None:
        """Compare with Jacobians by columns and by rows, with a pullback that is called three times after the arguments
        were overwritten, and second derivatives with one another and with differences of the gradient."""
        from s2sad import jacfwd, jacrev, vjp

        for mode in (jacfwd, jacrev):
            given = fresh(self.args)
            found = self.tried(mode.__name__, lambda m=mode, g=given: m(self.fn, wrt=self.wrt)(*g))
            if found is not None:
                self.problems += mutation_problem(mode.__name__, self.after, given, self.rounded)
                self.compare(mode.__name__, gradient, found, FORWARD_TOLERANCE)
        given = fresh(self.args)
        made = self.tried("vjp", lambda: vjp(self.fn, *given))
        if made is not None:
            self.problems += mutation_problem("vjp", self.after, given, self.rounded)
            for leaf in leaves(given):
                if isinstance(leaf, np.ndarray):
                    leaf.fill(0)
            for seed in (1.0, -2.0, 1.0):
                pulled = self.tried("pullback", lambda s=seed: made[1](s))
                if pulled is not None:
                    scaled = tuple(map_leaves(lambda g, s=seed: g / s, pulled[k]) for k in self.where)
                    self.compare(f"pullback of {seed}", gradient, scaled, FORWARD_TOLERANCE)
        self.second_derivatives()
        self.other_sizes()

    def other_sizes(self) -> None:
        """One derivative called with arguments of other sizes, in turn with its own: it gives the function's value and what
        a derivative made for that call alone gives, and raises where the function does."""
        from s2sad import value_and_grad
        from s2sad.errors import S2sadError

        def outcome(f: Callable[..., Any], args: Sequence[Any]) -> Any:
            try:
                with guarded(), np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return f(*fresh(args))
            except Exception as error:
                return error

        shared = value_and_grad(self.fn, wrt=self.wrt)
        for args in (self.args, *resized(self.args), self.args):
            shapes = [np.shape(a) for a in args if isinstance(a, np.ndarray)]
            value = outcome(self.fn, args)
            alone, found = (outcome(d, args) for d in (value_and_grad(self.fn, wrt=self.wrt), shared))
            if any(isinstance(r, (S2sadError, TimeoutError)) for r in (alone, found)):
                if type(alone) is not type(found):
                    self.problems.append(
                        Problem("sizes", f"{found!r:.200}, made alone {alone!r:.200} for {shapes}")
                    )
                continue
            raised = [isinstance(r, Exception) for r in (value, alone, found)]
            # where several things are wrong, which of them is said may differ from the function's
            if len(set(raised)) > 1 or (raised[1] and type(alone) is not type(found)):
                text = f"{found!r:.200}, made alone {alone!r:.200}, function {value!r:.100} for {shapes}"
                self.problems.append(Problem("sizes", text))
            elif not any(raised):
                near = all(close(float(v), float(value), VALUE_TOLERANCE) for v, _ in (alone, found))
                if not near and np.isfinite(value):
                    self.problems.append(Problem("sizes", f"values {found[0]!r} and {value!r} for {shapes}"))
                self.compare(f"sizes {shapes}", alone[1], found[1], FORWARD_TOLERANCE)

    def second_derivatives(self) -> None:
        """Forward over reverse, reverse over reverse, and differences of the gradient, along the direction."""
        from s2sad import grad, hvp

        first, along = grad(self.fn, wrt=self.wrt), self.along
        found = self.tried("hvp", lambda: hvp(self.fn, wrt=self.wrt)(*fresh(self.args), along))
        if found is None:
            return
        if all(isinstance(a, (float, np.ndarray)) for a in along):
            twice = self.tried(
                "grad of grad", lambda: grad(self.along_gradient(first), wrt=self.wrt)(*fresh(self.args))
            )
            if twice is not None:
                self.compare("grad of grad", found, twice, 1e-7)
        try:
            slope = richardson(lambda *args: dot(first(*args), along)[0], self.args, self.where, along)
        except Exception:  # a kink of the gradient near by
            return
        value, size = dot(found, along)
        near = abs(value - slope.value) <= slope.noise or close(value, slope.value, 1e-4, size)
        if slope.stable and not near and not self.loose:
            self.problems.append(Problem("second", f"hvp {value!r}, differences {slope.value!r}"))

    def along_gradient(self, first: Any) -> Callable[..., Any]:
        """A function with the same parameters: the gradient's component along the direction."""
        names = list(inspect.signature(self.fn).parameters)
        terms = [f"np.sum(g[{k}] * along[{k}])" for k in range(len(self.along))]
        text = f"def component({', '.join(names)}):\n    g = first({', '.join(names)})\n    return {' + '.join(terms)}\n"
        return function_of(text, {"np": np, "first": first, "along": self.along})

    def tried(self, what: str, run: Callable[[], Any]) -> Any:
        """What a derivative gives; None after a failure. What another mode refuses says nothing of this one."""
        from s2sad.errors import S2sadError, VerifierError

        try:
            with guarded():
                return run()
        except VerifierError as error:  # an error of ours is no refusal
            self.problems.append(failure(f"{what}-error", error))
        except S2sadError as error:
            self.refusals.append(f"{what}: {reason_of(error)}")
        except Exception as error:  # any other exception is a finding
            self.problems.append(failure(f"{what}-error", error))
        return None

    def interpreted(self, gradient: Any, *, optimize: int = 2) -> None:
        """Compare the generated code's gradient with the interpreter's, run on the IR it was printed from."""
        from s2sad import value_and_grad
        from s2sad.ir.interp import run

        given = fresh(self.args)
        try:
            with guarded():
                lowered = value_and_grad(self.fn, wrt=self.wrt, optimize=optimize).lower(*given)
                value, *found = run(lowered.function, [*given, *(c.get() for c in lowered.captured)])
        except Exception as error:  # any exception is a finding
            self.problems.append(failure("ir-error", error))
            return
        if not close(float(value), float(self.value), VALUE_TOLERANCE):
            self.problems.append(Problem("ir-value", f"the IR gives {value!r}, the primal {self.value!r}"))
        self.problems += mutation_problem("the derivative's IR", self.after, given, self.rounded)
        self.compare("ir", gradient, tuple(found), LEVEL_TOLERANCE)

    def differences(self, gradient: Any, *, required: bool) -> bool:
        """Compare with differences; False if these are not to be trusted (a branch changes near by)."""
        difference = richardson(self.fn, self.args, self.where, self.along)
        if not difference.stable:
            if required:
                self.problems.append(Problem("unstable", f"differences do not settle: {difference.value!r}"))
            return False
        reverse, size = dot(gradient, self.along)
        tolerance = max(DIFFERENCE_TOLERANCE, 10.0 * FLOAT32_TOLERANCE if self.loose else 0.0)
        floor = 1e-3 * abs(float(self.value)) * 1e-6
        near = abs(reverse - difference.value) <= difference.noise
        if not near and not close(reverse, difference.value, tolerance, max(size, floor)):
            self.problems.append(
                Problem("differences", f"reverse {reverse!r}, differences {difference.value!r}")
            )
        return True

    def oracle(self, oracle: Callable[[Callable[..., Any], tuple[Any, ...]], Any]) -> None:
        """Compare the primal with an interpreter of the intermediate form."""
        given = fresh(self.args)
        try:
            with guarded():
                value = oracle(self.fn, given)
        except Exception as error:  # any exception is a finding
            self.problems.append(failure("oracle-error", error))
            return
        if not close(float(value), float(self.value), VALUE_TOLERANCE):
            self.problems.append(Problem("oracle", f"interpreter {value!r}, the primal {self.value!r}"))
        self.problems += mutation_problem("the interpreter", self.after, given)


def zero_tangent(arg: Any) -> Any:
    """The tangent of an argument that does not vary: zeros of its structure; None where there is none."""
    if isinstance(arg, np.ndarray):
        return np.zeros_like(arg) if np.issubdtype(arg.dtype, np.floating) else None
    if isinstance(arg, (float, np.floating)):
        return type(arg)(0.0)
    return None


@dataclass(frozen=True)
class Report:
    """What a check of one function found; `refused` says why compilation ended in the JitError that may be."""

    problems: tuple[Problem, ...]
    difference_checked: bool
    refused: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def check_function(
    fn: Callable[..., Any],
    args: Sequence[Any],
    wrt: Wrt,
    *,
    jit: bool = False,
    levels: Sequence[int] = (0, 1, 2),
    oracle: Callable[[Callable[..., Any], tuple[Any, ...]], Any] | None = None,
    require_differences: bool = False,
    may_refuse_jit: bool = False,
    forward: bool = True,
    rounded: bool = False,
    modes: bool = False,
    seed: int = 0,
    may_refuse: str = "",
) -> Report:
    """Check the gradient of fn every way there is; `modes`: Jacobians, pullbacks and second derivatives, too; `jit` adds the compiled gradient, `oracle` (an interpreter of
    the primal's untyped form) also the interpreter of the gradient's IR.

    `may_refuse_jit` allows compilation to end in a JitError, for what Numba cannot type (recursion, nested lists);
    `may_refuse` what a refusal says that is no problem.
    """
    checker = Checker(fn, args, wrt, seed, rounded, may_refuse)
    if oracle is not None:
        checker.oracle(oracle)
    gradients: Mapping[int, Any] = {level: checker.gradient(optimize=level) for level in levels}
    known = [gradients[level] for level in levels if gradients[level] is not None]
    trusted = False
    if known:
        for other in known[1:]:
            checker.compare("levels", known[0], other, LEVEL_TOLERANCE)
        if forward:
            checker.forward(known[-1])
        trusted = checker.differences(known[-1], required=require_differences)
        if modes:
            checker.other_modes(known[-1])
        if oracle is not None:
            checker.interpreted(known[-1])
        if jit:
            checker.compiled(known[-1])
    refused = checker.refused if may_refuse_jit or may_refuse else ""
    problems = [p for p in checker.problems if not (refused and p.kind == "jit-error")]
    return Report(tuple(dict.fromkeys(problems)), trusted, refused)
