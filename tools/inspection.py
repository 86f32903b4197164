"""Runs splunk-appinspect on the package, and fails on any failure, error or unexplained warning.

Splunk's vetting runs the same checks for Splunkbase and for Splunk Cloud.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

TAGS = ("cloud", "private_app", "private_victoria")
BAD = ("failure", "error")
# It keeps the syntax trees of all modules until it ends: looking through them again and again for
# garbage finds none. Runs the program that is its first argument.
SELDOM_LOOKS_FOR_GARBAGE = (
    "import gc, runpy, sys; gc.set_threshold(200_000, 50, 1_000); "
    "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
# Why each warning stays, by check. A warning that is not here fails the command: look at it first.
WARNINGS_THAT_STAY: Mapping[str, str] = json.loads(
    Path(__file__).with_name("inspection_warnings.json").read_text(encoding="utf-8")
)


def inspect(appinspect: Path, package: Path, report: Path) -> dict[str, Any]:
    """Run AppInspect in precert mode and return its report.

    Raises:
        RuntimeError: it ended without a report.
    """
    tags = [part for tag in TAGS for part in ("--included-tags", tag)]
    # By the environment's own Python, so that it works after a checkout was moved.
    program = [str(appinspect.with_name("python")), "-c", SELDOM_LOOKS_FOR_GARBAGE, str(appinspect)]
    command = [*program, "inspect", str(package), "--mode", "precert", *tags]
    command += ["--data-format", "json", "--output-file", str(report)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if not report.exists():
        raise RuntimeError(
            "AppInspect wrote no report:\n" + (result.stdout + result.stderr)[-3000:]
        )
    parsed: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return parsed


def checks(report: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (name, result, messages) of each check of the report."""
    for group in report["reports"][0]["groups"]:
        for check in group["checks"]:
            yield check["name"], check["result"], [m["message"] for m in check["messages"]]


def judge(report: Mapping[str, Any]) -> bool:
    """Print what the report says and return whether the package may ship."""
    good = True
    for name, result, messages in checks(report):
        if result not in (*BAD, "warning", "future"):
            continue
        reason = WARNINGS_THAT_STAY.get(name) if result == "warning" else None
        print(f"{result}: {name}")
        for message in messages[:8]:
            print("    " + " ".join(message.split())[:300])
        if reason:
            print(f"    stays: {reason}")
        elif result in (*BAD, "warning"):
            good = False
    summary = report["summary"]
    print(", ".join(f"{summary[key]} {key}" for key in sorted(summary)))
    return good


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: ``python -m tools.inspection --appinspect PROGRAM PACKAGE``."""
    parser = argparse.ArgumentParser(prog="tools.inspection", description=__doc__)
    parser.add_argument("--appinspect", type=Path, required=True)
    parser.add_argument("package", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        report = inspect(options.appinspect, options.package, Path(folder) / "report.json")
    return 0 if judge(report) else 1


if __name__ == "__main__":
    sys.exit(main())
