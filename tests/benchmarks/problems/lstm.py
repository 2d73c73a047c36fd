"""ADBench's long short-term memory with diagonal weights: the mean log likelihood of a sequence of characters.

Weights and biases of each layer (2 layers, 4 h), of input and output (3, h), state (2 layers, h), sequence (t, h).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.benchmarks.hand import fast, inlined, radd, uidx
from tests.benchmarks.problem import Arguments, Call, Problem, Style
from tests.benchmarks.rivals import TorchNumpy, by_autograd, by_jax, by_torch, rebound


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def in_arrays(main, extra, state, seq):
    layers, h = state.shape[0] // 2, seq.shape[1]
    state = state.copy()
    total = 0.0
    for t in range(seq.shape[0] - 1):
        x = seq[t] * extra[0]
        for l in range(layers):
            w, b = main[2 * l], main[2 * l + 1]
            hidden, cell = state[2 * l], state[2 * l + 1]
            forget = sigmoid(x * w[:h] + b[:h])
            ingate = sigmoid(hidden * w[h : 2 * h] + b[h : 2 * h])
            outgate = sigmoid(x * w[2 * h : 3 * h] + b[2 * h : 3 * h])
            change = np.tanh(hidden * w[3 * h :] + b[3 * h :])
            cell = cell * forget + ingate * change
            x = outgate * np.tanh(cell)
            state[2 * l] = x
            state[2 * l + 1] = cell
        y = x * extra[1] + extra[2]
        total += np.sum(seq[t + 1] * (y - np.log(2.0 + np.sum(np.exp(y)))))
    return -total / ((seq.shape[0] - 1) * h)


def step(main, extra, state, x):
    """One character, on a list of the layers' states; no memory is written."""
    h = x.shape[0]
    x = x * extra[0]
    new = []
    for l in range(len(state) // 2):
        w, b = main[2 * l], main[2 * l + 1]
        hidden, cell = state[2 * l], state[2 * l + 1]
        forget = sigmoid(x * w[:h] + b[:h])
        ingate = sigmoid(hidden * w[h : 2 * h] + b[h : 2 * h])
        outgate = sigmoid(x * w[2 * h : 3 * h] + b[2 * h : 3 * h])
        change = np.tanh(hidden * w[3 * h :] + b[3 * h :])
        cell = cell * forget + ingate * change
        x = outgate * np.tanh(cell)
        new += [x, cell]
    y = x * extra[1] + extra[2]
    return new, y - np.log(2.0 + np.sum(np.exp(y)))


def without_writes(main, extra, state, seq):
    rows = [state[i] for i in range(len(state))]
    total = 0.0
    for t in range(len(seq) - 1):
        rows, y = step(main, extra, rows, seq[t])
        total = total + np.sum(seq[t + 1] * y)
    return -total / ((len(seq) - 1) * seq.shape[1])


def in_loops(main, extra, state, seq):
    layers, h = main.shape[0] // 2, seq.shape[1]
    state = state.copy()
    x = np.empty(h)
    total = 0.0
    for t in range(seq.shape[0] - 1):
        for k in range(h):
            x[k] = seq[t, k] * extra[0, k]
        for l in range(layers):
            for k in range(h):
                w, b = main[2 * l], main[2 * l + 1]
                hidden = state[2 * l, k]
                forget = 1.0 / (1.0 + math.exp(-(x[k] * w[k] + b[k])))
                ingate = 1.0 / (1.0 + math.exp(-(hidden * w[h + k] + b[h + k])))
                outgate = 1.0 / (1.0 + math.exp(-(x[k] * w[2 * h + k] + b[2 * h + k])))
                change = math.tanh(hidden * w[3 * h + k] + b[3 * h + k])
                cell = state[2 * l + 1, k] * forget + ingate * change
                hidden = outgate * math.tanh(cell)
                state[2 * l, k] = hidden
                state[2 * l + 1, k] = cell
                x[k] = hidden
        s = 2.0
        for k in range(h):
            x[k] = x[k] * extra[1, k] + extra[2, k]
            s += math.exp(x[k])
        norm = math.log(s)
        for k in range(h):
            total += seq[t + 1, k] * (x[k] - norm)
    return -total / ((seq.shape[0] - 1) * h)


@inlined
def logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


@fast
def one_record(
    main: np.ndarray, extra: np.ndarray, state: np.ndarray, seq: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A record of eight numbers for each cell and time, with the results of exp and tanh kept."""
    layers, h, n = main.shape[0] // 2, seq.shape[1], seq.shape[0] - 1
    state = state.copy()
    x = np.empty(h)
    T = np.empty((n, layers, h, 8))
    tape_y, tape_e, tape_s = np.empty((n, h)), np.empty((n, h)), np.empty(n)
    for t in range(n):
        for k in range(h):
            x[k] = seq[t, k] * extra[0, k]
        for l in range(layers):
            w, b = main[2 * l], main[2 * l + 1]
            for k in range(h):
                record = T[t, l, k]
                hidden, old, v = state[2 * l, k], state[2 * l + 1, k], x[k]
                forget = logistic(v * w[k] + b[k])
                ingate = logistic(hidden * w[h + k] + b[h + k])
                outgate = logistic(v * w[2 * h + k] + b[2 * h + k])
                change = math.tanh(hidden * w[3 * h + k] + b[3 * h + k])
                cell = old * forget + ingate * change
                bent = math.tanh(cell)
                record[0], record[1], record[2], record[3] = v, hidden, old, forget
                record[4], record[5], record[6], record[7] = ingate, outgate, change, bent
                x[k] = state[2 * l, k] = outgate * bent
                state[2 * l + 1, k] = cell
        s = 2.0
        for k in range(h):
            tape_y[t, k] = x[k]
            e = math.exp(x[k] * extra[1, k] + extra[2, k])
            tape_e[t, k] = e
            s += e
        tape_s[t] = s
    dx = np.empty(h)
    dmain, dextra, dstate = np.zeros_like(main), np.zeros_like(extra), np.zeros_like(state)
    seed = -1.0 / (n * h)
    for t in range(n - 1, -1, -1):
        dnorm = 0.0
        for k in range(h):
            dnorm = radd(dnorm, seq[uidx(t + 1), uidx(k)])
        q = -dnorm * seed / tape_s[t]
        for k in range(h):
            dy = seq[uidx(t + 1), uidx(k)] * seed + tape_e[uidx(t), uidx(k)] * q
            dextra[2, uidx(k)] += dy
            dextra[1, uidx(k)] += tape_y[uidx(t), uidx(k)] * dy
            dx[uidx(k)] = extra[1, uidx(k)] * dy
        for l in range(layers - 1, -1, -1):
            w, dw, db = main[2 * l], dmain[2 * l], dmain[2 * l + 1]
            for k in range(h):
                record = T[t, l, k]
                v, hidden, old, forget = record[0], record[1], record[2], record[3]
                ingate, outgate, change, bent = record[4], record[5], record[6], record[7]
                dhidden = dx[k] + dstate[2 * l, k]
                dcell = dstate[2 * l + 1, k] + (1.0 - bent * bent) * (outgate * dhidden)
                dforget = (1.0 - forget) * forget * (old * dcell)
                dingate = (1.0 - ingate) * ingate * (change * dcell)
                doutgate = (1.0 - outgate) * outgate * (bent * dhidden)
                dchange = (1.0 - change * change) * (ingate * dcell)
                db[k] += dforget
                db[h + k] += dingate
                db[2 * h + k] += doutgate
                db[3 * h + k] += dchange
                dw[k] += v * dforget
                dw[h + k] += hidden * dingate
                dw[2 * h + k] += v * doutgate
                dw[3 * h + k] += hidden * dchange
                dx[k] = w[k] * dforget + w[2 * h + k] * doutgate
                dstate[2 * l, k] = w[h + k] * dingate + w[3 * h + k] * dchange
                dstate[2 * l + 1, k] = forget * dcell
        for k in range(h):
            dextra[0, uidx(k)] += seq[uidx(t), uidx(k)] * dx[uidx(k)]
    return dmain, dextra


def in_jax(jax: Any) -> Call:
    jnp = jax.numpy
    one = rebound(step, jnp)

    def objective(main: Any, extra: Any, state: Any, seq: Any) -> Any:
        def turn(rows: Any, inputs: Any) -> Any:
            x, y = inputs
            new, logs = one(main, extra, rows, x)
            return jnp.stack(new), jnp.sum(y * logs)

        _, sums = jax.lax.scan(turn, state, (seq[:-1], seq[1:]))
        return -jnp.sum(sums) / ((len(seq) - 1) * seq.shape[1])

    return objective


def in_torch_steps(torch: Any) -> Call:
    """Only the step compiled: the loop over time would be unrolled."""
    one = torch.compile(rebound(step, TorchNumpy(torch)))

    def objective(main: Any, extra: Any, state: Any, seq: Any) -> Any:
        rows, total = [state[i] for i in range(len(state))], 0.0
        for t in range(len(seq) - 1):
            rows, y = one(main, extra, rows, seq[t])
            total = total + torch.sum(seq[t + 1] * y)
        return -total / ((len(seq) - 1) * seq.shape[1])

    return objective


def inputs(n: int, layers: int, h: int) -> Arguments:
    rng = np.random.default_rng(0)
    seq = (rng.random((n, h)) < 0.3).astype(float)
    return (
        rng.normal(size=(2 * layers, 4 * h)), rng.normal(size=(3, h)), rng.normal(size=(2 * layers, h)), seq,
    )  # fmt: skip


PROBLEM = Problem(
    name="lstm",
    title="LSTM (ADBench), 2 layers, 1024 characters",
    inputs=inputs,
    sizes={"full": (1024, 2, 14), "quick": (64, 2, 14), "tiny": (4, 2, 3)},
    wrt=(0, 1),
    styles={"arrays": Style(in_arrays), "loops": Style(in_loops)},
    figure="arrays",
    hand={"one record": one_record},
    rivals={
        "JAX": by_jax(in_jax),
        "autograd": by_autograd(without_writes),
        "PyTorch": by_torch(without_writes, plain=True),
        "PyTorch compiled": by_torch(in_torch_steps),
    },
)
