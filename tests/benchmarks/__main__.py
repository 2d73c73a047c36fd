"""The table and the plot of all benchmarks: `python -m tests.benchmarks [--only NAME …] [--quick] [--plot FILE]`.

Each problem runs in a process of its own; results are written as JSON and as markdown beside (`--out`), also when the
command is stopped half-way.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks import report
from tests.benchmarks.kernels import KERNELS
from tests.benchmarks.problems import NAMES
from tests.benchmarks.quiet import ENVIRONMENT

HERE = Path(__file__).parent
Results = dict[str, Any]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", default=[],
        help='problems, kernels, "problems" or "kernels" (default: all)',
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--skip", nargs="+", metavar="CONTESTANT", default=[], help="e.g. PyTorch JAX")
    parser.add_argument("--plot", metavar="FILE", help="write a plot of the ratios (matplotlib)")
    parser.add_argument("--out", metavar="DIRECTORY", default=str(HERE / "results"), help="where results go")
    parser.add_argument("--merge", action="store_true", help="keep earlier results of other names")
    return parser.parse_args()


def chosen(only: list[str]) -> list[str]:
    groups = {"problems": list(NAMES), "kernels": list(KERNELS)}
    known = [*NAMES, *KERNELS]
    names = [n for given in only for n in groups.get(given, [given])] if only else known
    unknown = [n for n in names if n not in known]
    if unknown:
        raise SystemExit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def one(name: str, size: str, skipped: list[str]) -> Results:
    """Measure one, in a process of its own."""
    print(f"{name} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
    load, begin = os.getloadavg()[0], time.time()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rows.json"
        command = [sys.executable, "-m", "tests.benchmarks.measure", name, size, str(path), *skipped]
        failed = subprocess.run(command, check=False, env=os.environ | ENVIRONMENT).returncode
        rows = json.loads(path.read_text()) if path.exists() else []
    loads = [load, os.getloadavg()[0]]
    return {"rows": rows, "load": loads, "took": time.time() - begin, "failed": failed}


def main() -> None:
    given = arguments()
    out, size = Path(given.out), "quick" if given.quick else "full"
    out.mkdir(parents=True, exist_ok=True)
    path = out / "results.json"
    results: Results = json.loads(path.read_text()) if given.merge and path.exists() else {}
    for name in chosen(given.only):
        results[name] = one(name, size, given.skip) | {"size": size, "machine": platform.machine()}
        path.write_text(json.dumps(results, indent=1))
        (out / "results.md").write_text(report.markdown(results))
    print(report.markdown(results))
    if given.plot:
        report.plot(results, given.plot)


if __name__ == "__main__":
    main()
