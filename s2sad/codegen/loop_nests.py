"""Helper functions for Numba, written as loop nests: what it lacks of NumPy on arrays.

Each function here gives the name and the text of a helper for given ranks, axes and index patterns; the same
request gives the same name and text, so a module holds each helper once.
"""

from __future__ import annotations

from collections.abc import Sequence

Helper = tuple[str, str]
INDENT = "    "

# initial value (None: the first element) and how an element joins the total, which is `{y}`
REDUCERS = {
    "sum": ("0", "{y} += {v}"),
    "prod": ("1", "{y} *= {v}"),
    "max": (None, "{y} = np.maximum({y}, {v})"),
    "min": (None, "{y} = np.minimum({y}, {v})"),
    "any": ("False", "{y} = {y} or {v} != 0"),
    "all": ("True", "{y} = {y} and {v} != 0"),
}
EMPTY = "zero-size array to reduction operation {} which has no identity"


def function(name: str, params: str, doc: str, body: list[str]) -> Helper:
    lines = [f"def {name}({params}):", f'{INDENT}"""{doc}"""', *(INDENT + line for line in body)]
    return name, "\n".join(lines) + "\n"


def nest(loops: Sequence[tuple[str, str]], body: list[str]) -> list[str]:
    """Loops over (index, size), outermost first."""
    for index, size in reversed(loops):
        body = [f"for {index} in range({size}):", *(INDENT + line for line in body)]
    return body


def at(a: str, indices: Sequence[str]) -> str:
    return f"{a}[{', '.join(indices)}]" if indices else a


