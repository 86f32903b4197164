"""RootCauseBench's frozen incidents (edgedelta/root-cause-bench) as an index and an incident.

Reads ``alert.json``, ``logs.ndjson`` and ``context/*.json``: what the product would have in its
indexes. The ground truth is read by the scorecard alone.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, List, Tuple

from tests.unit.analysis.event_searcher import EventSearcher

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data")) / "rootcausebench"


def folders() -> List[Path]:
    return sorted(p.parent for p in DATA.glob("*/ground_truth.json"))


def load(folder: Path) -> Tuple[Dict[str, Any], EventSearcher, float]:
    """Return the incident's document, a searcher over its data, and the time to analyse at."""
    alert = json.loads((folder / "alert.json").read_text())
    fired = _epoch(alert["fired_at"])
    logs = [_log(line) for line in (folder / "logs.ndjson").read_text().splitlines() if line]
    searcher = EventSearcher(logs, _changes(folder / "context"), ())
    mine = [e["time"] for e in logs if e["service"] == alert["service"] and _is_bad(e["raw"])]
    recent = [time for time in mine if fired - 300 <= time <= fired]
    incident = {
        "id": "INC-20260101-ABCDEF",
        "title": alert.get("monitor", ""),
        "description": f"{alert['metric']} {alert['summary']}",
        "entities": [alert["service"]],
        "first_time": min(recent, default=fired - 60),
        "last_time": fired,
        "opened_at": fired,
    }
    return incident, searcher, fired + 300


def truth(folder: Path) -> Dict[str, Any]:
    answer: Dict[str, Any] = json.loads((folder / "ground_truth.json").read_text())
    return answer


def _is_bad(raw: str) -> bool:
    return json.loads(raw).get("severity_text") not in ("INFO", "DEBUG")


def _log(line: str) -> Dict[str, Any]:
    document = json.loads(line)
    return {"time": _epoch(document["timestamp"]), "raw": line, "service": document["service"]}


def _changes(context: Path) -> List[Dict[str, Any]]:
    commits = {c["sha"]: c for c in json.loads((context / "commits.json").read_text())}
    found, deployed = [], set()
    for deploy in json.loads((context / "deploys.json").read_text()):
        commit = commits.get(deploy["commit_sha"], {})
        deployed.add(deploy["commit_sha"])
        found.append(
            _change(
                "deploy",
                deploy["timestamp"],
                change_id=deploy["commit_sha"],
                service=deploy["service"],
                version=deploy["version"],
                **_of_commit(commit),
            )
        )
    for sha, commit in commits.items():
        if sha not in deployed:
            found.append(
                _change("commit", commit["timestamp"], change_id=sha, **_of_commit(commit))
            )
    for flag in json.loads((context / "flags.json").read_text()):
        summary = f"{flag['flag']} {flag['change']}"
        found.append(
            _change(
                "flag",
                flag["timestamp"],
                change_id=f"flag:{flag['flag']}",
                service=flag["service"],
                summary=summary,
                actor=flag["actor"],
            )
        )
    return found


def _of_commit(commit: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "summary": commit.get("message", ""),
        "actor": commit.get("author", ""),
        "files_changed": commit.get("files_changed", []),
        "diff": commit.get("diff") or "",
    }


def _change(kind: str, timestamp: str, **fields: Any) -> Dict[str, Any]:
    document = {"timestamp": timestamp, "kind": kind, **fields}
    texts = {k: v for k, v in document.items() if isinstance(v, str) and k != "diff"}
    return {**texts, "time": _epoch(timestamp), "raw": json.dumps(document)}


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
