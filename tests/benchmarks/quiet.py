"""The surroundings of a measurement: one thread for BLAS, XLA and torch, and freed memory is kept by the process.

glibc gives memory back where more than twice the largest array is free; to fetch it again takes longer than what is
measured, and whose turn that happens in would be chance.
"""

from __future__ import annotations

import ctypes
import sys

ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "S2SAD_CACHE": "0",  # so that first calls compile
}


def keep_memory() -> None:
    """Freed memory stays with the process (glibc)."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-1, 1 << 28)  # M_TRIM_THRESHOLD
        libc.mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD
