"""The interface of a model, its answer, and the error if there is none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Dict, Protocol

from ..budget import Allowance
from .briefing import Question

__all__ = ["Answer", "Model", "ModelUnavailable", "request_hash"]


class ModelUnavailable(Exception):
    """There is no answer; the text is one sentence with the reason, without secrets.

    ``charged``: a model may have worked all the same, and be billed.
    """

    def __init__(self, text: str, charged: bool = False) -> None:
        super().__init__(text)
        self.charged = charged


@dataclass(frozen=True)
class Answer:
    """The answer of a model. ``content`` follows :data:`.briefing.ANSWER_SCHEMA` at its top
    level.
    """

    content: Dict[str, Any]
    model_id: str
    input_tokens: int
    output_tokens: int
    seconds: float


class Model(Protocol):
    """A model that can be asked."""

    model_id: str
    allowance: Allowance

    def ask(self, question: Question) -> Answer:
        """Ask once. Raises ModelUnavailable."""


def request_hash(model_id: str, question: Question) -> str:
    """Return what identifies a question, so that the same one is not paid for twice."""
    text = "\0".join((model_id, question.system, question.document))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
