"""Programs that raise at -0.7 and do not at 0.7; outside a test file, whose asserts pytest would rewrite."""
# ruff: noqa

import enum
import math

from dataclasses import dataclass

import numpy as np


class Base(ArithmeticError):
    pass


class errors:
    class Deep(Base):
        pass

    class sub:
        class Other(KeyError):
            pass


class MyErr(ValueError):
    pass


class Coded(Exception):
    def __init__(self, code, detail="none"):
        super().__init__(code, detail)
        self.code = code

    def __str__(self):
        return f"[{self.code}] {self.detail if hasattr(self, 'detail') else 'd'}"


class Holder:
    Error = MyErr


@dataclass
class Data:
    k: float
    Error = Coded

    def check(self, x):
        if x < 0:
            raise self.Error(self.k, detail=x)
        return x * self.k


def own_class(x):
    if x < 0:
        raise MyErr("neg")
    return x * x


def of_numpy(x):
    if x < 0:
        raise np.linalg.LinAlgError("singular")
    return x * x


def percent(x):
    if x < 0:
        raise ValueError("x is %s, %.3f %d" % (x, x, 3))
    return x * x


def f_string(x):
    if x < 0:
        raise MyErr(f"{x:.3f} and {x!r} {x:>10.2e}|{x=}")
    return x * x


def by_attribute_and_format(x):
    if x < 0:
        raise errors.Deep("{:.2f} {k}".format(x, k=x * 2))
    return x * x


def of_a_class(x):
    if x < 0:
        raise Holder.Error(x, 3, "a")
    return x * x


def keyword_and_own_text(x):
    if x < 0:
        raise Coded(7, detail=str(x))
    return x * x


def in_a_method(x):
    return Data(2.0).check(x)


def asserted(x):
    assert x > 0, f"got {x:.2f}"
    return x * x


def from_another(x):
    if x < 0:
        try_ = ValueError("inner")
        raise MyErr("outer") from try_
    return x * x


def class_from_none(x):
    if x < 0:
        raise MyErr from None
    return x * x


def made_before(x):
    msg = "bad " + str(x) + " " + repr(x)
    y = x * 2
    x = y
    if y < 0:
        raise MyErr(msg)
    return x * y


def in_a_loop(x):
    for i in range(3):
        if x < -0.5 + 0.1 * i:
            raise MyErr("step %d: %g" % (i, x * i))
    return x * x


def of_an_array(x):
    a = np.array([x, 2.0])
    if a[0] < 0:
        raise MyErr(f"array {a} {a[0]} {a[0]!r} {a.shape}")
    return a[0] * x


def computed_specification(x):
    n = 3
    if x < 0:
        raise MyErr(f"{x:.{n}f} {x:{n + 7}.2f}")
    return x * x


def joined(x):
    if x < 0:
        raise MyErr(", ".join([str(x), "b", f"{x:.1f}"]).upper())
    return x * x


def key_error(x):
    if x < 0:
        raise KeyError(x)
    return x * x


def made_by_a_function(x):
    def err(v):
        return MyErr(f"made {v}")

    if x < 0:
        raise err(x)
    return x * x


def structures(x):
    if x < 0:
        raise MyErr((x, 2), [x])
    return x * x


def builtin_format(x):
    if x < 0:
        raise StopIteration(format(x, ".3f"))
    return x * x


def percent_of_a_dict(x):
    class_name = "k"
    if x < 0:
        raise MyErr("%(a)s" % {"a": x})
    return x * x


def system_exit(x):
    if x < 0:
        raise SystemExit("done %s" % x)
    return x * x


def percent_sign(x):
    MyErr_ = x * 2
    if x < 0:
        raise MyErr("%5.2f%%" % MyErr_)
    return x * MyErr_


def no_message(x):
    if x < 0:
        raise NotImplementedError
    return x


def nested_class(x):
    class_ = errors.sub.Other
    if x < 0:
        raise class_("a" * 3, x > 0)
    return x


def bare_assert(x):
    assert x > 0
    return x * x


