from __future__ import annotations

import pytest
from docs.reference.generate import FOLDER, pages

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_reference_is_what_the_program_says(name: str) -> None:
    found = (FOLDER / name).read_text("utf-8")
    assert found == PAGES[name], f"{name} is stale: run `python docs/reference/generate.py`"


def test_every_verb_and_every_public_name_has_its_place() -> None:
    import classifine
    from classifine.cli.main import classifine as command

    assert all(f"## classifine {name}\n" in PAGES["cli.md"] for name in command.commands)
    assert all(f"### {name}\n" in PAGES["python.md"] for name in classifine.__all__ if not name.startswith("_"))
