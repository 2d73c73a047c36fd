"""Run what docs/how-it-works.md and docs/arrays.md show and write the outputs into the pages, and the tables of
docs/rules.md: `python docs/refresh.py`.

`tests/test_docs.py` fails when the page and s2sad disagree; read the diff that this makes before committing it.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from s2sad.cli import main
from s2sad.cli.catalogue import page_tables

PAGES = ("how-it-works.md", "arrays.md")
RULES = Path(__file__).parent / "rules.md"
BEGIN = "<!-- From here on by docs/refresh.py, from the rule table. -->\n"


def console(text: str) -> str:
    """`$ s2sad …` lines, each with its output below."""
    out = ""
    for line in text.splitlines():
        if line.startswith("$ "):
            done = CliRunner().invoke(main, shlex.split(line)[2:])
            if done.exit_code != 0:
                raise SystemExit(f"{line}\n{done.output}")
            out += f"{line}\n{done.output.rstrip()}\n"
    return out


def pycon(text: str, space: dict[str, Any]) -> str:
    """>>> lines, each with its output below."""
    out = ""
    for example in doctest.DocTestParser().get_examples(text):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example.source, "<docs>", "single"), space)
        out += ">>> " + example.source.rstrip().replace("\n", "\n... ") + "\n"
        out += (
            re.sub(r"^$", "<BLANKLINE>", printed.getvalue().rstrip("\n"), flags=re.M)
            if printed.getvalue()
            else ""
        )
        out += "\n" if printed.getvalue() else ""
    return out


def replaced(page: str, language: str, run: Callable[[str], str]) -> str:
    """The page with each block in a language replaced by what `run` makes of it."""
    return re.sub(
        rf"^```{language}\n(.*?)^```$",
        lambda m: f"```{language}\n{run(m[1])}```",
        page,
        flags=re.M | re.S,
    )


def rules_page(page: str) -> str:
    """docs/rules.md with its tables as the rule table has them: what `s2sad support` prints."""
    return f"{page.partition(BEGIN)[0]}{BEGIN}\n{page_tables()}"


def refresh(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in re.findall(r"^```python (\S+)\n(.*?)^```$", page, re.M | re.S):
            (Path(folder) / name).write_text(text, encoding="utf-8")
        sys.path.insert(0, folder)
        with contextlib.chdir(folder):
            os.environ["COLUMNS"] = "120"
            space: dict[str, Any] = {}
            page = replaced(page, "console", console)
            page = replaced(page, "pycon", lambda text: pycon(text, space))
    path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    for name in PAGES:
        refresh(Path(__file__).with_name(name))
    RULES.write_text(rules_page(RULES.read_text(encoding="utf-8")), encoding="utf-8")
