"""The disk cache of machine code: found again by other processes, for the same program only, private and whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from s2sad import disk_cache, grad, jvp, machine_code, progress, vjp
from s2sad.cli import main

pytestmark = pytest.mark.jit

PROGRAM = """
import math
import numpy as np
from s2sad import grad

SCALE = 3.0

def f(x, n):
    s = 0.0
    for i in range(n):
        s += math.sin(x[i]) * SCALE
    return s

g = grad(f, jit=True)
x = np.linspace(0.0, 1.0, 5)
assert np.allclose(g(x, 3), [*(SCALE * np.cos(x[:3])), 0.0, 0.0])
code = g.lower(x, 3).compile()
print(sum(code._cache_hits.values()) if hasattr(code, "_cache_hits") else 0)
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    path = tmp_path / "cache"
    monkeypatch.setenv("S2SAD_CACHE", str(path))
    return path


def process(tmp_path, cache, text=PROGRAM):
    """Run the program in a process of its own; whether its machine code came from the cache."""
    file = tmp_path / "program.py"
    file.write_text(text)
    known = {
        **os.environ,
        "S2SAD_CACHE": str(cache),
        "NUMBA_OPT": "0",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, env=known, timeout=300)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) > 0


def files(cache):
    return sorted(p.name for p in cache.glob("*")) if cache.exists() else []


def test_the_second_process_compiles_nothing(tmp_path, cache):
    """What is captured is no part of the machine code; the program's text is."""
    assert not process(tmp_path, cache)
    before = files(cache)
    assert len(before) == 1 and before[0].startswith("f_grad-")
    assert process(tmp_path, cache, PROGRAM.replace("SCALE = 3.0", "SCALE = 5.0"))
    assert files(cache) == before
    assert not process(tmp_path, cache, PROGRAM.replace("math.sin", "np.sin"))
    assert len(files(cache)) == 2
    if os.name == "posix":
        assert cache.stat().st_mode & 0o777 == 0o700
        assert all(p.stat().st_mode & 0o077 == 0 for p in cache.iterdir())


def squared(x):
    return np.sum(x * x)


def cubed(x):
    return np.sum(x * x * x)


def made(fn=squared, x=None, **options):
    """A new derivative, called; whether its machine code came from the disk."""
    g = grad(fn, jit=True, **options)
    x = np.arange(3.0) if x is None else x
    np.testing.assert_allclose(g(x), grad(fn)(x), rtol=1e-6)
    return bool(g.lower(x).compile()._cache_hits)


def test_other_programs_options_types_and_versions_are_other_files(cache, monkeypatch):
    import numba

    changes = [
        {}, {"fn": cubed}, {"fastmath": True}, {"x": np.arange(6.0)[::2]}, {"x": np.arange(3.0, dtype=np.float32)},
        {"debug": True},
    ]  # fmt: skip
    for change in changes:
        assert not made(**change), change
        assert made(**change), change
    for name, value in (("LOOP_VECTORIZE", 0), ("BOUNDSCHECK", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(numba.config, name, value)
            assert not made()
    monkeypatch.setattr(machine_code, "version_of", lambda package: "another")
    assert not made() and made()
    assert len(files(cache)) == len(changes) + 3


def test_it_can_be_turned_off(cache, monkeypatch):
    assert not made(cache=False) and not made(cache=False)
    monkeypatch.setenv("S2SAD_CACHE", "off")
    assert not made() and not made()
    assert files(cache) == []


def test_in_one_process_and_after_the_first_is_gone(cache):
    import gc

    x = np.arange(3.0)
    first = grad(squared, jit=True)
    first(x)
    second = grad(squared, jit=True)
    second(x)
    del first
    gc.collect()
    assert second(x).tolist() == [0.0, 2.0, 4.0] and made()
    frozen = x.copy()
    frozen.flags.writeable = False
    assert second(frozen).tolist() == [0.0, 2.0, 4.0]
    assert len(files(cache)) == 2 and not made(cache=False)


def test_damaged_files_are_made_again(cache):
    assert not made()
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:100], whole[:-1], whole[:200] + b"x" + whole[201:], b"junk" * 1000):
        file.write_bytes(damaged)
        assert not made()
        assert file.read_bytes()[:50] == whole[:50] or len(file.read_bytes()) > 1000
        assert made()


@pytest.mark.skipif(os.name != "posix", reason="owners and modes are those of POSIX")
def test_what_another_user_could_have_written_is_not_read(cache, monkeypatch):
    assert not made()
    (file,) = cache.iterdir()
    name = file.name.removesuffix(disk_cache.SUFFIX)
    assert disk_cache.read(name)
    for mode in (0o777, 0o770, 0o750, 0o755):
        cache.chmod(mode)
        assert disk_cache.read(name) is None and disk_cache.trouble(cache)
    cache.chmod(0o700)
    for mode in (0o622, 0o660):
        file.chmod(mode)
        assert disk_cache.read(name) is None
    file.chmod(0o600)
    assert disk_cache.read(name)
    elsewhere = cache.parent / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert disk_cache.read(name) is None
    file.unlink()
    elsewhere.rename(file)
    assert disk_cache.read(name)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert disk_cache.read(name) is None and "another user" in disk_cache.trouble(cache)
    assert not made()


