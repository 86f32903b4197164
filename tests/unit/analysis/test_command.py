from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from incident_management.analysis.command import FIELDS, AnalysisFailed, analyze, rows
from incident_management.splunk.session import SplunkError
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher
from tests.unit.analysis.shop import FakeModel, Shop, fair_answer

BIN = Path(__file__).resolve().parents[3] / "package" / "bin"
ID = scenario.incident()["id"]


class FakeSession:
    """Answers the incident and concludes as the REST handler does."""

    def __init__(self):
        self.shop = Shop()
        self.busy = 0
        self.refuse = None

    def post(self, path, json_body):
        if self.refuse:
            raise self.refuse
        assert path == f"/services/incident_management/v1/incidents/{ID}/analysis"
        if self.busy:
            self.busy -= 1
            raise SplunkError(409, "being made")
        return self.shop.conclude(**json_body)


def _run(session, incident_id=ID):
    slept: list[float] = []
    analysis = analyze(incident_id, session, "sid", slept.append)
    return list(rows(analysis)), slept


def test_the_rows_are_a_verdict_and_the_ranked_hypotheses():
    found, _ = _run(FakeSession())
    assert [row["row"] for row in found[:2]] == ["verdict", "hypothesis"]
    assert all(tuple(row) == FIELDS for row in found)
    assert found[0]["change_id"] == found[1]["change_id"] == "chg-pool"
    assert found[1]["verified"] == "yes"
    assert any("(verified)" in citation for citation in found[1]["citations"])
    assert found[0]["confidence"] == "high"
    began, following, asked, *looked = found[0]["detail"]
    assert began == ("Began 2023-11-14 22:13:40 UTC. orders: 49 errors, 0 in the calm time before.")
    assert following == f"Next: | remediate incident={ID} proposes a fix."
    assert asked == "No model was asked: no Bedrock account is configured."
    assert "Found: frontend: 49 errors, 0 in the calm time before." in looked
    assert not [said for said in looked if began.split(". ", 1)[1] in said], "it is told once"
    headings = [said.split(":")[0] for said in looked]
    assert headings == sorted(headings), "what was not found comes after what was"


def test_where_nothing_is_blamed_the_verdict_tells_what_was_checked():
    shop = Shop()
    shop.searcher = EventSearcher(scenario.logs(), [], [])
    (verdict,) = rows(shop.conclude())
    assert verdict["cause"] == "No cause in this evidence."
    assert verdict["detail"][1].startswith("Next: read what was logged right before")
    missing = "Not found: No change events. If changes are indexed, check the macro"
    assert any(said.startswith(missing) for said in verdict["detail"])


def test_a_rejected_claim_takes_nothing_from_the_citations_that_were_found_again():
    verdict = next(rows(Shop().conclude(FakeModel(fair_answer))))
    assert verdict["verified"] == "14 of 14"


def test_beside_a_sure_cause_no_lead_distracts():
    shop = Shop()
    shop.release(-30, "chg-bare", "orders", "1.15")
    analysis = shop.conclude()
    assert analysis["confidence"] == "high" and "Worth a look" not in analysis["verdict"]


def test_the_verdict_says_what_ties_a_change_to_the_errors():
    said = Shop().conclude()["verdict"]
    assert "It lowers database.pool_size from 10 to 1; the errors indicate" in said
    assert said.endswith("It came 20 seconds before the errors began.")


def test_what_a_model_said_is_reported_as_quoted_or_unchecked_and_never_as_verified():
    def answer(document):
        pool = next(e for e in document["events"] if "QueuePool" in e["text"])
        claim = {
            "text": "The pool is used up.",
            "citation_id": pool["id"],
            "quote": "QueuePool limit of size 1",
            "hypothesis_id": "H1",
            "stance": "for",
        }
        return {
            "summary": "Restore the backup.", "cause_found": True, "order": [], "claims": [claim],
            "hypotheses": [{"cause": "The pool leaks", "claims": [claim]}],
        }  # fmt: skip

    verdict, first, *others = rows(Shop().conclude(FakeModel(answer)))
    assert verdict["detail"][3] == "Model summary (not checked): Restore the backup."
    assert first["detail"][0].endswith(", quote found]")
    (added,) = [row for row in others if row["source"] == "model"]
    assert added["verified"] == "quote found"
    said = " ".join([*verdict["detail"], *first["detail"], *added["detail"]])
    assert "verified" not in said


def test_another_launch_of_the_search_is_waited_for():
    session = FakeSession()
    session.busy = 2
    found, slept = _run(session)
    assert found[0]["change_id"] == "chg-pool" and len(slept) == 2


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (404, "No incident INC-20231114-ABCDEF; check the id."),
        (403, "POST needs the capability incident_write, which bob lacks."),
    ],
)
def test_a_refusal_is_passed_on_as_one_sentence(status, text):
    session = FakeSession()
    session.refuse = SplunkError(status, text)
    with pytest.raises(AnalysisFailed) as caught:
        _run(session)
    assert str(caught.value) == text


def test_an_id_may_be_typed_in_small_letters():
    assert _run(FakeSession(), ID.lower()) == _run(FakeSession())


@pytest.mark.parametrize("bad", ["", "INC-1", "../../x", "INC-20231114-ABCDEF/../y", "x" * 500])
def test_what_is_no_incident_id_is_refused_before_anything_is_asked(bad):
    session = FakeSession()
    session.refuse = AssertionError("nothing may be asked")
    with pytest.raises(AnalysisFailed, match="is not an incident's id"):
        _run(session, bad)


def test_the_command_speaks_the_chunked_protocol_and_says_what_is_wrong():
    found = _launch("incident=nonsense")
    assert "'nonsense' is not an incident's id" in found


def test_a_missing_option_is_named():
    assert "incident" in _launch()


def _launch(*args):
    """Start the command as splunkd does, and return what it wrote."""
    info = {
        "action": "getinfo",
        "preview": False,
        "searchinfo": {
            "args": list(args), "raw_args": list(args), "dispatch_dir": "/nowhere", "sid": "1.1",
            "app": "incident_management", "owner": "admin", "username": "admin",
            "session_key": "k", "splunkd_uri": "https://127.0.0.1:9", "splunk_version": "9.4.0",
            "search": "", "command": "aianalyze", "maxresultrows": 50000,
            "earliest_time": "0", "latest_time": "0",
        },
    }  # fmt: skip
    sent = b"".join(_chunk(part) for part in (info, {"action": "execute", "finished": True}))
    done = subprocess.run(
        [sys.executable, str(BIN / "aianalyze.py")],
        input=sent,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stdout + done.stderr
    return done.stdout.decode()


def _chunk(metadata):
    text = json.dumps(metadata).encode()
    return b"chunked 1.0,%d,0\n" % len(text) + text
