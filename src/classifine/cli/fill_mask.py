"""The verb ``fill-mask``: what a base model would put into a gap."""

from __future__ import annotations

import click

from classifine.cli import console


@click.command("fill-mask")
@click.argument("model")
@click.argument("text")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="How many words.")
def fill_mask(model: str, text: str, top: int) -> None:
    """Let a base model fill the gap of TEXT, written [MASK], and show its most probable words.

    MODEL is a name of `classifine models`, a folder, or owner/name on a hub. It shows what the base model learned from
    the texts it was made of, before any fine-tuning; many encoders are published without the head that this needs.
    """
    from classifine.model.masked import fill_mask as fill

    for filling in fill(model, text, top=top):
        console.tell(f"  {filling.probability:6.1%}  {filling.word:<16}  {filling.text}")
