"""The command line. `dump`, `graph` and `explain` parse and run none of the user's code; `check` and `bench` run it.

The exit status is 0, or 1 for a refusal, or 2 for bad usage; a user's mistake never shows a traceback of ours.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from s2sad.cli.bench import bench
from s2sad.cli.cache import cache
from s2sad.cli.check import check
from s2sad.cli.dump import dump
from s2sad.cli.explain import explain
from s2sad.cli.graph import graph
from s2sad.cli.support import support
from s2sad.errors import S2sadError
from s2sad.frontend.constants import NoSuchFunction


class Commands(click.Group):
    """The commands, with errors as compilers show them."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except NoSuchFunction as error:
            raise SystemExit(_report(str(error), 2)) from None
        except S2sadError as error:
            raise SystemExit(_report(str(error), 1)) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, OSError):
            raise
        except Exception as error:
            if os.environ.get("S2SAD_DEBUG"):
                raise
            text = f"s2sad itself failed ({type(error).__name__}: {error})\n  help: this is a bug of s2sad; S2SAD_DEBUG=1 shows where"
            raise SystemExit(_report(text, 1)) from None


def _report(text: str, status: int) -> int:
    click.echo(f"error: {text}", err=True)
    return status


@click.group(cls=Commands)
@click.version_option(package_name="s2sad")
def main() -> None:
    """s2sad: source-to-source automatic differentiation of Python functions.

    A function is named as FILE.py:FUNCTION, FILE.py:Class.method or package.module:FUNCTION.
    """


for _command in (dump, graph, explain, check, bench, support, cache):
    main.add_command(_command)
