"""Serves requests for ``scripttype = persist`` stanzas of restmap.conf, as splunkd does.

What it does is what ``splunk/persistconn/appserver.py`` does, of which copies are public (with its
``handle_loop.py`` and ``packet.py``): a request names the script; a script is loaded by its path
and once a process, **without its folder on sys.path**; the one class in it that derives from
``PersistentServerConnectionApplication`` gets a new instance for each request, the request as
bytes, and a call of ``done`` after the answer. stdout belongs to the protocol. An exception ends
the process.
"""

from __future__ import annotations

import importlib.util
import inspect
import io
import json
import os
import sys
import traceback
from typing import Any

from _stand_in.channel import Channel  # type: ignore[import-not-found]  # on PYTHONPATH

__all__ = ["main"]

BASE = "PersistentServerConnectionApplication"
_loaded: dict[str, Any] = {}


def main() -> None:
    """Answer requests until the channel is closed, or one fails."""
    channel = Channel()
    channel.write({"ready": True})
    while True:
        message = channel.read()
        if message is None:
            return
        sys.stdout = printed = io.StringIO()
        try:
            application = _class_of(message["script"])(message["arguments"], message["param"])
        except Exception as error:  # noqa: BLE001 - whatever an app's module raises must be reported
            traceback.print_exc()
            channel.write({"failed": _describe(error)})
            sys.exit(1)
        try:
            answer = _as_object(application.handle(message["request"].encode("utf-8")))
        except Exception as error:  # noqa: BLE001 - as above
            traceback.print_exc()
            channel.write({"error": _describe(error)})
            sys.exit(1)
        if printed.getvalue():
            text = "it printed to stdout, where splunkd reads its answer"
            channel.write({"error": {"class": "print", "text": text}})
            sys.exit(1)
        channel.write({"answer": answer})
        application.done()


def _class_of(script: str) -> Any:
    if script not in _loaded:
        _loaded[script] = _load(script)
    return _loaded[script]


def _load(script: str) -> Any:
    folder, file = os.path.split(script)
    name = _munged(f"pschand__{os.path.splitext(file)[0]}__in_{folder}")  # noqa: PTH122
    spec = importlib.util.spec_from_file_location(name, script)
    if spec is None or spec.loader is None:
        raise ImportError(f'Can\'t load script "{script}"')
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = [each for _name, each in inspect.getmembers(module, _is_handler)]
    if len(found) != 1:
        which = "More than one" if found else "No"
        raise NotImplementedError(f"{which} class implements {BASE}")
    return found[0]


def _munged(name: str) -> str:
    return "".join(sign if sign.isalnum() else "_" for sign in name)


def _is_handler(found: Any) -> bool:
    """By name, as the base class may come under another module's name."""
    if not inspect.isclass(found) or found.__name__ == BASE:
        return False
    return any(each.__name__ == BASE for each in found.mro())


def _as_object(answer: Any) -> Any:
    """An answer as an object; text must be JSON of one, as splunkd wants it."""
    if isinstance(answer, bytes):
        answer = answer.decode("utf-8")
    return json.loads(answer) if isinstance(answer, str) else answer


def _describe(error: BaseException) -> dict[str, str]:
    return {"class": f"{type(error).__module__}.{type(error).__name__}", "text": str(error)}


if __name__ == "__main__":
    main()