def test_a_place_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    for place in (blocked, blocked / "below"):
        monkeypatch.setenv("S2SAD_CACHE", str(place))
        assert not made()


@pytest.mark.parametrize("place", ["/" + "a" * 300, "~no-such-user/cache", "relative"])
def test_a_place_that_cannot_be_is_no_error(place, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("S2SAD_CACHE", place)
    disk_cache.write("a", b"x")
    assert disk_cache.read("a") is None
    assert not any(
        CliRunner().invoke(main, ["cache", action]).exception for action in ("list", "size", "clear")
    )


def test_of_a_user_without_a_home_nothing_is_kept(tmp_path, monkeypatch):
    """Python leaves ~ as it is: it would be a directory of that name."""
    for name in ("S2SAD_CACHE", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    disk_cache.write("a", b"x")
    assert disk_cache.read("a") is None and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_several_processes_at_once(tmp_path, cache):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    known = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "NUMBA_OPT": "0"}
    running = [
        subprocess.Popen([sys.executable, str(file)], env=known, stdout=subprocess.PIPE) for _ in range(3)
    ]
    assert all(p.wait(300) == 0 for p in running)
    assert len(files(cache)) == 1 and process(tmp_path, cache)


def test_what_was_not_used_longest_makes_room(cache, monkeypatch):
    monkeypatch.setattr(disk_cache, "MOST_BYTES", 2500)
    for number, name in enumerate("abc"):
        disk_cache.write(name, b"x" * 1000)
        if name != "c":
            os.utime(cache / (name + disk_cache.SUFFIX), (number, number))
    assert disk_cache.read("a") is None and disk_cache.read("b") and disk_cache.read("c")


@pytest.mark.slow
def test_pullbacks_and_forward_mode(cache):
    x = np.arange(3.0)
    for _ in range(2):
        value, pull = vjp(squared, x, jit=True)
        assert (value, pull(1.0)[0].tolist()) == (5.0, [0.0, 2.0, 4.0])
        assert jvp(squared, (x,), (np.ones(3),), jit=True) == (5.0, 6.0)
    assert [n.partition("-")[0] for n in files(cache)] == ["squared_fwd", "squared_jvp", "squared_rev"]


def test_the_command_lists_measures_and_clears(cache):
    def said(*words):
        result = CliRunner().invoke(main, ["cache", *words])
        assert result.exit_code == 0, result.output
        return result.output

    assert "0 files, 0 bytes" in said()
    made()
    assert (
        "squared_grad" in said()
        and "1 file," in said("size")
        and str(cache) in said("size").replace("\n", "")
    )
    (cache / ".left.partial").write_bytes(b"")
    assert "2 files deleted" in said("clear") and files(cache) == []
    assert "0 files" in said("list")


def test_the_command_says_why_the_cache_is_not_used(cache, monkeypatch):
    if os.name == "posix":
        cache.mkdir(0o755)
        cache.chmod(0o755)
        assert "is not used: it is open to other users" in CliRunner().invoke(main, ["cache"]).output
    monkeypatch.setenv("S2SAD_CACHE", "0")
    assert "off" in CliRunner().invoke(main, ["cache"]).output


def test_where_it_is(monkeypatch):
    monkeypatch.delenv("S2SAD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/of/mine")
    default = disk_cache.directory()
    assert default.name == "s2sad" and (sys.platform != "linux" or str(default) == "/somewhere/of/mine/s2sad")
    for word in ("1", "on", ""):
        monkeypatch.setenv("S2SAD_CACHE", word)
        assert disk_cache.directory() == default
    for word in ("0", "off", "no", "FALSE"):
        monkeypatch.setenv("S2SAD_CACHE", word)
        assert disk_cache.directory() is None


class Terminal:
    def __init__(self, tty=True):
        self.text, self.tty = "", tty

    def isatty(self):
        return self.tty

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.mark.parametrize("tty", [True, False])
def test_one_line_says_what_takes_long(tty, monkeypatch):
    import time

    shown = Terminal(tty)
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    monkeypatch.setattr(sys, "stderr", shown)
    with progress.announced("f"):
        with progress.announced("inner"):
            time.sleep(0.5)
    if not tty:
        assert shown.text == ""
        return
    assert shown.text.count("\n") == 1 and "inner" not in shown.text
    last = shown.text.rstrip("\n").rpartition("\r")[2]
    assert last.startswith("s2sad: Numba is compiling the derivative of f(): 0.") and last.endswith(" s")
    shown.text = ""
    with progress.announced("quick"):
        pass
    assert shown.text == ""
