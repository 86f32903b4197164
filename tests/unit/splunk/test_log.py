"""The log: JSON lines, no secrets, no harm when it can't be written."""

import json
import logging

import pytest

from incident_management.splunk import log


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
