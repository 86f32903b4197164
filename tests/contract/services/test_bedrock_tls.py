"""Whom the Bedrock client trusts: the real boto3 over TLS, with a private authority and without."""

from __future__ import annotations

import ssl
import time

import certifi
import pytest
import trustme

from incident_management.analysis.llm.bedrock import BedrockModel
from incident_management.analysis.llm.briefing import Question
from incident_management.analysis.llm.model import ModelUnavailable
from incident_management.splunk.configuration.settings import Bedrock

from .connections import DRIPS, Proxy, Raw

pytest.importorskip("boto3")

CONTENT = {"summary": "s", "cause_found": True, "order": [], "claims": [], "hypotheses": []}
REPLY = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"toolUse": {"toolUseId": "t1", "name": "report_analysis", "input": CONTENT}}
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": {"inputTokens": 12, "outputTokens": 3, "totalTokens": 15},
    "metrics": {"latencyMs": 1},
}


@pytest.fixture
def bedrock(tls_receiver):
    tls_receiver.default = (200, {}, REPLY)
    return tls_receiver


def ask(url, timeout_seconds=60.0, **network):
    bedrock = Bedrock(
        model_id="some.model-v1:0",
        region="eu-west-1",
        endpoint_url=url,
        timeout_seconds=timeout_seconds,
    )
    model = BedrockModel(bedrock, ("AKIAEXAMPLE", "s", None), **network)
    return model.ask(Question("You help.", "{}", 0)).content


def test_a_private_authority_is_trusted_when_its_file_is_set(bedrock, ca_file):
    assert ask(bedrock.url, ca_file=ca_file) == CONTENT
    with pytest.raises(ModelUnavailable, match=r"certificate, .*; set ca_file"):
        ask(bedrock.url)


def test_a_private_authority_does_not_take_the_place_of_the_public_ones(
    bedrock, ca_file, monkeypatch, tmp_path
):
    """The file is set for a service of one's own; Bedrock's certificate is a public one."""
    monkeypatch.setattr(certifi, "where", lambda: ca_file)
    own = tmp_path / "own.pem"
    trustme.CA().cert_pem.write_to_path(str(own))
    assert ask(bedrock.url, ca_file=str(own)) == CONTENT


def test_a_proxy_with_a_private_certificate_is_trusted_too(bedrock, ca_file, authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    proxy = Proxy(bedrock.port, tls=context)
    url = f"https://service.example:{bedrock.port}"
    assert ask(url, ca_file=ca_file, proxy_url=f"https://127.0.0.1:{proxy.port}") == CONTENT
    assert proxy.asked[0].startswith("CONNECT service.example:")


def test_an_authority_that_can_not_be_read_is_one_sentence(bedrock, tmp_path):
    with pytest.raises(ModelUnavailable, match=r"can't be read .*; correct ca_file under Network"):
        ask(bedrock.url, ca_file=str(tmp_path / "none.pem"))
    assert bedrock.requests == []


@pytest.mark.parametrize("drip", DRIPS)
def test_an_endpoint_that_drips_its_answer_holds_nobody_up(drip):
    """The timeout was for each read, so an answer of single bytes held an analysis for hours."""
    began = time.monotonic()
    with pytest.raises(ModelUnavailable) as refused:
        ask(Raw(*DRIPS[drip], pause=0.5).url, timeout_seconds=1.2)
    assert time.monotonic() - began < 10 and "timeout" in str(refused.value)
    assert refused.value.charged
