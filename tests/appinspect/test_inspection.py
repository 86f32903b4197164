"""splunk-appinspect itself, as Splunk's vetting runs it. `./build.sh test` installs it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools import inspection

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted((ROOT / "dist").glob("incident_management-*.tar.gz"))
PROGRAM = os.environ.get("APPINSPECT", "")


@pytest.mark.skipif(not PACKAGES, reason="no package in dist/: run ./build.sh package")
@pytest.mark.skipif(not PROGRAM, reason="APPINSPECT names no splunk-appinspect program")
def test_splunks_own_vetting_finds_no_failure_and_no_error(tmp_path, capsys):
    report = inspection.inspect(Path(PROGRAM), PACKAGES[-1], tmp_path / "report.json")
    assert report["summary"]["failure"] == 0
    assert report["summary"]["error"] == 0
    assert inspection.judge(report), capsys.readouterr().out


def check(name: str, result: str) -> dict:
    return {"name": name, "result": result, "messages": [{"message": "look here"}]}


@pytest.mark.parametrize(
    ("result", "may_ship"),
    [("success", True), ("failure", False), ("error", False), ("warning", False)],
)
def test_the_package_may_ship_only_without_failures_and_unexplained_warnings(result, may_ship):
    report = {
        "summary": {result: 1},
        "reports": [{"groups": [{"checks": [check("check_of_nothing_known", result)]}]}],
    }
    assert inspection.judge(report) is may_ship


def test_an_explained_warning_may_stay():
    known = next(iter(inspection.WARNINGS_THAT_STAY))
    report = {
        "summary": {"warning": 1},
        "reports": [{"groups": [{"checks": [check(known, "warning")]}]}],
    }
    assert inspection.judge(report) is True
