"""REST feeds as search rows, for ``| rest``.

Source: "rest" in the Search Reference: one row for each entry, with its content, ``title``,
``eai:acl.*`` and ``splunk_server``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping

from tools.splunkd_lite.access import User
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest.request import RestRequest, split_path

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["rest_rows"]


def rest_rows(
    splunk: Splunk, user: User, path: str, params: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The entries at ``path``, with the rights of ``user``.

    Raises:
        SplunkdError: what the endpoint answers when it refuses.
    """
    full = path if path.startswith("/") else f"/services/{path}"
    owner, app, segments = split_path(full)
    query = [("output_mode", "json"), ("count", "0"), *params.items()]
    request = RestRequest(
        "GET", full, owner, app, "/".join(segments), segments, query=query, user=user
    )
    answer = splunk.rest.dispatch(request)
    body = json.loads(answer.body or b"{}")
    if answer.status >= 400:
        texts = [message["text"] for message in body.get("messages", [])]
        raise SplunkdError(answer.status, " ".join(texts) or f"HTTP {answer.status} from {full}")
    return [_row(splunk, entry) for entry in body.get("entry", [])]


def _row(splunk: Splunk, entry: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"title": entry["name"], "id": entry["id"], "updated": entry["updated"]}
    row["author"], row["splunk_server"] = entry["author"], splunk.server_name
    for key, value in entry["acl"].items():
        row[f"eai:acl.{key}"] = _value(value)
    perms = entry["acl"].get("perms") or {}
    for verb in ("read", "write"):
        row[f"eai:acl.perms.{verb}"] = _value(perms.get(verb))
    row.update({k: _value(v) for k, v in entry["content"].items() if not k.startswith("eai:acl")})
    return {key: value for key, value in row.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list):
        return [str(item) for item in value]
    if isinstance(value, dict):
        return json.dumps(value)
    return value
