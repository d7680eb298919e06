"""The rules of the house that a reader can check by looking, checked by looking: at the syntax of every source file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import classifine

SOURCE = Path(classifine.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
ROOMS = sorted(path for path in SOURCE.rglob("__init__.py") if path.parent != SOURCE)
NAMES = [path.relative_to(SOURCE).as_posix() for path in FILES]
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 80
BANNED_NAMES = {"utils", "helpers", "common", "misc", "manager", "handler", "processor", "config"}
BANNED_IMPORTS = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "tarfile"}
# Calls that write a file wherever they are told to; durable.py has its own of the first two names.
WRITERS = {
    "write_bytes",
    "write_text",
    "savetxt",
    "savez",
    "savez_compressed",
    "to_csv",
    "to_excel",
    "to_feather",
    "to_json",
    "to_parquet",
    "to_pickle",
    "write_csv",
}
OWNED_WRITERS = {
    ("json", "dump"),
    ("np", "save"),
    ("pq", "write_table"),
    ("shutil", "copy"),
    ("shutil", "copytree"),
    ("shutil", "move"),
    ("torch", "save"),
}
OPENERS = {"open", "fdopen", "NamedTemporaryFile", "TemporaryFile"}
ROOMS_WITH_PATHS = {"data/demo/__init__.py"}  # says where the packaged files are

every_file = pytest.mark.parametrize("path", FILES, ids=NAMES)


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text("utf-8")))


def called(call: ast.Call) -> tuple[str, str]:
    """Give the name of what is called, and of what it is called on where that is a plain name."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr, call.func.value.id if isinstance(call.func.value, ast.Name) else ""
    return (call.func.id, "") if isinstance(call.func, ast.Name) else ("", "")


def mode(call: ast.Call) -> ast.expr | None:
    """Give the mode argument of an opening call, wherever it stands."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    name, owner = called(call)
    path_comes_first = isinstance(call.func, ast.Name) or owner in {"gzip", "bz2", "lzma", "io", "codecs"}
    place = 1 if name in {"open", "fdopen"} and path_comes_first else 0
    return named[0] if named else call.args[place] if len(call.args) > place else None


def writes(call: ast.Call) -> bool:
    name, owner = called(call)
    if name in WRITERS:
        return owner != "durable"
    if (owner, name) in OWNED_WRITERS:
        return True
    if name not in OPENERS or owner == "os":  # os.open of a device is no artefact; its flags are checked below
        return name == "open" and any("O_CREAT" in ast.dump(argument) for argument in call.args)
    opened = mode(call)
    if opened is None:
        return name in {"NamedTemporaryFile", "TemporaryFile"}  # open() alone reads
    return not (
        isinstance(opened, ast.Constant) and isinstance(opened.value, str) and not set(opened.value) & set("wax+")
    )


@every_file
def test_only_durable_opens_something_for_writing(path: Path) -> None:
    if path == SOURCE / "durable.py":
        return
    found = [node.lineno for node in nodes(path) if isinstance(node, ast.Call) and writes(node)]
    assert not found, f"write through durable.py instead: lines {found}"


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("open('a', 'w')", True),
        ("open('a', mode='ab')", True),
        ("open('a', what)", True),
        ("open('a')", False),
        ("open('a', 'rb')", False),
        ("path.open('wb')", True),
        ("path.open(mode='x')", True),
        ("path.open()", False),
        ("path.open('r', encoding='utf-8')", False),
        ("path.open(encoding='utf-8')", False),
        ("gzip.open(path, 'wt')", True),
        ("gzip.open(path, 'rt')", False),
        ("path.write_text('x')", True),
        ("durable.write_text(path, 'x')", False),
        ("frame.to_csv(path)", True),
        ("torch.save(weights, path)", True),
        ("json.dump(value, stream)", True),
        ("json.dumps(value)", False),
        ("os.open(os.devnull, os.O_WRONLY)", False),
        ("os.open(path, os.O_WRONLY | os.O_CREAT)", True),
        ("tempfile.NamedTemporaryFile()", True),
    ],
)
def test_the_look_for_writing_sees_what_it_should(code: str, verdict: bool) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert writes(call) is verdict


@every_file
def test_nothing_is_pickled(path: Path) -> None:
    for node in nodes(path):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in imported} & BANNED_IMPORTS
        if isinstance(node, ast.Call) and called(node) == ("load", "torch"):
            assert any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords)


@every_file
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno + 1 <= MOST_LINES_OF_A_FUNCTION, node.name


@every_file
def test_no_file_has_a_name_that_says_nothing(path: Path) -> None:
    words = {*path.stem.split("_"), path.parent.name}
    assert not words & BANNED_NAMES


@every_file
def test_errors_are_caught_by_name(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    for node in nodes(path):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or {"Exception", "BaseException"} & {
            name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)
        }
        reasoned = "# noqa: BLE001 - " in lines[node.lineno - 1]
        goes_on = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
        assert not broad or reasoned or goes_on, f"line {node.lineno}: swallows every error without a reason"


@every_file
def test_every_file_begins_by_saying_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


@every_file
def test_user_input_meets_no_print_and_no_exit(path: Path) -> None:
    if path in (SOURCE / "cli" / "console.py", SOURCE / "__main__.py"):
        return
    calls = [called(node) for node in nodes(path) if isinstance(node, ast.Call)]
    assert not {("print", ""), ("exit", "sys"), ("exit", ""), ("input", "")} & set(calls)


@pytest.mark.parametrize("path", ROOMS, ids=[path.parent.name for path in ROOMS])
def test_a_rooms_door_is_a_docstring_and_nothing_else(path: Path) -> None:
    body = ast.parse(path.read_text("utf-8")).body
    assert ast.get_docstring(ast.Module(body, []))
    if path.relative_to(SOURCE).as_posix() not in ROOMS_WITH_PATHS:
        assert len(body) == 1


def test_every_folder_of_source_is_a_room() -> None:
    for folder in {path.parent for path in FILES}:
        assert (folder / "__init__.py").is_file(), folder
