from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import classifine
from classifine.cli.main import classifine as command

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MACHINE = re.compile(r"(?<![\w.])/(?:home|work|tmp|root|Users|mnt|opt|var)/|\b[A-Z]:\\")


def told(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for language, content in BLOCK.findall(page.read_text("utf-8")):
        if language in languages:
            yield content


def anchors(page: Path) -> set[str]:
    """Name a page's headings as GitHub does."""
    prose = BLOCK.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[list[str]]:
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0].split("/")[-1] == "classifine":
                yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=told)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(BLOCK.sub("", page.read_text("utf-8"))):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=told)
def test_no_page_names_a_place_on_somebodys_machine(page: Path) -> None:
    assert not MACHINE.search(page.read_text("utf-8"))


@pytest.mark.parametrize("page", [page for page in PAGES if any(commands(page))], ids=told)
def test_commands_are_ones_that_the_program_has(page: Path) -> None:
    for name, *arguments in commands(page):
        command.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("page", [page for page in PAGES if any(blocks(page, "python"))], ids=told)
def test_python_is_python_and_takes_names_that_exist(page: Path) -> None:
    for block in blocks(page, "python"):
        if block.startswith(">>>") or page.parent.name == "reference":
            continue
        compile(block, told(page), "exec")
        for names in re.findall(r"^from classifine import (.+)$", block, re.MULTILINE):
            assert {name.strip() for name in names.split(",")} <= set(classifine.__all__)
