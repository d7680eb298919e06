"""The last line of defence: every end of a command is one message and the exit code that was promised."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click
import pytest

from classifine import errors
from classifine.cli import console
from classifine.cli.console import guarded
from classifine.cli.main import classifine
from classifine.training.ranks import FollowerFailed

NASTY = "a\x1b]0;owned\x07\x00\x9b2J\r\n\tb"
SHOWN = "a\\x1b]0;owned\\x07\\x00\\x9b2J\\x0d\n\tb"


def command(body: Callable[[], Any]) -> click.Command:
    return click.command()(lambda: body())


def raising(error: BaseException) -> click.Command:
    def body() -> None:
        raise error

    return command(body)


def python(code: str, *, stdout: int = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", code],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


# ---------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.FileMissing, 2),
        (errors.ColumnProblem, 2),
        (errors.SettingsProblem, 2),
        (errors.ModelUnavailable, 2),
        (errors.PackageMissing, 2),
        (errors.DataError, 1),
        (errors.FileUnreadable, 1),
        (errors.RowsProblem, 1),
        (errors.LabelsProblem, 1),
        (errors.TrainingFailed, 1),
        (errors.RunRefused, 73),
        (errors.DiscError, 74),
    ],
)
def test_a_users_mistake_is_one_message_without_a_traceback(
    kind: type[errors.ClassifineError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(kind("it is wrong", where="a.csv", cure="mend it")), []) == code
    told = capsys.readouterr()
    assert told.err == "\nerror: it is wrong\n  where:    a.csv\n  cure:     mend it\n"
    assert told.out == ""


def test_our_own_fault_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(ZeroDivisionError("we cannot divide")), []) == 70
    told = capsys.readouterr().err
    assert told.startswith("Traceback (most recent call last)")
    assert "ZeroDivisionError: we cannot divide" in told
    assert told.rstrip().endswith("Please report it with the lines above.")


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), click.Abort(), EOFError()])
def test_an_interruption_says_how_to_go_on(stop: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(stop), []) == 130
    told = capsys.readouterr().err
    assert "Type the same command again to go on where it stopped" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(("result", "code"), [(None, 0), ("done", 0), (0, 0)])
def test_a_command_that_ends_well_gives_0(result: Any, code: int) -> None:
    assert guarded(command(lambda: result), []) == code


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "Usage: classifine"),
        (["--help"], 0, ""),
        (["--version"], 0, ""),
        (["traim"], 2, "No such command 'traim'"),
        (["run", "--no-such-option"], 2, "No such option"),
        (["evaluate"], 2, "say what to score"),
        (["report"], 2, "Missing argument 'RUN'"),
        (["run", "a.csv", "--seed", "x"], 2, "'x' is not a valid integer"),
    ],
)
def test_wrong_words_are_wrong_use(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(classifine, arguments) == code
    told = capsys.readouterr()
    assert says in told.err
    assert "Traceback" not in told.err
    assert bool(told.out) == (code == 0)


def test_telemetry_is_off_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_DISABLE_TELEMETRY")
    seen: list[str | None] = []
    guarded(command(lambda: seen.append(os.environ.get("HF_HUB_DISABLE_TELEMETRY"))), [])
    assert seen == ["1"]


# ---------------------------------------------------------------- what reaches the terminal


def test_control_characters_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    console.tell(NASTY)
    assert capsys.readouterr().out == SHOWN + "\n"
    console.say("read", NASTY)
    assert not set(capsys.readouterr().out) & set(NASTY) - set("a]0;owned2Jb\n")
    console.table([{"name\x1b": "x\x07"}])
    assert capsys.readouterr().out == "name\\x1b\nx\\x07\n"


@pytest.mark.parametrize("error", [errors.DataError(NASTY, found=NASTY), RuntimeError(NASTY), click.UsageError(NASTY)])
def test_an_error_cannot_smuggle_control_characters(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raising(error), [])
    told = capsys.readouterr().err
    assert SHOWN in told
    assert not {"\x1b", "\x07", "\x00", "\x9b", "\r"} & set(told)


def test_other_scripts_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    console.tell("naïve 日本語 שלום 😀 — “quoted” → done")
    assert capsys.readouterr().out == "naïve 日本語 שלום 😀 — “quoted” → done\n"


@pytest.mark.parametrize("columns", [0, 1, 40, 72, 300])
def test_a_line_of_the_journey_fits_any_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((columns, 24)))
    path = "/a/folder-with-a-long-name/" + "x" * 120 + "/report.html"
    console.say("report", f"{'word ' * 40}{path} written")
    lines = capsys.readouterr().out.splitlines()
    wide = {0: 100, 1: 40, 300: 100}.get(columns, columns)
    assert lines[0].startswith("  report    word")
    assert all(line.startswith(" " * 12) for line in lines[1:])
    assert all(len(line) <= wide for line in lines if path not in line)
    assert max(len(line) for line in lines if path not in line) > wide - len("word ")
    assert sum(path in line for line in lines) == 1  # a path that is cut cannot be copied


def test_a_stage_without_words_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("read", "")
    assert capsys.readouterr().out == "  read      \n"


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    console.table([{"name": "minilm", "size": "22 M"}, {"name": "x", "size": "1,000 M"}])
    assert capsys.readouterr().out == "name    size\nminilm  22 M\nx       1,000 M\n"
    console.table([])
    assert capsys.readouterr().out == ""


# ---------------------------------------------------------------- streams that give way

_PRINTING = """
import click
from classifine.cli import console