def chosen(x):
    if x < 0:
        raise ValueError("a") if x < -1 else TypeError("b")
    return x * x


def quotes(x):
    inner = f"it's {x:.2f}"
    if x < 0:
        raise MyErr(f'outer "{inner}" {x}')
    return x * x


def texts_in_texts(x):
    if x < 0:
        raise MyErr(f"a {'%.2f' % x} b {'q'}" + f"{x!r:>8}")
    return x * x


def braces(x):
    if x < 0:
        raise MyErr(f"{{}} {x:{'>'}9} \\n '\"")
    return x * x


def text_used_twice(x):
    t = f"{x}"
    u = f"{t} {t}"
    if x < 0:
        raise MyErr(u, t)
    return x * x


def text_of_a_list(x):
    a = [x, 2.0]
    m = f"{a}"
    a[0] = 5.0
    if x < 0:
        raise MyErr(m)
    return a[0] * x


def of_integers(x):
    n = int(x * 10)
    if x < 0:
        raise MyErr(f"{n:d} {n:5d} {n!r} {x < 0} {n * x}")
    return x * x


class Quit(BaseException):
    pass


class Level(enum.Enum):
    LOW = 1


def chain_of_causes(x):
    if x < 0:
        raise Coded(f"{x:.2f}", detail=x) from MyErr("%g" % x, [x, 2])
    return x * x


def cause_in_a_loop(x):
    for i in range(3):
        if x + i < 0:
            raise errors.sub.Other(i) from (ValueError(i) if x > -0.2 else KeyError(x))
    return x * x


def classes_and_none(x):
    error, made = x * 2, x
    if error < 0:
        raise Coded(error) from None
    return made * x


def chosen_of_three(x):
    if x < 0:
        raise (MyErr("a", x) if x < -1 else Coded("b", x) if x < -0.6 else ValueError())
    return x * x


def text_of_a_branch(x):
    if x < -1:
        text = "far"
    elif x < -0.1:
        text = "near"
    else:
        text = "right"
    if x < 0:
        raise MyErr(f"{text:>8} {x:.1f}", text)
    return x * x


def not_an_exception(x):
    if x < 0:
        raise Quit("q", 3)
    return x * x


def exit_status(x):
    if x < 0:
        raise SystemExit(-3)
    return x * x


def of_a_group(x):
    if x < 0:
        raise ExceptionGroup("g", [ValueError(1), MyErr(x)])
    return x * x


def types_and_members(x):
    a = np.array([x, 1.0])
    if x < 0:
        raise MyErr(f"{a.dtype} {a.dtype!r:>20} {Level.LOW} {Level.LOW.name} {float}", a.ndim)
    return a[0] * x


def made_by_branches_of_a_function(x):
    def err(v):
        if v < -1:
            return MyErr("big", v)
        return ValueError(f"small {v:.2f}")

    if x < 0:
        raise err(x)
    return x * x


def statement_chooses(x):
    if x < -1:
        error = MyErr("a", x)
    else:
        error = KeyError("b")
    y = x * x
    if x < 0:
        raise error
    return y


PROGRAMS = [
    own_class,
    of_numpy,
    percent,
    f_string,
    by_attribute_and_format,
    of_a_class,
    keyword_and_own_text,
    in_a_method,
    asserted,
    from_another,
    class_from_none,
    made_before,
    in_a_loop,
    of_an_array,
    computed_specification,
    joined,
    key_error,
    made_by_a_function,
    structures,
    builtin_format,
    percent_of_a_dict,
    system_exit,
    percent_sign,
    no_message,
    nested_class,
    bare_assert,
    chosen,
    quotes,
    texts_in_texts,
    braces,
    text_used_twice,
    text_of_a_list,
    of_integers,
    chain_of_causes,
    cause_in_a_loop,
    classes_and_none,
    chosen_of_three,
    text_of_a_branch,
    not_an_exception,
    exit_status,
    of_a_group,
    types_and_members,
    made_by_branches_of_a_function,
    statement_chooses,
]
