"""Serves the requests of one ``scripttype = persist`` stanza of restmap.conf.

Called as ``persist.py <folder of the script> <module.Class> <command_arg>``. One instance of the
class lives as long as the process, as in splunkd; requests come to it one after the other.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from typing import Any

from _stand_in.channel import Channel  # type: ignore[import-not-found]  # on PYTHONPATH

__all__ = ["main"]


def main(folder: str, handler: Any, command_arg: str) -> None:
    """Answer requests until the channel is closed."""
    channel = Channel()
    sys.path.insert(0, folder)
    sys.argv = [folder]
    try:
        application = _load(handler)("", command_arg)
    except Exception as error:  # noqa: BLE001 - whatever an app's module raises must be reported
        traceback.print_exc()
        channel.write({"failed": _describe(error)})
        return
    channel.write({"ready": True})
    while True:
        message = channel.read()
        if message is None:
            return
        try:
            channel.write({"answer": _as_object(application.handle(message["request"]))})
        except Exception as error:  # noqa: BLE001 - one bad request must not end the process
            traceback.print_exc()
            channel.write({"error": _describe(error)})


def _load(handler: Any) -> Any:
    from splunk.persistconn.application import PersistentServerConnectionApplication

    module_name, _, class_name = handler.rpartition(".")
    found = getattr(importlib.import_module(module_name), class_name)
    if not issubclass(found, PersistentServerConnectionApplication):
        raise TypeError(f"{handler} is not a PersistentServerConnectionApplication")
    return found


def _as_object(answer: Any) -> Any:
    """An answer as an object; text must be JSON of one, as splunkd wants it."""
    if isinstance(answer, bytes):
        answer = answer.decode("utf-8")
    return json.loads(answer) if isinstance(answer, str) else answer


def _describe(error: BaseException) -> dict[str, str]:
    return {"class": f"{type(error).__module__}.{type(error).__name__}", "text": str(error)}


if __name__ == "__main__":
    main(*sys.argv[1:4])
