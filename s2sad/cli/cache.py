"""`s2sad cache`: the machine code of compiled derivatives that is kept on disk, listed, measured, deleted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from s2sad import disk_cache
from s2sad.cli.console import shown, table


@click.command()
@click.argument("action", type=click.Choice(["list", "size", "clear"]), default="list")
@click.option("--no-color", is_flag=True, help="plain text on a terminal too")
def cache(action: str, no_color: bool) -> None:
    """List the machine code that compiled derivatives have left on disk, say its size, or clear it.

    What grad(f, jit=True) compiles is kept in a directory of your own, and loaded instead of compiled by every
    later process that differentiates the same program. grad(f, jit=True, cache=False) keeps nothing;
    S2SAD_CACHE=0 in the environment turns the cache off, S2SAD_CACHE=DIRECTORY says where it is.
    """
    path = disk_cache.directory()
    if path is None:
        click.echo("the cache is off (S2SAD_CACHE)")
        return
    if why := disk_cache.trouble(path):
        click.echo(f"{path} is not used: {why}")
    if action == "clear":
        count = disk_cache.clear(path)
        click.echo(f"{path}: {files(count)} deleted")
        return
    sizes = [status.st_size for _, status in disk_cache.entries(path)]
    if action == "list" and sizes:
        listed(path, no_color)
    click.echo(f"{path}: {files(len(sizes))}, {size(sum(sizes))}")


def listed(path: Path, no_color: bool) -> None:
    """A table of the files, the latest used first."""
    made = table("", "derivative", "size", "last used", right=("size",))
    for file, status in sorted(disk_cache.entries(path), key=lambda e: -e[1].st_mtime):
        name = file.name.removesuffix(disk_cache.SUFFIX).rpartition("-")[0]
        used = datetime.fromtimestamp(status.st_mtime).strftime("%Y-%m-%d %H:%M")
        made.add_row(name, size(status.st_size), used)
    shown(made, no_color)


def files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
