"""Modular inputs run on every member of a search head cluster.

Source: inputs.conf.spec 10.2: ``run_only_one`` is "currently not supported", so each member runs
each input, and an app that wants one must see to it.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.contract.running.tiny_app import make_app
from tests.standin import start_standin
from tools.splunkd_lite.cluster.membership import ClusterOptions


def test_an_input_runs_on_each_member_with_a_checkpoint_folder_of_its_own(tmp_path: Path) -> None:
    app = make_app(tmp_path / "source")
    source = (app / "bin/ticker.py").read_text()
    told = 'version = inputs.metadata["checkpoint_dir"]'
    (app / "bin/ticker.py").write_text(
        source.replace('version = self.service.info["version"]', told)
    )
    members = []
    try:
        for label in ("sh1", "sh2", "sh3"):
            cluster = ClusterOptions(tmp_path / "cluster", label, 3, 2.0)
            members.append(
                start_standin(
                    tmp_path, [app], home=tmp_path / label, cluster=cluster, https=False,
                    parts=["inputs"],
                )
            )  # fmt: skip
        spl = (
            "search index=shop sourcetype=ticker | stats dc(_raw) AS folders values(host) AS hosts"
        )
        until = time.monotonic() + 60
        while (rows := members[0].search(spl))[0]["folders"] != "3" and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        for member in members:
            member.stop()
    assert rows == [{"folders": "3", "hosts": ["sh1", "sh2", "sh3"]}]
