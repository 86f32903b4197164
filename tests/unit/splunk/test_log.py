"""The log: JSON lines, no secrets, no harm when it can't be written."""

import json
import logging
from datetime import datetime
from pathlib import Path

import pytest

from incident_management.splunk import log

PACKAGE = Path(__file__).parents[3] / "package"


def forget(name):
    handler = log._handlers.pop(name)
    logging.getLogger(f"incident_management.{name}").removeHandler(handler)
    handler.close()


@pytest.fixture
def logger(monkeypatch, tmp_path):
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    (tmp_path / "var/log/splunk").mkdir(parents=True)
    made = log.get("test_log")
    yield made
    forget("test_log")


def lines(tmp_path):
    file = tmp_path / "var/log/splunk/incident_management_test_log.log"
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line_is_json_with_its_facts(logger, tmp_path):
    logger.info("kept %s", "INC-1", extra={"facts": {"signals": 3, "message": "not this"}})

    (line,) = lines(tmp_path)
    assert (line["message"], line["signals"], line["level"]) == ("kept INC-1", 3, "INFO")


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", True), ("INFO", False), ("LOUD", False)])
def test_the_level_of_the_configuration_page_is_heeded(logger, tmp_path, level, shown):
    log.set_level("test_log", level)
    logger.debug("a detail")
    text = "".join(file.read_text() for file in tmp_path.rglob("incident_management_*.log"))
    assert ("a detail" in text) == shown


def test_an_exception_is_one_line_without_its_secrets(logger, tmp_path):
    try:
        raise ValueError("token=xoxb-1234-abcd refused")
    except ValueError:
        logger.exception("failed")

    (line,) = lines(tmp_path)
    assert "ValueError" in line["trace"]
    assert "xoxb" not in json.dumps(line)


def test_facts_are_masked_by_their_names_and_within(logger, tmp_path):
    facts = {"session_key": "s3cretAAAA", "asked": [{"url": "https://u:s3cret@x/"}], "tries": 3}
    logger.warning("refused", extra={"facts": facts})

    (line,) = lines(tmp_path)
    assert "s3cret" not in json.dumps(line)
    assert line["tries"] == 3


def test_a_log_that_cannot_be_opened_goes_to_stderr(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path / "nowhere"))
    logger = log.get("test_log_stderr")
    try:
        logger.error("still said")
    finally:
        forget("test_log_stderr")
    assert "still said" in capsys.readouterr().err


def test_splunk_reads_each_line_as_an_event_of_one_source_type(logger, tmp_path):
    """Also a line that is longer than the 10,000 bytes that props.conf leaves by default."""
    pytest.importorskip("pcre2")
    from tools.splunkd_lite.conffile import read
    from tools.splunkd_lite.inputs.breaking import break_events, text_of_span
    from tools.splunkd_lite.inputs.props import props_for
    from tools.splunkd_lite.inputs.timestamps import find_time

    class Conf:
        def stanzas(self, name):
            return read(PACKAGE / "default" / f"{name}.conf")

    logger.info("a long one", extra={"facts": {"detail": "x" * 20_000}})
    logger.info("another")
    file = tmp_path / "var/log/splunk/incident_management_test_log.log"
    for name in (file.name, f"{file.name}.1"):
        props = props_for(Conf(), f"/opt/splunk/var/log/splunk/{name}", "", "sh-1")
        assert props.sourcetype == "incident_management:log"

    data = file.read_bytes()
    events = [text_of_span(data, span, props) for span in break_events(data, props, True)]
    assert [json.loads(event)["message"] for event in events] == ["a long one", "another"]
    for event, line in zip(events, lines(tmp_path)):
        written = datetime.fromisoformat(line["time"]).timestamp()
        assert find_time(event, props) == pytest.approx(written, abs=0.001)
