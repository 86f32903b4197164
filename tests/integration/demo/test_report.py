"""The verdict is as good as its worst check, and none at all is no success."""

from __future__ import annotations

import io

from tools.demo.report import Report


def test_one_broken_check_breaks_the_verdict() -> None:
    report = Report(out=io.StringIO())
    report.check("water is wet", True)
    report.check("fire is cold", False, "it burns")
    assert report.failed() == ["fire is cold"]
    assert report.verdict() is False
    assert "✗ FAILED  fire is cold" in report.out.getvalue()  # type: ignore[attr-defined]


def test_a_run_without_checks_has_not_passed() -> None:
    assert Report(out=io.StringIO()).verdict() is False


def test_evidence_is_quoted_in_part_and_says_so() -> None:
    report = Report(out=io.StringIO())
    report.quote("orders.log", "one\n\ntwo\nthree\nfour\nfive")
    shown = report.out.getvalue()  # type: ignore[attr-defined]
    assert "three" in shown and "four" not in shown and "2 more lines" in shown


def test_what_is_cut_ends_with_an_ellipsis() -> None:
    report = Report(out=io.StringIO())
    report.check("the text fits", True, "a" * 200)
    report.item("word " * 100)
    report.verdict()
    shown = report.out.getvalue()  # type: ignore[attr-defined]
    assert f"the text fits{' ' * 50}{'a' * 59}…\n" in shown
    assert "- word" in shown and "word …\n" in shown
