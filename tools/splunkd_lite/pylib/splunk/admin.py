"""EAI handlers: ``MConfigHandler`` and ``init``, as UCC's generated scripts use them.

Source: Splunk's "Extending the REST endpoint" (EAI) examples and what splunktaucclib uses.
"""

from __future__ import annotations

import os
import traceback
from typing import Any

import splunk

ACTION_CREATE = 1
ACTION_LIST = 2
ACTION_EDIT = 4
ACTION_REMOVE = 8
ACTION_RELOAD = 32
ACTION_CUSTOM = 64
CONTEXT_NONE = 1
CONTEXT_APP_ONLY = 2
EAI_ENTRY_ACL = "eai:acl"

# Given by the process's launcher: where requests come from. None outside of the stand-in.
channel = None

_ACTIONS = {
    "list": (ACTION_LIST, "handleList"),
    "create": (ACTION_CREATE, "handleCreate"),
    "edit": (ACTION_EDIT, "handleEdit"),
    "remove": (ACTION_REMOVE, "handleRemove"),
    "_reload": (ACTION_RELOAD, "handleReload"),
}
# What splunkd takes out of a request for itself before a handler sees its arguments. For lists that
# is documented; whether it is so when an entry is made or changed is not, so here it always is: a
# field that has such a name fails here, before it may do so in Splunk.
_STEERING = frozenset(
    ["output_mode", "count", "offset", "search", "sort_key", "sort_dir", "sort_mode", "summarize",
     "f", "name", "splunk_form_key", "_"]
)  # fmt: skip


class AdminManagerException(Exception):
    """Any refusal of a handler."""

    status = 500


class ArgValidationException(AdminManagerException):
    """An argument is missing or wrong."""

    status = 400


class BadActionException(AdminManagerException):
    """The handler does not do this action."""

    status = 405


class InternalException(AdminManagerException):
    """The handler failed."""


class ServiceUnavailableException(AdminManagerException):
    """Try again later."""

    status = 503


class ConfigItem(dict):
    """One entry: settings, and metadata beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.metadata: dict[str, Any] = {}

    def append(self, key: str, value: Any) -> None:
        """Set a value, or make it one of several."""
        if key in self:
            held = self[key] if isinstance(self[key], list) else [self[key]]
            value = [*held, value]
        self[key] = value

    def setMetadata(self, key: str, value: Any) -> None:
        """Set metadata such as ``eai:acl``."""
        self.metadata[key] = value


class ConfigInfo(dict):
    """Entries by name; asking for a new name makes it."""

    def __missing__(self, name: str) -> ConfigItem:
        self[name] = ConfigItem()
        return self[name]


class SupportedArgs:
    """What a handler takes."""

    def __init__(self) -> None:
        self.required: list[str] = []
        self.optional: list[str] = []
        self.wildcards: list[str] = []

    def addReqArg(self, name: str) -> None:
        """Name an argument that must be given."""
        self.required.append(name)

    def addOptArg(self, name: str) -> None:
        """Name an argument that may be given; ``*`` at its end stands for anything."""
        (self.wildcards if name.endswith("*") else self.optional).append(name)

    def check(self, given: Any) -> None:
        """Refuse what is missing and what is unknown."""
        missing = [name for name in self.required if name not in given]
        if missing:
            raise ArgValidationException(
                "The following required arguments are missing: " + ", ".join(missing) + "."
            )
        starts = tuple(name[:-1] for name in self.wildcards)
        for name in given:
            known = name in self.required or name in self.optional
            if not known and not (starts and name.startswith(starts)):
                raise ArgValidationException(f'Argument "{name}" is not supported by this handler.')


class CallerArgs:
    """What the caller gave: ``id`` is the object's name, ``data`` lists of values by name."""

    def __init__(self, name: str, data: dict[str, list[str]]) -> None:
        self.id = name
        self.data = data

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def __iter__(self) -> Any:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def get(self, key: str, default: Any = None) -> Any:
        """The values of an argument."""
        return self.data.get(key, default)

    def keys(self) -> Any:
        """The arguments' names."""
        return self.data.keys()

    def items(self) -> Any:
        """The arguments and their values."""
        return self.data.items()


