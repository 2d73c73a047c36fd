"""Imported before NumPy is: one thread for BLAS, XLA and torch, and freed memory is kept by the process.

glibc gives memory back where more than twice the largest array is free; to fetch it again takes longer than what is
measured, and whose turn that happens in would be chance.
"""

from __future__ import annotations

import ctypes
import os
import sys

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("S2SAD_CACHE", "0")  # so that first calls compile
if sys.platform == "linux" and hasattr(_libc := ctypes.CDLL(None), "mallopt"):
    _libc.mallopt(-1, 1 << 28)  # M_TRIM_THRESHOLD
    _libc.mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD
