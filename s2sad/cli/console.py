"""What commands print: coloured on a terminal, plain and unwrapped elsewhere."""

from __future__ import annotations

import os
import sys
from typing import Any

import click


def echo(text: str, language: str = "", no_color: bool = False) -> None:
    """Print text as it is; on a terminal, highlighted."""
    if no_color or not language or not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.syntax import Syntax

    console().print(Syntax(text, language, background_color="default"))


def console(no_color: bool = False) -> Any:
    """A rich console as wide as the terminal, or wide enough for anything where there is none."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "") or 120)
    return Console(no_color=no_color or None, width=width, highlight=False, file=sys.stdout)


def table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Any:
    """A table in the one style that all commands use."""
    from rich import box
    from rich.table import Table

    made = Table(
        title=title or None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False
    )
    for number, column in enumerate(columns):  # what a row is about stays in one piece
        made.add_column(
            column, justify="right" if column in right else "left", overflow="fold", no_wrap=number == 0
        )
    return made


def shown(printable: Any, no_color: bool = False) -> None:
    """Print a table or tree, without blanks at the ends of lines where that is text."""
    if sys.stdout.isatty():
        console(no_color).print(printable)
        return
    out = console(no_color)
    with out.capture() as captured:
        out.print(printable)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