class MConfigHandler:
    """The base of EAI handlers: override ``setup`` and ``handle<Action>``."""

    def __init__(
        self, scriptMode: int, ctxInfo: int, request: dict[str, Any] | None = None
    ) -> None:
        self._request = request or {}
        self.mode = scriptMode
        self.context = ctxInfo
        self.requestedAction = _ACTIONS.get(self._request["action"], (ACTION_CUSTOM, ""))[0]
        self.customAction = "" if self._request["action"] in _ACTIONS else self._request["action"]
        data: dict[str, list[str]] = {}
        for key, value in self._request["params"]:
            if key not in _STEERING:
                data.setdefault(key, []).append(value)
        self.callerArgs = CallerArgs(self._request["name"], data)
        self.supportedArgs = SupportedArgs()
        self.userName = self._request["user"]
        self.appName = self._request["app"]
        steering = dict(self._request["params"])
        self.maxCount = int(steering.get("count") or 30)
        self.posOffset = int(steering.get("offset") or 0)
        self.sortKey = steering.get("sort_key") or "name"
        self.sortAscending = steering.get("sort_dir", "asc") != "desc"
        self.shouldReload = False

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"MConfigHandler.{name} is not provided by this stand-in for Splunk")

    def setup(self) -> None:
        """Name the arguments that are taken, in ``self.supportedArgs``."""

    def getSessionKey(self) -> str | None:
        """The caller's session key."""
        return self._request["token"]

    def handleList(self, confInfo: ConfigInfo) -> None:
        """Give the entries."""
        raise BadActionException("list is not supported by this handler")

    def handleCreate(self, confInfo: ConfigInfo) -> None:
        """Make an entry."""
        raise BadActionException("create is not supported by this handler")

    def handleEdit(self, confInfo: ConfigInfo) -> None:
        """Change an entry."""
        raise BadActionException("edit is not supported by this handler")

    def handleRemove(self, confInfo: ConfigInfo) -> None:
        """Remove an entry."""
        raise BadActionException("remove is not supported by this handler")

    def handleReload(self, confInfo: ConfigInfo | None = None) -> None:
        """Read the configuration again; there is nothing to do here."""

    def handleCustom(self, confInfo: ConfigInfo) -> None:
        """An action of the handler's own."""
        raise BadActionException(f"{self.customAction} is not supported by this handler")


def init(handler: Any, ctxInfo: int = CONTEXT_NONE) -> None:
    """Answer requests for a handler until splunkd goes away."""
    if channel is None:
        raise InternalException("admin.init was called outside of splunkd")
    channel.write({"ready": True})
    while True:
        message = channel.read()
        if message is None:
            return
        channel.write(_answer(handler, ctxInfo, message["request"]))


def _answer(handler: Any, ctxInfo: int, request: dict[str, Any]) -> dict[str, Any]:
    splunk.setDefault("sessionKey", request["token"])
    os.environ["SPLUNKD_URI"] = request["splunkd_uri"]
    try:
        return {"entries": _run(handler, ctxInfo, request)}
    except AdminManagerException as error:
        return {"refused": {"status": error.status, "text": str(error)}}
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - splunktaucclib raises BaseException itself
        traceback.print_exc()
        kind = f"{type(error).__module__}.{type(error).__name__}"
        text = f'Unexpected error "<class \'{kind}\'>" from python handler: "{error}".'
        see = "See splunkd.log/python.log for more details."
        return {"refused": {"status": 500, "text": f"{text} {see}"}}


def _run(handler: Any, ctxInfo: int, request: dict[str, Any]) -> list[list[Any]]:
    made = handler(0, ctxInfo, request)
    made.setup()
    made.supportedArgs.check(made.callerArgs.data)
    info = ConfigInfo()
    method = _ACTIONS.get(request["action"], (0, "handleCustom"))[1]
    getattr(made, method)(info)
    return [[name, _plain(item)] for name, item in info.items()]


def _plain(item: ConfigItem) -> dict[str, Any]:
    """An entry's settings as text, booleans and lists of text."""
    plain: dict[str, Any] = {}
    for key, value in item.items():
        if value is None:
            plain[key] = ""
        elif isinstance(value, (bool, list, dict)):
            plain[key] = value
        else:
            plain[key] = str(value)
    return plain


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"splunk.admin.{name} is not provided by this stand-in for Splunk")
