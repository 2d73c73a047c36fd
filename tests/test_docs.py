"""The README and the pages under docs/: what they show is run, and must be what s2sad prints.

A block whose first line is ```python NAME.py is a file; the `$ s2sad …` lines of ```console blocks are run
beside it, and the text below each must be its output. Lines with >>> are doctests. A `# comment` ends a command
whose output is not shown.
"""

from __future__ import annotations

import doctest
import importlib.util
import math
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import s2sad

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
FENCE = re.compile(r"^```(\S+)[ ]?([^\n]*)\n(.*?)^```$", re.M | re.S)


def blocks(page: Path, language: str) -> list[tuple[str, str]]:
    """(the rest of the fence's line, the text) of each block in a language."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [(rest.strip(), text) for kind, rest, text in found if kind == language]


def write_files(page: Path, folder: Path) -> None:
    for name, text in blocks(page, "python"):
        if name:
            (folder / name).write_text(text, encoding="utf-8")


def sessions(page: Path) -> list[tuple[str, str]]:
    """(command, output) of each command in a page's console blocks."""
    found = []
    for _, text in blocks(page, "console"):
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    """Links between pages lead to files that are there."""
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "page", [p for p in PAGES if ">>> " in p.read_text("utf-8")], ids=lambda page: page.name
)
def test_doctests(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    # fences would count as output of the example above them; blank lines in their place keep line numbers
    text = re.sub(r"^```.*$", "", page.read_text(encoding="utf-8"), flags=re.M)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    for name, _ in blocks(page, "python"):
        monkeypatch.delitem(sys.modules, Path(name).stem, raising=False)
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert result.failed == 0


@pytest.mark.parametrize("page", [p for p in PAGES if sessions(p)], ids=lambda page: page.name)
def test_sessions(page: Path, tmp_path: Path) -> None:
    """Commands print what the page says they print."""
    from click.testing import CliRunner

    from s2sad.cli import main

    write_files(page, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        for command, output in sessions(page):
            words = shlex.split(command, comments=True)
            assert words[0] == "s2sad"
            patch.chdir(ROOT if "examples/" in command else tmp_path)
            patch.setenv("COLUMNS", "120")
            out = [
                str(tmp_path / word) if before == "-o" else word
                for before, word in zip(words, words[1:], strict=False)
            ]
            done = CliRunner().invoke(main, out)
            assert done.exit_code == 0, done.output
            if "  # " not in command:
                assert done.output.rstrip() == output.rstrip()


def test_readme_first_screen(tmp_path: Path) -> None:
    """The README's function prints the gradient in its comment and the source beside it."""
    (_, program), (_, generated) = blocks(ROOT / "README.md", "python")[:2]
    file = tmp_path / "readme.py"
    file.write_text(program, encoding="utf-8")
    command = [sys.executable, str(file)]
    env = {"PYTHONPATH": str(Path(s2sad.__file__).parents[1])}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    first, _, source = done.stdout.partition("\n")
    assert f"# {first}\n" in program
    assert source.strip() == generated.strip()


def test_ci_runs_the_readmes_test_command() -> None:
    commands = [text.strip() for _, text in blocks(ROOT / "README.md", "sh")]
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def conventions() -> list[tuple[str, str, str]]:
    """(expression, point, derivative) of each row of the table in docs/conventions.md."""
    text = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(.+?)` \| `(.+?)` \| `(.+?)` \|", text, re.M)


def test_conventions_are_found() -> None:
    text = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    assert len(conventions()) == len(re.findall(r"^\| ", text, re.M)) - 2 >= 25


@pytest.mark.parametrize(("expression", "point", "derivative"), conventions())
def test_conventions(expression: str, point: str, derivative: str, tmp_path: Path) -> None:
    """The derivative of each expression at its point is the one in the table."""

    def read(text: str) -> dict[str, float]:
        return eval(f"dict({text})", {"inf": math.inf, "nan": math.nan, "math": math})

    args, want = read(point), read(derivative)
    file = tmp_path / "convention.py"
    file.write_text(
        f"import math\nimport numpy as np\n\n\ndef f({', '.join(args)}):\n    return {expression}\n",
        encoding="utf-8",
    )
    spec = importlib.util.spec_from_file_location("convention", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    got = s2sad.grad(module.f, wrt=tuple(name[1:] for name in want))(*args.values())
    assert got == pytest.approx(tuple(want.values()), rel=1e-15, nan_ok=True)


def test_imports_go_the_way_that_contributing_says():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    layers = re.search(r"`(errors ← [^`]+)`", text)[1].split(" ← ")
    for path in sorted((ROOT / "s2sad").rglob("*.py")):
        own = path.relative_to(ROOT / "s2sad").parts[0].removesuffix(".py")
        if own not in layers or path.name in ("verify.py", "interp.py"):
            continue
        for layer in re.findall(r"^from s2sad\.(\w+)", path.read_text("utf-8"), re.M):
            assert layer not in layers or layers.index(layer) <= layers.index(own), (path, layer)
