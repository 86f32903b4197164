"""Quality of the ranking on RootCauseBench's frozen incidents, when they are at hand.

Three questions: is the culprit's commit named first; is nothing blamed where no commit did it; and
is nothing blamed when the culprit is taken out of the evidence and only decoys are left.
"""

from __future__ import annotations

import pytest

from incident_management.analysis.case import CULPRIT_SCORE
from incident_management.analysis.investigation import investigate
from tests.fakes.clock import ManualClock
from tests.unit.analysis import rootcausebench

pytestmark = pytest.mark.skipif(
    not rootcausebench.folders(),
    reason=f"RootCauseBench is not at {rootcausebench.DATA}; set SHARED_DATA to its parent folder.",
)


def _answer(folder, without=""):
    incident, searcher, now = rootcausebench.load(folder)
    searcher.changes = [c for c in searcher.changes if c["change_id"] != without]
    found = investigate(incident, searcher, ManualClock(now)).hypotheses
    if not found or found[0].kind != "change" or found[0].score < CULPRIT_SCORE:
        return "none", found
    return found[0].change_id, found


def test_the_scorecard(capsys):
    lines, right, calm, decoyed = [], 0, 0, 0
    folders = rootcausebench.folders()
    for folder in folders:
        wanted = rootcausebench.truth(folder)["root_cause_commit"]
        answer, found = _answer(folder)
        right += answer == wanted
        top = f"{found[0].score:.2f} {found[0].cause[:60]}" if found else "-"
        lines.append(f"{'ok ' if answer == wanted else 'BAD'} {folder.name:36} {top}")
        if wanted != "none":
            decoyed += 1
            calm += _answer(folder, without=wanted)[0] == "none"
    with capsys.disabled():
        print("\n" + "\n".join(lines))
        print(f"named rightly: {right} of {len(folders)}")
        print(f"culprit taken out, nothing blamed: {calm} of {decoyed}")
    assert right >= 0.85 * len(folders)
    assert calm >= 0.7 * decoyed
