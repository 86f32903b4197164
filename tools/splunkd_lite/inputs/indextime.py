"""The last steps of an event before it is stored: SEDCMD, TRANSFORMS, and the choice of its index.

Source: props.conf.spec 10.0, ``SEDCMD-<class>`` and ``TRANSFORMS-<class>`` (classes in the order of
their names, ASCII); that SEDCMD comes first is how it is told, not written in the manual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.splunkd_lite.runners.errors import RunnerError
from tools.splunkd_lite.runners.settings import names

from .sed import sed_script
from .transforms import NULL_QUEUE, Draft, Transform

__all__ = ["Edits", "store"]

_COMPONENT = "IndexProcessor"


@dataclass(frozen=True)
class Edits:
    """What props.conf and transforms.conf do to the events of one source, type and host."""

    scripts: list[Callable[[str], str]] = field(default_factory=list)
    transforms: list[Transform] = field(default_factory=list)

    @classmethod
    def of(cls, settings: Mapping[str, str], conf: Any) -> Edits:
        """From merged props.

        Raises:
            RunnerError: a script or a transform is malformed, missing, or not supported here.
        """
        scripts = [sed_script(settings[k]) for k in sorted(settings) if k.startswith("SEDCMD-")]
        classes = [k for k in sorted(settings) if k.startswith("TRANSFORMS-")]
        stanzas = conf.stanzas("transforms") if classes else {}
        transforms = []
        for key in classes:
            for name in names(settings[key]):
                if name not in stanzas:
                    raise RunnerError(f"{key} names [{name}], which transforms.conf does not have.")
                transforms.append(Transform.of(name, stanzas[name]))
        return cls(scripts, transforms)

    def __bool__(self) -> bool:
        return bool(self.scripts or self.transforms)

    def apply(self, index: str, event: dict[str, Any]) -> Draft | None:
        """The event as it is to be stored; None if it goes to the null queue."""
        draft = Draft(index, event)
        for script in self.scripts:
            event["_raw"] = script(str(event["_raw"]))
        for transform in self.transforms:
            transform.apply(draft)
        return None if draft.queue == NULL_QUEUE else draft


def store(
    splunk: Any,
    batch: Iterable[tuple[str, dict[str, Any]]],
    edits: Edits | Callable[[Mapping[str, Any]], Edits],
) -> int:
    """Edit events and write them to their indexes; how many were new.

    ``edits`` are the same for all, or a function of the event. An event whose transform sends it
    to an index that does not exist is dropped, as by splunkd, with a line in splunkd.log and a
    bulletin message.

    Raises:
        SplunkdError: the index refused the events.
    """
    by_index: dict[str, list[dict[str, Any]]] = {}
    for index, event in batch:
        chosen = edits(event) if callable(edits) else edits
        draft = chosen.apply(index, event) if chosen else Draft(index, event)
        if draft is not None:
            target = draft.index if draft.index == index else _existing(splunk, draft)
            if target:
                by_index.setdefault(target, []).append(draft.event)
    return sum(splunk.indexes.write(index, events) for index, events in by_index.items())


def _existing(splunk: Any, draft: Draft) -> str:
    """The index that a transform chose, or "" if there is none."""
    if draft.index in splunk.indexes.names():
        return draft.index
    text = (
        f"Received an event for the index '{draft.index}', which does not exist or is disabled, "
        f"from source='{draft.event.get('source')}'; it was dropped."
    )
    splunk.log(_COMPONENT, "ERROR", text)
    splunk.messages.post(f"unknown_index_{draft.index}", "warn", text)
    return ""
