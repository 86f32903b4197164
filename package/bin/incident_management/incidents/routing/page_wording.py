"""Word a stanza's problems with the labels of the configuration page."""

from __future__ import annotations

import re
from typing import Mapping

from .values import CONF

__all__ = ["with_field_labels"]


def with_field_labels(sentence: str, stanza: str, labels: Mapping[str, str]) -> str:
    """Return a problem of a stanza with the field's label instead of file and setting.

    A sentence about another stanza is unchanged, as the page shows that stanza elsewhere.
    ``labels``: the labels of the page's fields, by name.
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
