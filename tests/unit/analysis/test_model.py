"""The real boto3 client against a small HTTP server that speaks Converse."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from incident_management import aws
from incident_management.analysis.budget import Allowance
from incident_management.analysis.llm.bedrock import BedrockModel, from_settings
from incident_management.analysis.llm.briefing import ANSWER_SCHEMA, Question
from incident_management.analysis.llm.model import ModelUnavailable
from incident_management.splunk.configuration.settings import (
    Account,
    Bedrock,
    Proxy,
    Settings,
    parse,
)

pytest.importorskip("boto3")

QUESTION = Question("You help.", '{"events": []}', 0)
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ANSWER = {"summary": "s", "cause_found": True, "order": [], "claims": [], "hypotheses": []}


class Service:
    """Answers every request with ``status`` and ``body``; keeps what it was sent.

    ``refuses`` gives the message of a ValidationException for a request, "" for none.
    """

    def __init__(self):
        service = self
        self.status, self.body, self.kind = 200, _reply(ANSWER), ""
        self.requests: list[Any] = []
        self.refuses = lambda sent: ""

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers["Content-Length"])
                sent = json.loads(self.rfile.read(size))
                service.requests.append((self.path, sent))
                refused = service.refuses(sent)
                data = json.dumps({"message": refused} if refused else service.body).encode()
                self.send_response(400 if refused else service.status)
                self.send_header("Content-Type", "application/json")
                if service.kind or refused:
                    self.send_header("x-amzn-ErrorType", service.kind or "ValidationException")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _reply(content, stop="tool_use"):
    use = {"toolUseId": "t1", "name": "report_analysis", "input": content}
    return {
        "output": {"message": {"role": "assistant", "content": [{"toolUse": use}]}},
        "stopReason": stop,
        "usage": {"inputTokens": 12, "outputTokens": 3, "totalTokens": 15},
        "metrics": {"latencyMs": 1},
    }


@pytest.fixture
def service():
    service = Service()
    yield service
    service.server.shutdown()
    service.server.server_close()


def _model(url, **more):
    bedrock = Bedrock(model_id="some.model-v1:0", region="eu-west-1", endpoint_url=url, **more)
    return BedrockModel(bedrock, ("AKIAEXAMPLE", SECRET, None))


def test_the_answer_is_the_input_of_the_tool(service):
    answer = _model(service.url, max_output_tokens=77).ask(QUESTION)
    assert (answer.content, answer.input_tokens, answer.output_tokens) == (ANSWER, 12, 3)
    path, sent = service.requests[0]
    assert path == "/model/some.model-v1%3A0/converse"
    assert sent["inferenceConfig"] == {"maxTokens": 77}
    tool = sent["toolConfig"]["tools"][0]["toolSpec"]
    assert sent["toolConfig"]["toolChoice"] == {"tool": {"name": tool["name"]}}
    assert tool["inputSchema"]["json"] == ANSWER_SCHEMA
    assert sent["messages"] == [{"role": "user", "content": [{"text": QUESTION.document}]}]


@pytest.mark.parametrize(
    ("status", "kind", "says", "calls"),
    [
        (400, "ValidationException", "check model_id", 1),
        (403, "AccessDeniedException", "bedrock:InvokeModel", 1),
        (403, "UnrecognizedClientException", "access key is not valid", 1),
        (404, "ResourceNotFoundException", "no such model", 1),
        (429, "ThrottlingException", "rate limit", 2),
        (503, "ServiceUnavailableException", "not available", 2),
    ],
)
def test_a_refusal_is_one_sentence_after_bounded_tries(service, status, kind, says, calls):
    service.status, service.kind = status, kind
    service.body = {"message": f"key {SECRET} was refused"}
    with pytest.raises(ModelUnavailable) as caught:
        _model(service.url).ask(QUESTION)
    assert says in str(caught.value)
    assert SECRET not in str(caught.value) and str(caught.value).count(".") == 1
    assert len(service.requests) == calls
    assert caught.value.charged is False


PROFILE = "with on-demand throughput isn't supported. Retry with the ARN of an inference profile"


@pytest.mark.parametrize(
    ("kind", "message", "says"),
    [
        ("ValidationException", PROFILE, "only reached by an inference profile"),
        ("ValidationException", "This model doesn't support tool use.", "can't call tools"),
        ("ValidationException", "This model doesn't support the system field.", "no instructions"),
        ("ValidationException", "The provided model identifier is invalid.", "model_id and region"),
        ("ValidationException", "Input is too long for requested model.", "longer texts"),
        ("ResourceNotFoundException", "Model use case details have not been submitted", "use case"),
        ("ResourceNotFoundException", "This Model is marked by provider as Legacy", "retired"),
        ("InvalidSignatureException", "Signature expired: 20231114T2 is now earlier", "clock"),
        ("InvalidSignatureException", "The request signature does not match", "secret key"),
    ],
)
def test_what_is_wrong_is_reported_and_not_what_the_error_is_called(service, kind, message, says):
    service.status, service.kind, service.body = 400, kind, {"message": message}
    with pytest.raises(ModelUnavailable, match=says) as caught:
        _model(service.url).ask(QUESTION)
    assert (caught.value.charged, len(service.requests)) == (False, 1)


def test_a_call_that_timed_out_is_not_paid_for_twice(service):
    def slow(sent):
        time.sleep(1.5)
        return ""

    service.refuses = slow
    with pytest.raises(ModelUnavailable, match="read timeout error") as caught:
        _model(service.url, timeout_seconds=0.3).ask(QUESTION)
    assert caught.value.charged is True
    time.sleep(2.0)
    assert len(service.requests) == 1


def test_an_answer_without_the_tool_is_said_to_be_in_the_wrong_form(service):
    service.body = _reply(ANSWER)
    service.body["output"]["message"]["content"] = [{"text": "I would rather chat."}]
    with pytest.raises(ModelUnavailable, match="not in the form"):
        _model(service.url).ask(QUESTION)


def test_an_answer_cut_short_names_the_setting(service):
    service.body = _reply(ANSWER, stop="max_tokens")
    service.body["output"]["message"]["content"] = [{"text": "and so"}]
    with pytest.raises(ModelUnavailable, match="max_output_tokens"):
        _model(service.url).ask(QUESTION)


@pytest.mark.parametrize("part", [{}, {"summary": "The pool was made smaller and the"}, ANSWER])
@pytest.mark.parametrize(
    ("stop", "says"),
    [
        ("max_tokens", "max_output_tokens"),
        ("model_context_window_exceeded", "did not fit"),
        ("guardrail_intervened", "guardrail"),
        ("content_filtered", "filter"),
        ("malformed_tool_use", "ended with malformed_tool_use"),
    ],
)
def test_a_tool_call_that_was_cut_off_is_no_answer(service, part, stop, says):
    service.body = _reply(part, stop=stop)
    with pytest.raises(ModelUnavailable, match=says) as caught:
        _model(service.url).ask(QUESTION)
    assert str(caught.value).count(".") == 1
    assert caught.value.charged is True


CLAIM = {"text": "It is full.", "citation_id": "C1", "quote": "No space left"}


def test_lists_that_came_as_texts_are_read(service):
    # boto/boto3#4644 on GitHub: the text of a list, and a tag of the model's own markup after it
    said = {**ANSWER, "claims": json.dumps([CLAIM], indent=1) + "\n</invoke>", "order": '["H1"]'}
    service.body = _reply(said)
    assert _model(service.url).ask(QUESTION).content == {
        **ANSWER,
        "claims": [CLAIM],
        "order": ["H1"],
    }


@pytest.mark.parametrize(
    "form",
    [
        "{answer}",
        "Here is what I found:\n```json\n{answer}\n```\nI hope that {{this}} helps.",
        'The set {{C1, C2}} says:\n{{"name": "report_analysis", "parameters": {answer}}}',
        '<tool_call>\n{{"name": "report_analysis", "arguments": {answer}}}\n</tool_call>',
    ],
)
def test_a_call_that_is_written_out_is_read(service, form):
    # BerriAI/litellm#28596 on GitHub
    said = {**ANSWER, "claims": [CLAIM]}
    service.body = _reply(ANSWER, stop="end_turn")
    text = form.format(answer=json.dumps(said))
    service.body["output"]["message"]["content"] = [{"text": text}]
    assert _model(service.url).ask(QUESTION).content == said


@pytest.mark.parametrize(
    "text", ["I can't help with that.", "{" * 5000, '{"summary": 5}', '{"a": 1} {"summary": "s"}']
)
def test_a_text_that_is_no_answer_is_said_to_be_none(service, text):
    service.body = _reply(ANSWER, stop="end_turn")
    service.body["output"]["message"]["content"] = [{"text": text}]
    with pytest.raises(ModelUnavailable, match="not in the form"):
        _model(service.url).ask(QUESTION)


def test_a_tool_call_without_a_summary_is_no_answer(service):
    service.body = _reply({})
    with pytest.raises(ModelUnavailable, match="not in the form"):
        _model(service.url).ask(QUESTION)


@pytest.mark.parametrize(
    "refused",
    [
        # Bedrock's own: strands-agents/harness-sdk#1241 and vercel/ai#4396 on GitHub
        "This model doesn't support the toolConfig.toolChoice.tool field. Remove "
        "toolConfig.toolChoice.tool and try again.",
        "The model returned the following errors: tool_choice forces tool use, which is not "
        "supported with this model",
    ],
)
def test_a_model_that_can_not_be_forced_to_call_a_tool_is_asked_to(service, refused):
    service.refuses = lambda sent: refused if "toolChoice" in sent["toolConfig"] else ""
    assert _model(service.url).ask(QUESTION).content == ANSWER
    (_, first), (_, second) = service.requests
    del first["toolConfig"]["toolChoice"]
    assert first == second


def test_another_fault_of_the_request_is_not_tried_again(service):
    service.refuses = lambda sent: "The provided model identifier is invalid."
    with pytest.raises(ModelUnavailable, match="check model_id"):
        _model(service.url).ask(QUESTION)
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        # Bedrock's own sentences: langchain-ai/langchain-aws#1019 on GitHub for the first.
        (
            "Invocation of model ID some.model-v1:0 with on-demand throughput isn’t supported. "
            "Retry your request with the ID or ARN of an inference profile that contains this "
            "model.",
            "set the id of one that contains it as model_id",
        ),
        ("This model doesn't support tool use.", "choose one that can"),
        ("Input is too long for requested model.", "takes longer texts"),
    ],
)
def test_what_a_model_does_not_take_is_named(service, refused, says):
    service.refuses = lambda sent: refused
    with pytest.raises(ModelUnavailable, match=says) as caught:
        _model(service.url).ask(QUESTION)
    assert str(caught.value).count(".") == 1


_USE = {"toolUseId": "t1", "name": "report_analysis", "input": ANSWER}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [1],
        "<html>Please log in.</html>",
        {},
        {"output": "x", "stopReason": "tool_use"},
        {"output": {"message": None}, "stopReason": "tool_use"},
        {"output": {"message": {"content": ["x"]}}, "stopReason": "tool_use"},
        {"output": {"message": {"content": [{"toolUse": _USE}]}}},
    ],
)
def test_what_is_not_bedrock_costs_the_model_and_not_the_analysis(service, body):
    service.body = body
    with pytest.raises(ModelUnavailable, match="not Bedrock; check endpoint_url and proxy"):
        _model(service.url).ask(QUESTION)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "not a url"])
def test_an_endpoint_that_can_not_be_reached_is_one_sentence(url):
    with pytest.raises(ModelUnavailable) as caught:
        _model(url).ask(QUESTION)
    assert "could not be asked" in str(caught.value)
    assert caught.value.charged is False
    assert SECRET not in str(caught.value)


ACCOUNT = Account("aws", "AKIAEXAMPLE", SECRET)
WHOLE = Bedrock(True, "aws", "some.model", "eu-west-1")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(), "no Bedrock account is configured"),
        (Settings(bedrock=Bedrock(True)), "no Bedrock account is configured"),
        (Settings(bedrock=Bedrock(False, "aws")), "switched off"),
        (Settings(bedrock=WHOLE), "there is no account 'aws'"),
        (Settings(bedrock=WHOLE, accounts={"aws": Account("aws")}), "has no AWS keys"),
        (Settings(bedrock=Bedrock(True, "aws"), accounts={"aws": ACCOUNT}), "model_id and region"),
    ],
)
def test_what_is_not_configured_is_named(settings, says):
    with pytest.raises(ModelUnavailable, match=says):
        from_settings(settings)


@pytest.mark.parametrize(
    ("stanza", "values", "asked"),
    [
        ("lifecycle", {"keep": "1d"}, True),
        ("slack", {"bot_token": "******"}, True),
        ("bedrock", {"timeout_seconds": "soon"}, False),
        ("network", {"web_url": "ftp://x"}, False),
        ("proxy", {"proxy_enabled": "1", "proxy_url": "p", "proxy_port": "0"}, False),
        ("proxy", {"proxy_enabled": "0", "proxy_password": "******"}, True),
    ],
)
def test_only_what_a_model_needs_keeps_it_from_being_asked(stanza, values, asked):
    bedrock = {"enabled": "1", "account": "aws", "model_id": "m", "region": "eu-west-1"}
    stanzas = {"bedrock": bedrock}
    stanzas[stanza] = {**stanzas.get(stanza, {}), **values}
    account = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": SECRET}
    settings = parse(stanzas, {"aws": account, "other": {"aws_secret_access_key": "******"}})

    if asked:
        assert from_settings(settings).model_id == "m"
        return
    with pytest.raises(ModelUnavailable, match=rf"No model was asked: .*\[{stanza}\]"):
        from_settings(settings)


def test_an_account_without_its_secret_is_named():
    stanzas = {"bedrock": {"enabled": "1", "account": "aws"}}
    settings = parse(stanzas, {"aws": {"aws_secret_access_key": "******"}})
    with pytest.raises(ModelUnavailable, match=r"\[aws\] aws_secret_access_key is not in Splunk's"):
        from_settings(settings)


def test_the_model_of_the_settings_has_their_allowance_and_does_not_show_its_keys():
    bedrock = dataclasses.replace(WHOLE, calls_per_incident=3, calls_per_day=5)
    model = from_settings(Settings(bedrock=bedrock, accounts={"aws": ACCOUNT}))
    assert SECRET not in repr(model)
    assert model.allowance == Allowance(3, 5)
    assert model.model_id == "some.model"


@pytest.mark.parametrize("endpoint", ["https://vpce-1.example.com", ""])
def test_an_endpoint_of_ones_own_network_is_asked_without_the_proxy(endpoint):
    places = ("example.com", "bedrock-runtime.eu-west-1.amazonaws.com")
    proxy = Proxy(True, "http", "127.0.0.1", 9)
    asked = ("bedrock-runtime", "eu-west-1", endpoint)
    assert aws.proxy_url(proxy, *asked) == "http://127.0.0.1:9"
    assert aws.proxy_url(dataclasses.replace(proxy, no_proxy=places), *asked) == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_is_asked_without_the_proxy(host):
    """The page says so, and what listens here is nothing that a proxy can reach."""
    proxy = Proxy(True, "http", "proxy.example", 3128)
    assert aws.proxy_url(proxy, "ecs", "eu-west-1", f"http://{host}:9000") == ""


def test_a_proxy_with_its_password_is_used_and_never_shown():
    proxy = Proxy(True, "http", "127.0.0.1", 9, "u", "p@ss/word")
    settings = Settings(bedrock=WHOLE, accounts={"aws": ACCOUNT}, proxy=proxy)
    with pytest.raises(ModelUnavailable) as caught:
        from_settings(settings).ask(QUESTION)
    assert "p@ss" not in str(caught.value) and "p%40ss" not in str(caught.value)
