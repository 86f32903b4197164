"""Run ``| aianalyze`` and check its top cause and each citation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.demo.report import clip
from tools.demo.shop_client import SERVICES
from tools.demo.splunk_client import SearchOutcome
from tools.demo.world import RESPONDER, World


def run(world: World) -> None:
    """Analyse the incident as the responder, in a search like any other."""
    report = world.report
    spl = f"| aianalyze incident={world.incident_id}"
    report.step(f"{RESPONDER} analyzes the cause: {spl}")
    found = world.as_user(RESPONDER).search(spl)
    for message in found.messages:
        report.say(message)
    if not report.check("The analysis completes", bool(found.rows), f"sid {found.sid}"):
        return
    _show(world, found)
    _check_culprit(world, found)
    _check_citations(world)
    if world.options.bedrock:
        _check_model(world)
    else:
        detail = _texts(found.rows[0]["detail"])
        said = [one for one in detail if one.startswith("No model was asked")]
        report.check(
            "Without a Bedrock account the analysis says that no model was used", bool(said), *said
        )


def _show(world: World, found: SearchOutcome) -> None:
    report, verdict = world.report, found.rows[0]
    report.say(verdict["cause"])
    rows = [row for row in found.rows if row["row"] == "hypothesis"]
    head = ("rank", "score", "source", "change", "cause")
    cells = [
        (r["rank"], r["score"], r["source"], r["change_id"] or "-", clip(r["cause"], 70))
        for r in rows
    ]
    report.table([head, *cells[:5]])
    for citation in _texts(rows[0]["citations"])[:3] if rows else []:
        report.quote("Cited", citation, lines=2)


def _check_culprit(world: World, found: SearchOutcome) -> None:
    shipped = world.bad_change["change_id"]
    hypotheses = [row for row in found.rows if row["row"] == "hypothesis"]
    first = hypotheses[0] if hypotheses else {}
    blamed = found.rows[0]["change_id"]
    world.report.check(
        "The top-ranked cause is the bad change, not a harmless one",
        blamed == shipped == first.get("change_id"),
        f"ranked {blamed or 'no change'}, shipped {shipped}",
    )


def _check_citations(world: World) -> None:
    """Look each verified quote of the first hypothesis up in the files that the services wrote."""
    analysis = analysis_of(world)
    logs = "\n".join(event for service in SERVICES for event in world.shop.events(service))
    feed = (world.shop.home / "log" / "changes.log").read_text(encoding="utf-8")
    text = " ".join(f"{logs}\n{feed}".split())
    cited = [
        citation
        for citation in analysis["hypotheses"][0]["citations"]
        if citation.get("verified") and citation["kind"] != "number"
    ]
    held = [one for one in cited if " ".join(one["quote"].split()) in text]
    world.report.check(
        "All quoted evidence is found in the services' log files",
        bool(cited) and len(held) == len(cited),
        f"{len(held)} of {len(cited)} quotes found",
    )


def _check_model(world: World) -> None:
    """Check that the claim which the fake model invents is shown as rejected."""
    report, analysis = world.report, analysis_of(world)
    asked = world.received("bedrock")
    problems = [problem for entry in asked for problem in entry["problems"]]
    report.check(
        "Bedrock received one signed, valid Converse request",
        len(asked) == 1 and not problems and analysis["model"].get("asked") is True,
        *problems[:1] or [analysis["model"]["detail"]],
    )
    rejected = [claim for claim in analysis["claims"] if claim["status"] == "rejected"]
    quoted = [claim for claim in analysis["claims"] if claim["status"] == "quoted"]
    unchecked = [claim for claim in analysis["claims"] if claim["status"] == "unchecked"]
    for claim in unchecked:
        report.say(f"Not checked: “{claim['text']}” — {claim['reason']}")
    for claim in rejected:
        report.say(f"Rejected: “{claim['text']}” — {claim['reason']}")
    report.check(
        "The invented claim is rejected; the other quotes are found",
        len(rejected) == 1 and len(quoted) >= 1 and len(quoted) + len(unchecked) >= 2,
        f"{len(quoted)} quotes found, {len(unchecked)} not checked, {len(rejected)} rejected",
    )


def analysis_of(world: World) -> Mapping[str, Any]:
    """Return the incident's newest analysis."""
    path = f"/incidents/{world.incident_id}/analysis"
    answer = world.as_user(RESPONDER).incidents(path)
    return dict(answer["analyses"][0]) if "analyses" in answer else dict(answer)


def _texts(value: Any) -> list[str]:
    """Return a result's value as texts: a multivalue field is a list, one value is a string."""
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
