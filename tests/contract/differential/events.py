"""Events to hold the two converted forms of a rule against, the same each time."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from tests.contract.spl.memory import NOW, event

__all__ = ["COLUMNS", "documents", "stored"]

# None leaves the field out of an event.
POOLS: dict[str, list[Any]] = {
    "action": ["login", "LOGIN", "grant", "export", "delete", "view", None],
    "outcome": ["failure", "Failure", "success", None],
    "user": ["admin", "Admin", "root", "ann@shop.example", "bob", "svc_backup", None],
    "account": ["admin", "Admin", "root", "bob", None],
    "target": ["admin", "bob", "root", None],
    "status": [200, 404, 500, 503, 50, 5000, None],
    "method": ["GET", "get", "POST", None],
    "path": [
        "/static/app.css", "/Static/APP.css", "/api/item/1234", "/api/item/12345", "/api/ITEM/1234",
        "/robots.txt", "/robots.txt.bak", "/a/%2e%2e/b", "/a/2e2e/b", "/a/../b", "/a/_hidden_/b",
        "/a/xhiddenx/b", "/audit/log", "/etc/sudoers", None,
    ],
    "parent": ["/usr/sbin/nginx", "/opt/venv/bin/gunicorn", "/sbin/init", "nginx", None],
    "process": [
        "/bin/sh", "/bin/bash", "/usr/bin/zsh", "C:\\Windows\\System32\\rundll32.exe",
        "C:\\Users\\x\\rundll32.exe", "c:\\windows\\system32\\RUNDLL32.EXE", "rundll32.exe", None,
    ],
    "command": [
        "powershell -enc SQBFAFgA", "PowerShell.exe  -ENC aaa", "powershell -file enc.ps1",
        "chmod 777 /srv", "chmod  777 /srv", "ls | grep [a]=b", None,
    ],
    "src_ip": [
        "10.20.4.1", "10.20.7.255", "10.20.8.0", "10.20.3.255", "192.168.1.9", "192.169.1.9",
        "110.0.0.1", "8.8.8.8", "not an address", None,
    ],
    "dest_port": [3306, 5432, 33060, 443, None],
    "bytes_out": [0, 7, 10, 11, 500, 501, 69999, 70000, 950000, 999999, 1000000, 20000000, None],
    "agent": ["curl/8.5", "sqlmap/1.8", "Googlebot/2.1", "robot", "dirb/2", "dirbuster", None],
    "query": [
        "id=1' or '1'='1", "id=1' OR 'a", "UNION all SELECT 1", "select union", "a=<SCRIPT>x",
        'src=x onerror="go()"', "plain=1&b=2", "back\\slash", None,
    ],
    "country": ["kp", "KP", "de", None],
    "file": ["/tmp/x.sh", "/tmp/a/b.SH", "/var/tmp/x.py", "/tmp/x.shx", "/home/tmp/x.sh", None],
}  # fmt: skip
_NUMBERS = {"status", "dest_port", "bytes_out"}
_KINDS = {**dict.fromkeys(_NUMBERS, "INTEGER"), "account": "TEXT"}
COLUMNS = {name: _KINDS.get(name, "TEXT COLLATE NOCASE") for name in ("id", *POOLS)}
"""The columns of the table that SQL runs on. Sigma's text comparisons ignore case, and so does
Splunk's search; SQLite's need NOCASE. Two fields are compared by Splunk's where, which does not."""


def documents(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Generated documents; a field is absent where a pool says so."""
    chance = random.Random(seed)
    return [
        {"id": str(number), **_present({k: chance.choice(v) for k, v in POOLS.items()})}
        for number in range(count)
    ]


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def stored(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents as events of JSON text, from which the stand-in has to extract the fields."""
    return [event(json.dumps(one), NOW - 1 - place) for place, one in enumerate(found)]