def tuple_text(items: Sequence[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def dtype_text(dtype: str) -> str:
    return "np.bool_" if dtype == "bool" else f"np.{dtype}"


def suffix(dtype: str, usual: str = "float64") -> str:
    """What tells helpers for several dtypes apart in their names."""
    return "" if dtype == usual else f"_{dtype}"


def indices(ndim: int) -> list[str]:
    return [f"i{k}" for k in range(ndim)]


# -- reductions ---------------------------------------------------------------------------------------


def extreme(name: str, least: str) -> Helper:
    """np.max and np.min of an array that may be empty."""
    label = f"{name}_or_{'less' if name == 'max' else 'more'}"
    text = f"np.{name}(a, initial={least})"
    return function(label, "a", text, [f"return np.{name}(a) if a.size > 0 else {least}"])


def reduction(
    name: str, ndim: int, axes: tuple[int, ...], keepdims: bool, dtype: str, least: str | None = None
) -> Helper:
    """np.sum and its like over some axes; sums over the last axes run in a local variable. `least`: what an extreme
    of no elements is."""
    initial, join = REDUCERS[name]
    i = indices(ndim)
    own = [("0" if k in axes else i[k]) for k in range(ndim) if keepdims or k not in axes]
    shape = [("1" if k in axes else f"a.shape[{k}]") for k in range(ndim) if keepdims or k not in axes]
    tail = ndim  # the axes from here on are all reduced
    while tail and tail - 1 in axes:
        tail -= 1
    alone = all(k >= tail for k in axes)  # no other axis is
    loops = [(i[k], f"a.shape[{k}]") for k in range(ndim)]
    first = [("0" if k in axes else i[k]) for k in range(ndim)]
    body: list[str] = []
    kind = dtype.rstrip("0123456789")
    start = initial if kind in ("int", "uint", "bool") or initial is None else f"{initial}.0"
    body.append(f"y = np.empty({tuple_text(shape)}, {dtype_text(dtype)})")
    if least is not None:
        initial = start = least
    if initial is None:
        body += [
            "if a.size == 0 and y.size > 0:",
            f'{INDENT}raise ValueError("{EMPTY.format(name + "imum")}")',
        ]
    if not alone:
        if initial is None:
            kept = ["0" if k in axes else ":" for k in range(ndim)]
            to = [("0" if k in axes else ":") for k in range(ndim) if keepdims or k not in axes]
            body.append(f"{at('y', to)} = {at('a', kept)}")
        else:
            body.append(f"y[...] = {start}")
    if tail == ndim:
        inner = [join.format(y=at("y", own), v=at("a", i))]
    else:
        inner = [f"t = {start if initial is not None else at('a', [*i[:tail], *first[tail:]])}"]
        inner += nest(loops[tail:], [join.format(y="t", v=at("a", i))])
        inner.append(f"{at('y', own)} = t" if alone else join.format(y=at("y", own), v="t"))
    body += [*nest(loops[:tail], inner), "return y"]
    axis = str(axes[0]) if len(axes) == 1 else str(axes)
    label = "_".join([name, f"{ndim}d", *map(str, axes), *(["kept"] if keepdims else [])])
    label += suffix(dtype, "bool" if name in ("any", "all") else "float64")
    if least is not None:
        label += "_or_less" if name == "max" else "_or_more"
    text = f"np.{name}(a, axis={axis}{', keepdims=True' if keepdims else ''})"
    return function(label, "a", text, body)


def unbroadcast(ndim: int, result: int) -> Helper:
    """A sum over leading axes, and over those that an operand has with size 1."""
    lead = ndim - result
    i = indices(ndim)
    loops = [(i[k], f"d.shape[{k}]") for k in range(ndim)]
    body = [f"n{k} = 1 if sizes[{k}] == 1 else d.shape[{lead + k}]" for k in range(result)]
    body.append(f"y = np.zeros({tuple_text([f'n{k}' for k in range(result)])}, d.dtype)")
    own = [f"{i[lead + k]} if n{k} > 1 else 0" for k in range(result)]
    body += [*nest(loops, [f"{at('y', own)} += {at('d', i)}"]), "return y"]
    doc = "Sum d over the axes along which something of these sizes was broadcast to it."
    return function(f"unbroadcast_{ndim}d_{result}d", "d, sizes", doc, body)


def cumulative(name: str, ndim: int, axis: int, dtype: str) -> Helper:
    """np.cumsum or np.cumprod along an axis."""
    operator = {"cumsum": "+", "cumprod": "*"}[name]
    i = indices(ndim)
    before = [f"{x} - 1" if k == axis else x for k, x in enumerate(i)]
    loops = [(i[k], f"a.shape[{k}]") for k in range(ndim)]
    step = f"{at('y', i)} = {at('a', i)} if {i[axis]} == 0 else {at('y', before)} {operator} {at('a', i)}"
    body = [f"y = np.empty(a.shape, {dtype_text(dtype)})", *nest(loops, [step]), "return y"]
    return function(f"{name}_{ndim}d_{axis}{suffix(dtype)}", "a", f"np.{name}(a, axis={axis})", body)


def along(name: str, call: str, ndim: int, axis: int, dtype: str) -> Helper:
    """A function of vectors that gives a vector as long, along an axis; `call` is its text with a {} in it."""
    i = [":" if k == axis else x for k, x in enumerate(indices(ndim))]
    loops = [(x, f"a.shape[{k}]") for k, x in enumerate(i) if k != axis]
    body = [f"y = np.empty(a.shape, {dtype_text(dtype)})"]
    body += [*nest(loops, [f"{at('y', i)} = {call.format(at('a', i))}"]), "return y"]
    label = f"{name}_{ndim}d_{axis}{suffix(dtype, 'int64' if name == 'argsort' else 'float64')}"
    return function(label, "a", f"np.{name}(a, axis={axis})", body)


def triangle(name: str, ndim: int, dtype: str) -> Helper:
    """np.tril or np.triu of an array of at least two axes."""
    i = indices(ndim)
    loops = [(x, f"a.shape[{k}]") for k, x in enumerate(i)]
    kept = f"{i[-1]} - {i[-2]} {'<=' if name == 'tril' else '>='} k"
    body = [f"y = np.zeros(a.shape, {dtype_text(dtype)})"]
    body += [*nest(loops, [f"if {kept}:", f"{INDENT}{at('y', i)} = {at('a', i)}"]), "return y"]
    return function(f"{name}_{ndim}d{suffix(dtype)}", "a, k", f"np.{name}(a, k)", body)


def each(name: str, kinds: Sequence[str], ndim: int, dtype: str) -> Helper:
    """A function of numbers, element by element; an operand is a 'number', 'full' (of the result's sizes) or 'open'."""
    params = list("abcd"[: len(kinds)])
    i = indices(ndim)
    full = [p for p, kind in zip(params, kinds, strict=True) if kind == "full"]
    broadcast = [p for p, kind in zip(params, kinds, strict=True) if kind == "open"]
    whole = (
        f"{full[0]}.shape" if full else f"np.broadcast_shapes({', '.join(f'{p}.shape' for p in broadcast)})"
    )
    body = [f"y = np.empty({whole}, {dtype_text(dtype)})"]
    body += [f"{p}_all = np.broadcast_to({p}, y.shape)" for p in broadcast]
    texts = {"number": "{}", "full": at("{}", i), "open": at("{}_all", i)}
    given = ", ".join(texts[kind].format(p) for p, kind in zip(params, kinds, strict=True))
    loops = [(x, f"y.shape[{k}]") for k, x in enumerate(i)]
    body += [*nest(loops, [f"{at('y', i)} = {name}({given})"]), "return y"]
    label = "" if set(kinds) == {"full"} else "_" + "".join(kind[0] for kind in kinds)
    return function(
        f"each_{name}_{ndim}d{label}{suffix(dtype)}", ", ".join(params), f"{name}() of each element", body
    )


# -- matrices and stacks of them ----------------------------------------------------------------------


def stacked(
    name: str,
    call: str,
    ranks: Sequence[int],
    cores: Sequence[int],
    result: Sequence[str],
    same: Sequence[Sequence[str]],
    dtype: str,
) -> Helper:
    """A function of matrices on stacks of them. `ranks` are the operands', `cores` how many of the last axes each
    call takes; `result` are the sizes of what it gives; `same` says of each operand's leading axes whether it is
    'one' (of size 1), 'all' (as large as the stack) or 'open'."""
    params = ["a", "b"][: len(ranks)]
    leading = [r - c for r, c in zip(ranks, cores, strict=True)]
    depth = max(leading)
    i = indices(depth)
    sizes: list[str] = []
    for k in range(depth):
        candidates = []
        for p, n, how in zip(params, leading, same, strict=True):
            j = k - (depth - n)
            if j >= 0 and how[j] != "one":
                candidates.append((how[j], f"{p}.shape[{j}]"))
        whole = [text for how, text in candidates if how == "all"]
        if whole or not candidates:
            sizes.append(whole[0] if whole else "1")
        elif len(candidates) == 1:
            sizes.append(candidates[0][1])
        else:
            (_, x), (_, y) = candidates
            sizes.append(f"({y} if {x} == 1 else {x})")
    picked = []
    for p, n, how in zip(params, leading, same, strict=True):
        own = []
        for j in range(n):
            k = j + depth - n
            own.append({"one": "0", "all": i[k], "open": f"{i[k]} if {p}.shape[{j}] != 1 else 0"}[how[j]])
        picked.append(at(p, own))
    body = [f"y = np.empty({tuple_text([*sizes, *result])}, {dtype_text(dtype)})"]
    loops = list(zip(i, sizes, strict=True))
    each = f"{at('y', i)} = {call.format(*picked)}"
    if name == "matmul" and result:  # an assignment takes Numba seconds to compile
        each = f"np.dot({', '.join(picked)}, {at('y', i)})"
    body += [*nest(loops, [each]), "return y"]
    label = "_".join([name, *(f"{r}d" for r in ranks)])
    kinds = "".join(h[0] for how in same for h in how)
    if set(kinds) - {"a"}:
        label += f"_{kinds}"
    label += suffix(dtype)
    return function(label, ", ".join(params), f"{name} on stacks of matrices", body)


def integer_product(nx: int, ny: int, dtype: str) -> Helper:
    """a @ b of integers, for which there is no BLAS."""
    left, right = ["i", "k"][2 - nx :], ["k", "j"][:ny]
    out = left[:-1] + right[1:]
    sizes = {"i": "a.shape[0]", "k": f"a.shape[{nx - 1}]", "j": "b.shape[1]"}
    start = f"y = np.zeros({tuple_text([sizes[x] for x in out])}, {dtype_text(dtype)})" if out else "y = 0"
    loops = [(x, sizes[x]) for x in ("i", "k", "j") if x == "k" or x in out]
    body = [start, *nest(loops, [f"{at('y', out)} += {at('a', left)} * {at('b', right)}"])]
    body.append("return y" if out else f"return {dtype_text(dtype)}(y)")
    return function(f"matmul_{nx}d_{ny}d_{dtype}", "a, b", "a @ b", body)


# -- subscripts with arrays ---------------------------------------------------------------------------


class Subscript:
    """A subscript by its pattern: a letter an axis of the array ('i' for an index array, 'n' for a number, 's' for a
    whole axis; 'm1', 'm2' for a mask of as many axes); `rank` is that of all index arrays together."""

    def __init__(self, pattern: tuple[str, ...], ranks: tuple[int, ...], rank: int, alike: bool) -> None:
        self.pattern, self.rank = pattern, rank
        self.params: list[str] = []
        self.setup: list[str] = []
        own: list[str] = []  # what stands on each axis of the array
        arrays: list[tuple[str, int]] = []
        places: list[tuple[int, str, int]] = []
        free = 0
        axis = 0
        advanced: list[int] = []  # entry numbers, to see whether they are next to each other
        before = 0
        for number, letter in enumerate(pattern):
            if letter == "s":
                own.append(f"s{free}")
                free += 1
                axis += 1
                continue
            if not advanced:
                before = free
            advanced.append(number)
            name = f"{'m' if letter[0] == 'm' else 'i'}{len(self.params)}"
            self.params.append(name)
            if letter == "n":
                own.append(name)
                axis += 1
            elif letter == "i":
                own.append("")
                places.append((axis, name, ranks[len(self.params) - 1]))
                arrays.append((name, ranks[len(self.params) - 1]))
                axis += 1
            else:
                count = int(letter[1:])
                names = [f"{name}_{k}" for k in range(count)]
                self.setup.append(f"{', '.join(names)}{',' if count == 1 else ''} = np.nonzero({name})")
                for n in names:
                    own.append("")
                    places.append((axis, n, 1))
                    arrays.append((n, 1))
                    axis += 1
        masks = [letter for letter in pattern if letter[0] == "m"]
        together = len(arrays) == 1 or alike or (len(masks) == 1 and all(x[0] in "msn" for x in pattern))
        k = [f"k{j}" for j in range(rank)]
        if not together:
            for name, _ in arrays:
                others = " + ".join(f"0 * {x}" for x, _ in arrays if x != name)
                self.setup.append(f"{name}_all = {name} + {others}")
        for place, name, r in places:
            own[place] = at(name if together else f"{name}_all", k[rank - r :] if together else k)
        shown = arrays[0][0] if together else f"{arrays[0][0]}_all"
        sizes = [(k[j], f"{shown}.shape[{j}]") for j in range(rank)]
        slices = [(x, f"a.shape[{j}]") for j, x in enumerate(own) if x.startswith("s")]
        apart = advanced != list(range(advanced[0], advanced[-1] + 1))
        put = 0 if apart else before
        self.loops = [*slices[:put], *sizes, *slices[put:]]
        self.result = [x for x, _ in self.loops]
        self.shape = tuple_text([n for _, n in self.loops])
        self.element = at("a", own)
        self.label = "".join(pattern) + ("" if rank == 1 else f"_{rank}d") + ("" if alike else "_mixed")
        self.label += "".join(map(str, ranks)) if not alike else ""


def gather(s: Subscript, dtype: str) -> Helper:
    body = [*s.setup, f"y = np.empty({s.shape}, a.dtype)"]
    body += [*nest(s.loops, [f"{at('y', s.result)} = {s.element}"]), "return y"]
    return function(f"gather_{s.label}", ", ".join(["a", *s.params]), "a[index]", body)


def write(s: Subscript, how: str, form: str) -> Helper:
    """a[index] = v, or np.add.at(a, index, v); `form` is 'number', 'full' (of the sizes of a[index]) or 'open'."""
    v = {"number": "v", "full": at("v", s.result), "open": at("w", s.result)}[form]
    body = [*s.setup, *([f"w = np.broadcast_to(v, {s.shape})"] if form == "open" else [])]
    body += nest(s.loops, [f"{s.element} {'+=' if how == 'add_at' else '='} {v}"])
    label = f"{how}_{s.label}" + {"number": "_number", "full": "", "open": "_open"}[form]
    doc = "np.add.at(a, index, v)" if how == "add_at" else "a[index] = v"
    return function(label, ", ".join(["a", *s.params, "v"]), doc, body)


def take_winners(s: Subscript) -> Helper:
    doc = "a[index], with 0 where a later entry of the index writes the same element."
    chosen = [
        f"if {s.element.replace('a[', 'last[', 1)} == count:",
        f"{INDENT}{at('y', s.result)} = {s.element}",
    ]
    body = [*s.setup, f"y = np.zeros({s.shape}, a.dtype)", "last = np.full(a.shape, -1)", "count = 0"]
    body += nest(s.loops, [f"{s.element.replace('a[', 'last[', 1)} = count", "count += 1"])
    body += ["count = 0", *nest(s.loops, [*chosen, "count += 1"]), "return y"]
    return function(f"take_winners_{s.label}", ", ".join(["a", *s.params]), doc, body)
