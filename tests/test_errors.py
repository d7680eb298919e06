from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine import errors
from classifine.errors import ClassifineError, FileMissing, did_you_mean, some, unknown_name

EXIT_CODES = {
    "UsageError": 2,
    "FileMissing": 2,
    "ColumnProblem": 2,
    "SettingsProblem": 2,
    "ModelUnavailable": 2,
    "PackageMissing": 2,
    "DataError": 1,
    "FileUnreadable": 1,
    "RowsProblem": 1,
    "LabelsProblem": 1,
    "Contaminated": 1,
    "TrainingFailed": 1,
    "NotTheSame": 1,
    "RunRefused": 73,
    "DiscError": 74,
}


def subclasses(kind: type[ClassifineError]) -> list[type[ClassifineError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in subclasses(child))]


def test_every_error_has_its_exit_code() -> None:
    ours = [kind for kind in subclasses(ClassifineError)[1:] if kind.__module__ == errors.__name__]
    assert {kind.__name__: kind.exit_code for kind in ours} == EXIT_CODES


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = [line.split("──")[1].split()[0] for line in (errors.__doc__ or "").splitlines() if "──" in line]
    assert drawn == [kind.__name__ for kind in subclasses(ClassifineError)[1:] if kind.__module__ == errors.__name__]


def test_a_message_says_what_was_found_where_and_what_to_do() -> None:
    error = FileMissing("no such file", where="a.csv", found="nothing", expected="a file", cure="check the path")
    assert str(error) == (
        "no such file\n  where:    a.csv\n  found:    nothing\n  expected: a file\n  cure:     check the path"
    )
    assert str(FileMissing("no such file")) == "no such file"


def test_an_error_survives_the_way_between_processes() -> None:
    error = FileMissing("no such file", where="a.csv", cure="check the path")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is FileMissing
    assert (str(again), again.what, again.cure) == (str(error), "no such file", "check the path")


@pytest.mark.parametrize(
    ("wanted", "guess"),
    [
        ("lable", "label"),
        ("LABEL", "label"),
        ("post", "post_text"),  # the only name that contains it
        ("e", None),  # several names contain it
        ("xyzzy", None),
        ("", None),
    ],
)
def test_did_you_mean(wanted: str, guess: str | None) -> None:
    assert did_you_mean(wanted, ["label", "post_text", "annotator", "zebra"]) == guess


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.data())
def test_a_known_name_is_its_own_guess_up_to_case(names: list[str], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(names))
    guess = did_you_mean(wanted, names)
    assert guess is not None
    assert guess.casefold() == wanted.casefold()


def test_an_unknown_name_gets_the_guess_first_and_then_what_there_is() -> None:
    assert (
        unknown_name("lable", ["text", "label"], noun="columns") == "did you mean 'label'? The columns are: text, label"
    )
    assert unknown_name("xyz", ["text", "label"], noun="columns") == "the columns are: text, label"
    assert unknown_name("xyz", [str(n) for n in range(100, 125)], noun="columns").endswith("118, 119 and 5 more")


def test_some_shows_all_when_there_are_few() -> None:
    assert some([1, 2, 3]) == "1, 2, 3"
    assert some([]) == ""
    assert some(range(2000), limit=2) == "0, 1 and 1,998 more"
