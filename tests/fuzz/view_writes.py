"""Statements that write arrays: elements, parts, rows into vectors, what overlaps what is read, by functions of NumPy."""

from __future__ import annotations

from typing import Any

from tests.fuzz.view_scope import Known, ViewScope


class ViewWrites(ViewScope):
    """Writes."""

    # -- writes -------------------------------------------------------------------------------------------

    def writable(self, names: Any, known: Known) -> list[str]:
        return [n for n in names if n not in known.read_only]

    def write(self, known: Known) -> list[str]:
        vectors, matrices = self.writable(known.vectors, known), self.writable(known.matrices, known)
        if matrices and self.chance(0.3):
            return self.write_matrix(known, self.pick(matrices))
        name = self.pick(vectors)
        least, size = known.vectors[name]
        at = self.at(known, least)
        forms = [f"{name}[{at}] = {self.value(known)}", f"{name}[{at}] += {self.value(known)}", f"{name} *= {self.number()}",
                 f"{name}[{at}] = {self.value(known)}", f"{name}[:2] = {self.number()}"]  # fmt: skip
        same = [v for v, (_, n) in known.vectors.items() if n == size and n is not None and v != name]
        wide = [m for m, (_, n) in known.matrices.items() if n == size]
        if same:
            other = self.pick(same)
            forms += [f"{name}[:] = 0.6 * {other}", f"{name} += 0.3 * {other}", f"{name}[:] = np.sin({other})[None, :]",
                      f"{name}[:] = {other}", f"{name}[:] = {other}[None] * 0.5"]  # fmt: skip
            self.used["row-into-vector"] += 1
        if wide:
            m = self.pick(wide)
            k = self.rng.randrange(known.matrices[m][0])
            forms += [f"{name}[:] = {m}[{k}:{k + 1}]", f"{name}[:] = 0.5 * {m}[{k}:{k + 1}] + {name}"]
            self.used["row-into-vector"] += 1
        if least >= 3:
            forms.append(f"{name}[1:] = 0.5 * {name}[:-1]")
        if self.chance(0.25):
            return self.by_function(known, name)
        if size is not None and self.chance(0.015):
            return self.other_steps(f"{name}[::2]", f"{name}.reshape(-1)[:{(size + 1) // 2}]")
        if self.chance(0.2):  # what is written overlaps what is read
            self.used["overlap"] += 1
            return [
                self.pick(
                    [
                        f"{name}[1:] = {name}.reshape(-1)[:-1]",
                        f"{name}[:-1] = {name}[1:]",
                        f"{name}[:] = np.ravel({name})[::-1]",
                    ]
                )
            ]
        return [self.pick(forms)]

    def write_matrix(self, known: Known, name: str) -> list[str]:
        rows, columns = known.matrices[name]
        r, c = self.row(known, rows), self.row(known, columns)
        forms = [f"{name}[{r}, {c}] = {self.value(known)}", f"{name} *= {self.number()}", f"{name}[{r}] *= {self.number()}",
                 f"{name}[{r}] = 0.5 * {name}[1:2]", f"{name}[:, {c}] += {self.value(known)}"]  # fmt: skip
        rows_ = [v for v, (_, n) in known.vectors.items() if n == columns]
        if rows_:
            v = self.pick(rows_)
            forms += [
                f"{name}[{r}] = 0.7 * {v}",
                f"{name}[{r}] += {v}",
                f"{name}[:] = 0.5 * {v}",
                f"{name}[{r}] = np.cos({v})[None, :]",
            ]
        self.used["row-into-vector"] += "1:2" in forms[3]
        if self.chance(0.03):
            k = self.rng.randrange(columns)
            return self.other_steps(f"{name}[:, {c}]", f"{name}.reshape(-1)[{k}:{k + rows}]")
        if self.chance(0.2):
            self.used["overlap"] += 1
            return [self.pick([f"{name}[1:] = {name}[:-1]", f"{name}[:] = {name}[::-1]",
                               f"{name}[:2, :2] = {name}[:2, :2].T"])]  # fmt: skip
        return [self.pick(forms)]

    def other_steps(self, target: str, value: str) -> list[str]:
        """An assignment whose value NumPy reads where it has just written: it is refused."""
        self.used["overlap-steps"] += 1
        return [f"{target} = {value}"]

    def by_function(self, known: Known, name: str) -> list[str]:
        """A vector written by a function of NumPy, through a mask or through an array of subscripts."""
        self.used["written-by-function"] += 1
        size = known.vectors[name][1]
        forms = [f"np.multiply({name}, {self.number()}, out={name})", f"{name}.fill({self.value(known)})", f"np.add.at({name}, [0, 1, 0], {self.value(known)})",
                 f"{name}[{name} > {self.bound()}] *= 0.5", f"{name}[{name} < {self.bound()}] = {self.value(known)}", f"{name}[[0, -1]] = {name}[[-1, 0]]",
                 f"{name}[[0, 1]] += {self.value(known)}", f"{name}[...] = 0.9 * {name}", f"np.sin({name}, out={name})",
                 f"np.maximum({name}, {self.bound()}, out={name})", f"{name}[:] = np.cumsum({name}) * 0.3", f"np.copyto({name}, 0.5 * {name}[::-1])"]  # fmt: skip
        same = [v for v, (_, n) in known.vectors.items() if n == size and n is not None and v != name]
        if same:
            other = self.pick(same)
            forms += [f"np.cos({other}, out={name})", f"np.copyto({name}, {other})", f"np.subtract({name}, {other}, out={name})",
                      f"{name}[{other} > {self.bound()}] = {self.value(known)}", f"{name}[:] = np.where({other} > {self.bound()}, {other}, {name})"]  # fmt: skip
        return [self.pick(forms)]
