"""Ask a model on Amazon Bedrock, through the Converse API, for one structured answer.

The answer is the input of a tool that the model must call, so a schema checks its form. Some models
with tools can't be forced to call one ("ToolChoice" in the Amazon Bedrock API Reference): these are
asked again, with the tool call only requested in the text. API: "Converse"
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).
"""

from __future__ import annotations

import random
import time
from contextlib import ExitStack, contextmanager
from typing import Any, Dict, Iterator, Mapping

from ... import aws
from ...splunk.configuration.settings import SHARED_PARTS, Bedrock, SettingsError
from ..budget import Allowance
from .answer_parsing import answer_in
from .briefing import ANSWER_SCHEMA, TOOL, Question
from .model import Answer, ModelUnavailable

__all__ = ["BedrockModel", "from_settings"]

ATTEMPTS = 2
"""Of one call, first one included."""
PAUSE_SECONDS = 2.0
"""Between them: up to twice as long, so that callers do not come back together."""

_REASONS = {
    "AccessDeniedException": "the account may not use this model; allow bedrock:InvokeModel for "
    "it, and see that the account has access to it in this region",
    "ExpiredTokenException": "the session token has expired; set a new one",
    "InvalidSignatureException": "the secret key does not belong to the key id; set both again",
    "InternalServerException": "the service failed; try again later",
    "ModelErrorException": "the model failed on this question",
    "ModelNotReadyException": "the model is not ready; try again later",
    "ModelTimeoutException": "the model took too long",
    "ResourceNotFoundException": "there is no such model in this region; check model_id and region",
    "ServiceQuotaExceededException": "a quota of the account is used up",
    "ServiceUnavailableException": "the service is not available; try again later",
    "ThrottlingException": "the account's rate limit is reached; try again later",
    "UnrecognizedClientException": "the access key is not valid; set it again",
    "ValidationException": "it does not accept the request; check model_id and max_output_tokens",
}


# The meaning of an error by words of its message, where its name alone would mislead.
_SAID = {
    "inference profile": "this model is only reached by an inference profile; set the id of one "
    "that contains it as model_id",
    "tool use": "this model can't call tools; choose one that can",
    "the system field": "this model takes no instructions apart from the question; choose one that "
    "can call tools",
    "identifier is invalid": "there is no such model or inference profile in this region; check "
    "model_id and region",
    "use case details": "the account has not told the model's provider its use case; do so in the "
    "Bedrock console",
    "marked by provider as Legacy": "this model is being retired; choose a newer one",
    "Signature expired": "this machine's clock is wrong; set it right",
    "Signature not yet current": "this machine's clock is wrong; set it right",
    "too long": "the question is too long for this model; choose one that takes longer texts",
}
_STRANGE = "What answered is not Bedrock; check endpoint_url and proxy."

_STOPPED = {
    "max_tokens": "was longer than max_output_tokens; raise that setting",
    "model_context_window_exceeded": "did not fit beside the question; choose a model that takes "
    "longer texts",
    "guardrail_intervened": "was stopped by a guardrail of the account",
    "content_filtered": "was stopped by the model's content filter",
}


# Answers of Bedrock, and errors on the way to it, after which nothing was computed or billed.
_REFUSED = {
    "AccessDeniedException", "ExpiredTokenException", "InvalidSignatureException",
    "ModelNotReadyException", "ResourceNotFoundException", "ServiceQuotaExceededException",
    "ServiceUnavailableException", "ThrottlingException", "UnrecognizedClientException",
    "ValidationException",
}  # fmt: skip
_PASSING = {"InternalServerException", "ServiceUnavailableException", "ThrottlingException"}
"""What may go by itself. A call that timed out is none: a model may be at work on it, and paid."""
_NOT_REACHED = {
    "ConnectTimeoutError", "EndpointConnectionError", "InvalidProxiesConfigError",
    "InvalidRegionError", "ProxyConnectionError", "SSLError", "ValueError",
}  # fmt: skip


