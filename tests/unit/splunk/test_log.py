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


@pytest.mark.parametrize(
    "text",
    [
        "sent with xoxb-12345-secret to Slack",
        "Authorization: Bearer abc.s3cret.def",
        "Authorization: Splunk s3cretAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        '{"password": "s3cret"}',
        "aws_secret_access_key = s3cretKEY",
        "AKIA" + "S3CRETS3CRETAAAA",
        "https://x.example/workflows/1?api=2&sig=s3cret&x=1",
        "https://user:s3cret@proxy.example",
        "https://user:p@s3cret@proxy.example",
        "https://hooks.slack.com/services/T0/B0/s3cret",
        "routing_key='s3cret0123'",
    ],
)
def test_a_secret_is_masked(text):
    masked = log.mask(text)

    assert "s3cret" not in masked.lower().replace("aws_secret", "")
    assert "xoxb-1" not in masked
    assert "***" in masked


def test_ordinary_text_is_left_alone():
    text = "GET /incidents failed: splunkd at https://127.0.0.1:8089 answered 503; 3 tokens left"

    assert log.mask(text) == text


def test_a_log_that_cannot_be_opened_goes_to_stderr(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path / "nowhere"))
    logger = log.get("test_log_stderr")
    try:
        logger.error("still said")
    finally:
        forget("test_log_stderr")
    assert "still said" in capsys.readouterr().err
