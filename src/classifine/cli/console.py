"""Takes what the command line's verbs have to say and prints it; turns every error into one message and an exit code.

Does not know what the verbs do.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click

from classifine.errors import ClassifineError
from classifine.progress import speaks
from classifine.training.ranks import FollowerFailed

INTERRUPTED = 130
TERMINATED = 143
OUR_FAULT = 70
# Seconds within which the first of several processes has said what is wrong.
_HEARD = 2.0
# The signals that asked the present work to end.
_ends: list[int] = []
# Control characters in data could move the cursor or retitle the terminal; line ends and tabs may stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def say(stage: str, message: str, *, err: bool = False) -> None:
    """Print one line of a journey: the stage, then what became of it; on standard error where the other one is data."""
    lines = textwrap.wrap(printable(message), width=_width() - 12, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines or [""]):
        _echo(f"  {'' if number else stage:<10}{line}", err=err)


def tell(message: str = "") -> None:
    """Print a plain sentence."""
    _echo(printable(message))


def tell_coloured(parts: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Print pieces of a line, each in the style that click knows by these names; plain where there is no terminal."""
    _echo("".join(click.style(printable(text), **style) if style else printable(text) for text, style in parts))


def _echo(line: str, *, err: bool = False) -> None:
    """Print a line, once where torchrun has started several processes.

    Raises
    ------
    KeyboardInterrupt
        Somebody asked the work to end, and it went on: Python drops what is raised in a finaliser or while it imports.
    """
    if _ends:
        raise KeyboardInterrupt
    if speaks():
        click.echo(line, err=err)


def table(rows: Sequence[dict[str, str]]) -> None:
    """Print rows under their names, columns as wide as they need."""
    if not rows:
        return
    names = list(rows[0])
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in names}
    lines = [{name: name for name in names}, *rows]
    for line in lines:
        tell("  ".join(f"{line[name]:<{widths[name]}}" for name in names).rstrip())


def printable(text: str) -> str:
    """Show control characters as what they are instead of obeying them."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


def spelled(words: Sequence[str]) -> str:
    """Spell a command as this system's shell reads it."""
    import shlex
    import subprocess

    # Windows knows double quotes only
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def guarded(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code; no traceback for a user's mistake, one for ours."""
    with _ended_politely():
        code = _guarded(command, arguments)
        return TERMINATED if signal.SIGTERM in _ends and code == INTERRUPTED else code


@contextmanager
def _ended_politely() -> Iterator[None]:
    """Let a request to end (SIGTERM) stop the work as Ctrl-C does, and remember both."""

    def stop(number: int, frame: Any) -> None:
        _ends.append(number)
        raise KeyboardInterrupt

    usual: dict[int, Any] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    in_charge = threading.current_thread() is threading.main_thread()
    ours = [number for number, handler in usual.items() if in_charge and signal.getsignal(number) is handler]
    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        _ends.clear()
        for number in ours:
            signal.signal(number, usual[number])


def _guarded(command: click.Command, arguments: Sequence[str] | None) -> int:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    stdout = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        # a file name or an arrow that the terminal cannot show is no reason to stop
        stdout.reconfigure(errors="backslashreplace")
    try:
        result: Any = command.main(arguments, prog_name="classifine", standalone_mode=False)
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)
        _complain(told.getvalue().rstrip("\n"))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        words = ["classifine", *(sys.argv[1:] if arguments is None else arguments)]
        _complain(
            "\ninterrupted; nothing is half-written. Type the same command again to go on where it stopped:\n"
            f"    {spelled(words)}"
        )
        return INTERRUPTED
    except ClassifineError as error:
        _complain(f"\nerror: {error}", own=isinstance(error, FollowerFailed))
        return error.exit_code
    except SystemExit:
        # when whoever read our output has gone, click puts another stream in its place and leaves
        if sys.stdout is stdout:
            raise
        return 0
    except Exception:  # noqa: BLE001 - the last line of defence: whatever reaches it is our fault, and is shown whole
        _complain(traceback.format_exc(), own=True)
        _complain("This is a fault in classifine, not in your data. Please report it with the lines above.", own=True)
        return OUR_FAULT
    return result if isinstance(result, int) else 0


def _complain(message: str, *, own: bool = False) -> None:
    """Print to standard error: what is this process's own always, else once where there are several."""
    if own or speaks():
        click.echo(printable(message), err=True)
    else:
        # the first process says it, and needs the time: all are ended as soon as one is
        with suppress(KeyboardInterrupt):
            time.sleep(_HEARD)


def _width() -> int:
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 0  # which is also what some terminals say
    return max(40, min(columns or 100, 100))
