"""What is wrong with a stanza, in the words of the page on which it is changed."""

from __future__ import annotations

import re
from typing import Mapping

from .values import CONF

__all__ = ["with_field_labels"]


def with_field_labels(sentence: str, stanza: str, labels: Mapping[str, str]) -> str:
    """Return a sentence about a stanza with its field's label in the place of file and setting.

    Of another stanza than the one that is changed it stays as it is: the page shows that one
    elsewhere. ``labels``: those of the page's fields, by their names.
    """
    start = f"{CONF} [{stanza}] "
    if not sentence.startswith(start):
        return sentence
    said = sentence[len(start) :]
    word = re.split(r"\W", said, maxsplit=1)[0]
    if said.startswith("step."):
        return f"Step {said[len('step.') :]}"
    if word in labels:
        return labels[word] + said[len(word) :]
    return f"It {said}" if ":" in stanza else said
