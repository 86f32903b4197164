"""``param._cam`` of alert_actions.conf: how Enterprise Security shows an adaptive response action.

Source: the specification of adaptive response actions in Splunk's developer guide for Enterprise
Security: lists ``category``, ``task``, ``subject``, ``technology``, which UCC's schema requires;
``supports_adhoc``, ``supports_cloud``, ``drilldown_uri``, ``field_name_params`` and others.
"""

from __future__ import annotations

import json
from typing import Any

from .errors import RunnerError

__all__ = ["check_cam"]

_LISTS = ("category", "task", "subject", "field_name_params", "required_params")
_FLAGS = ("supports_adhoc", "supports_cloud", "supports_workers")
_TEXTS = ("drilldown_uri",)
_TECHNOLOGY = ("vendor", "product", "version")


def check_cam(text: str, action: str) -> dict[str, Any]:
    """The object that ``param._cam`` holds.

    Raises:
        RunnerError: it is not JSON, or a key is unknown, missing or of the wrong type.
    """
    where = f"param._cam in [{action}] of alert_actions.conf"
    try:
        cam = json.loads(text)
    except ValueError as error:
        raise RunnerError(f"{where} is not JSON: {error}.") from error
    if not isinstance(cam, dict):
        raise RunnerError(f"{where} is not a JSON object.")
    for name, value in cam.items():
        _check_one(name, value, where)
    for name in ("category", "task", "subject", "technology"):
        if not cam.get(name):
            raise RunnerError(f"{where} needs the list {name}.")
    return cam


def _check_one(name: str, value: Any, where: str) -> None:
    if name in _LISTS:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise RunnerError(f"{name} of {where} is not a list of texts.")
    elif name in _FLAGS:
        if not isinstance(value, bool):
            raise RunnerError(f"{name} of {where} is neither true nor false.")
    elif name in _TEXTS:
        if not isinstance(value, str):
            raise RunnerError(f"{name} of {where} is not a text.")
    elif name == "technology":
        _check_technology(value, where)
    else:
        raise RunnerError(f"{where} has the key {name}, which does not exist.")


def _check_technology(value: Any, where: str) -> None:
    if not isinstance(value, list):
        raise RunnerError(f"technology of {where} is not a list.")
    for item in value:
        if not isinstance(item, dict) or not set(_TECHNOLOGY[:2]) <= set(item):
            raise RunnerError(f"technology of {where} needs a vendor and a product.")
        if set(item) - set(_TECHNOLOGY):
            raise RunnerError(f"technology of {where} has an unknown key.")
