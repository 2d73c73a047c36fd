"""`python -m s2sad.cli` is `s2sad`."""

from s2sad.cli import main

main(prog_name="s2sad")
