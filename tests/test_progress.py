from __future__ import annotations

import io
import sys

import pytest

from classifine.progress import bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_the_work_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with bar("scoring", total=40, unit="texts") as progress:
        progress.update(10)
        progress.refresh()
    shown = terminal.getvalue()
    assert "scoring" in shown
    assert "10/40" in shown
    assert "texts/s" in shown


def test_a_file_or_pipe_sees_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with bar("scoring", total=None, unit="texts") as progress:
        progress.update(10)
        progress.refresh()
    assert pipe.getvalue() == ""
    assert capsys.readouterr().out == ""