class BedrockModel:
    """A model on Amazon Bedrock, asked with one AWS account's keys.

    Args:
        bedrock: the model, its region, the timeout and the limits.
        ca_file: a PEM file of a private CA, trusted in addition to the bundled roots; "" for none.
        proxy_url: an HTTP proxy with its credentials, "" for none.
    """

    def __init__(
        self, bedrock: Bedrock, keys: aws.Keys, ca_file: str = "", proxy_url: str = ""
    ) -> None:
        self.model_id = bedrock.model_id
        self.allowance = Allowance(bedrock.calls_per_incident, bedrock.calls_per_day)
        self._bedrock = bedrock
        self._keys = keys
        self._ca_file = ca_file
        self._proxy_url = proxy_url

    def __repr__(self) -> str:
        return f"BedrockModel({self.model_id!r}, {self._bedrock.region!r})"

    def ask(self, question: Question) -> Answer:
        with aws.quiet():
            from botocore.exceptions import BotoCoreError, ClientError, SSLError
            from botocore.parsers import ResponseParserError

            started = time.monotonic()
            try:
                response = self._converse(self._request(question))
            except ClientError as error:
                said = error.response.get("Error", {})
                raise ModelUnavailable(
                    f"Bedrock was asked, but {_reason(said)}.", said.get("Code") not in _REFUSED
                ) from None
            except SSLError:
                raise ModelUnavailable(
                    "Bedrock could not be asked: its certificate, or the proxy's, is not to be "
                    "trusted; set ca_file under Network if it is a private one."
                ) from None
            except (BotoCoreError, ValueError) as error:
                # botocore raises ValueError for an endpoint that is no URL. The texts of these
                # errors may hold the endpoint or the proxy with its password, so only the kind
                # is named.
                raise ModelUnavailable(
                    f"Bedrock could not be asked: {_words(type(error).__name__)}; check region, "
                    "endpoint_url, proxy and network.",
                    type(error).__name__ not in _NOT_REACHED,
                ) from None
            except (ResponseParserError, AttributeError, TypeError, RecursionError):
                # botocore's parser raises this for JSON of another shape than Converse's.
                raise ModelUnavailable(_STRANGE) from None
        return self._answer(response, time.monotonic() - started)

    def _converse(self, request: Dict[str, Any]) -> Any:
        from botocore.exceptions import ClientError

        with _trusted(self._ca_file) as roots:
            client = self._client(roots)
            attempts = 1
            while True:
                try:
                    return client.converse(**request)
                except ClientError as error:
                    said = error.response.get("Error", {})
                    if _refuses_the_choice(said) and "toolChoice" in request["toolConfig"]:
                        del request["toolConfig"]["toolChoice"]
                        continue
                    if said.get("Code") not in _PASSING or attempts >= ATTEMPTS:
                        raise
                attempts += 1
                time.sleep(PAUSE_SECONDS * (1 + random.random()))

    def _client(self, roots: str) -> Any:
        return aws.client(
            "bedrock-runtime",
            self._bedrock.region,
            self._keys,
            self._bedrock.endpoint_url,
            self._bedrock.timeout_seconds,
            roots,
            self._proxy_url,
        )

    def _request(self, question: Question) -> Dict[str, Any]:
        return {
            "modelId": self.model_id,
            "system": [{"text": question.system}],
            "messages": [{"role": "user", "content": [{"text": question.document}]}],
            "inferenceConfig": {"maxTokens": self._bedrock.max_output_tokens},
            "toolConfig": {
                "tools": [
                    {
                        "toolSpec": {
                            "name": TOOL,
                            "description": "Report what the evidence says about the incident.",
                            "inputSchema": {"json": ANSWER_SCHEMA},
                        }
                    }
                ],
                "toolChoice": {"tool": {"name": TOOL}},
            },
        }

    def _answer(self, response: Any, seconds: float) -> Answer:
        stopped = response.get("stopReason")
        if stopped is None:
            # botocore accepts any 200 as an answer, even a proxy's login page.
            raise ModelUnavailable(_STRANGE)
        if stopped not in ("tool_use", "end_turn"):
            # A truncated tool call also has an input: a part of the answer, or nothing.
            why = _STOPPED.get(stopped, f"ended with {stopped}")
            raise ModelUnavailable(f"The model's answer {why}.", charged=True)
        usage = response.get("usage", {})
        content = answer_in(response.get("output", {}).get("message", {}).get("content", []))
        if content is not None:
            used = int(usage.get("inputTokens", 0)), int(usage.get("outputTokens", 0))
            return Answer(content, self.model_id, *used, seconds)
        raise ModelUnavailable(
            "The model answered, but not in the form it was asked for.", charged=True
        )


@contextmanager
def _trusted(ca_file: str) -> Iterator[str]:
    """Yield what :func:`.aws.trusted` yields. Raises ModelUnavailable."""
    with ExitStack() as stack:
        try:
            roots = stack.enter_context(aws.trusted(ca_file))
        except OSError as error:
            raise ModelUnavailable(
                f"No model was asked: the CA file '{ca_file}' can't be read "
                f"({type(error).__name__}); correct ca_file under Network."
            ) from None
        yield roots


def _refuses_the_choice(error: Mapping[str, Any]) -> bool:
    """Return whether the model refuses a forced tool call; the field has two spellings in
    errors.
    """
    said = str(error.get("Message", "")).replace("_", "").lower()
    return error.get("Code") == "ValidationException" and "toolchoice" in said


def _reason(error: Mapping[str, Any]) -> str:
    """Return why Bedrock refused, in our own words: its text may repeat what was sent."""
    code, text = str(error.get("Code", "unknown error")), str(error.get("Message", ""))
    for words, reason in _SAID.items():
        if words in text:
            return reason
    return _REASONS.get(code, f"it answered {code}")


def from_settings(settings: Any) -> BedrockModel:
    """Create the model that the settings name.

    Raises:
        ModelUnavailable: it is switched off, or something is not configured.
    """
    try:
        return _configured(settings)
    except SettingsError as error:
        raise ModelUnavailable(f"No model was asked: {error}") from None


def _configured(settings: Any) -> BedrockModel:
    """Return the configured settings. Raises ModelUnavailable and SettingsError."""
    bedrock = settings.need("bedrock").bedrock
    if not bedrock.account:
        raise ModelUnavailable(
            "No model was asked: no Bedrock account is configured; add one on the settings page."
        )
    if not bedrock.enabled:
        raise ModelUnavailable("No model was asked: Bedrock is switched off on the settings page.")
    account = settings.need(*SHARED_PARTS).account(bedrock.account)
    if account is None:
        raise ModelUnavailable(
            f"No model was asked: there is no account '{bedrock.account}'; choose another one."
        )
    if not (account.aws_access_key_id and account.aws_secret_access_key):
        raise ModelUnavailable(
            f"No model was asked: the account '{account.name}' has no AWS keys; set them."
        )
    missing = [name for name in ("model_id", "region") if not getattr(bedrock, name)]
    if missing:
        raise ModelUnavailable(
            f"No model was asked: {' and '.join(missing)} of bedrock is not set."
        )
    token = account.aws_session_token or None
    keys = (account.aws_access_key_id, account.aws_secret_access_key, token)
    proxy = aws.proxy_url(settings.proxy, "bedrock-runtime", bedrock.region, bedrock.endpoint_url)
    return BedrockModel(bedrock, keys, settings.network.ca_file, proxy)


def _words(name: str) -> str:
    """Return an error's class name in words: ``EndpointConnectionError`` is ``endpoint
    connection error``.
    """
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