@click.command()
def talk():
    for _ in range(20_000):
        console.tell({text!r})

raise SystemExit(console.guarded(talk, []))
"""


def test_whoever_stops_reading_our_output_gets_no_complaint() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = python(_PRINTING.format(text="a line of output"), stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_head_may_take_what_it_wants_of_the_help() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = python(
            "import sys; sys.argv[1:] = ['--help']; from classifine.__main__ import main; main()", stdout=writing
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("latin-1", "café \\u2192 \\udce9"), ("utf-8", "café → \\udce9"), ("cp1252", "café \\u2192 \\udce9")],
)
def test_what_a_stream_cannot_hold_is_escaped(encoding: str, shown: str) -> None:
    code = _PRINTING.format(text="café → \udce9").replace("20_000", "1")
    done = python(code, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.rstrip() == shown.encode(encoding)


def test_leaving_on_purpose_is_respected() -> None:
    with pytest.raises(SystemExit) as caught:
        guarded(raising(SystemExit(3)), [])
    assert caught.value.code == 3


def test_of_several_processes_the_first_one_talks_and_another_only_of_what_is_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(console, "_HEARD", 0.0)
    console.say("read", "3 texts")
    assert guarded(raising(errors.DataError("a bad file")), []) == 1
    assert guarded(raising(KeyboardInterrupt()), []) == console.INTERRUPTED
    assert guarded(command(lambda: None), ["--unknown"]) == 2
    assert "".join(capsys.readouterr()).strip() == ""
    assert guarded(raising(FollowerFailed(errors.TrainingFailed("memory is full"))), []) == 1
    assert "process 2 of 2: memory is full" in capsys.readouterr().err
    monkeypatch.setenv("RANK", "0")
    console.say("read", "3 texts")
    assert capsys.readouterr().out.split() == ["read", "3", "texts"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_request_to_end_that_python_dropped_is_granted_at_the_next_line(
    number: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def work() -> None:
        # as when it comes while a module is imported
        with suppress(KeyboardInterrupt):
            signal.raise_signal(number)
        console.say("train", "went on")

    assert console.guarded(work, []) == code
    out, err = capsys.readouterr()
    assert "went on" not in out
    assert "same command again" in err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert console.guarded(click.Command("calm", callback=lambda: console.say("train", "on")), []) == 0
