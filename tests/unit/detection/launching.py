"""Runs a command as splunkd does: a process that speaks the chunked protocol."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

BIN = Path(__file__).resolve().parents[3] / "package" / "bin"


def launch(command, args, rows=None, chunks=1, **searchinfo):
    """Run a command over rows; return its getinfo reply, all rows, and all messages."""
    info = {
        "action": "getinfo",
        "preview": False,
        "searchinfo": {
            "args": args, "raw_args": args, "dispatch_dir": "/nowhere", "sid": "1.1",
            "app": "incident_management", "owner": "admin", "username": "admin",
            "session_key": "k", "splunkd_uri": "https://127.0.0.1:9", "splunk_version": "9.4.0",
            "search": "", "command": command, "maxresultrows": 50000,
            "earliest_time": "0", "latest_time": "0", **searchinfo,
        },
    }  # fmt: skip
    sent = _chunk(info)
    rows = rows or []
    size = max(1, -(-len(rows) // chunks))
    parts = [rows[i : i + size] for i in range(0, len(rows), size)] or [[]]
    for place, part in enumerate(parts, 1):
        sent += _chunk({"action": "execute", "finished": place == len(parts)}, _csv(part))
    done = subprocess.run(
        [sys.executable, str(BIN / f"{command}.py")],
        input=sent,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stdout + done.stderr
    return _read(done.stdout)


def _chunk(metadata, body=""):
    head, data = json.dumps(metadata).encode(), body.encode()
    return b"chunked 1.0,%d,%d\n" % (len(head), len(data)) + head + data


def _csv(rows):
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _read(output):
    """Return the getinfo reply, all rows, and all messages."""
    metadata: list[dict[str, Any]] = []
    rows: list[dict[str, str]] = []
    messages: list[list[str]] = []
    place = 0
    while place < len(output):
        head = re.match(rb"chunked 1\.0,(\d+),(\d+)\n", output[place:])
        assert head is not None
        start = place + head.end()
        middle, place = start + int(head[1]), start + int(head[1]) + int(head[2])
        metadata.append(json.loads(output[start:middle]))
        rows.extend(csv.DictReader(io.StringIO(output[middle:place].decode())))
        messages.extend(metadata[-1].get("inspector", {}).get("messages", []))
    return metadata[0], rows, [text for _level, text in messages]
