"""Amazon Bedrock's Converse operation, for a real boto3 client with ``endpoint_url``.

The request is checked against botocore's own model of the service, and its Signature Version 4 is
computed again with botocore and compared. What answers is no language model but the rules of
:mod:`tools.demo.receivers.reader`, and the answer says so.
"""

from __future__ import annotations

import datetime
import hmac
import json
import re
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator

from tools.demo.receivers import reader
from tools.demo.receivers.exchange import Answer, Incoming

PATH = re.compile(r"^/model/(?P<model>.+)/converse$")
AUTHORIZATION = re.compile(
    r"^AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/bedrock/"
    r"aws4_request, ?SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})$"
)
MAX_SKEW_SECONDS = 300.0


class Bedrock:
    """One account in one region, with one key pair that may call one model."""

    name = "bedrock"

    def __init__(self, access_key: str, secret_key: str, region: str, model_id: str) -> None:
        self._credentials = Credentials(access_key, secret_key)
        self._region = region
        self._model_id = model_id
        service = botocore.session.get_session().get_service_model("bedrock-runtime")
        self._operation = service.operation_model("Converse")

    def serves(self, path: str) -> bool:
        """Tell whether a path is a model's."""
        return path.startswith("/model/")

    def answer(self, request: Incoming) -> Answer:
        """Answer a Converse request."""
        address = PATH.match(request.path)
        if not address or request.method != "POST":
            return _error(404, "UnknownOperationException", "only Converse is known here")
        wrong = self._signature_problem(request)
        if wrong:
            return _error(403, "InvalidSignatureException", wrong)
        if address["model"] != self._model_id:
            return _error(404, "ResourceNotFoundException", f"no model {address['model']!r}")
        body = request.json_object()
        if body is None:
            return _error(400, "ValidationException", "the body is not a JSON object")
        report = ParamValidator().validate(
            {"modelId": address["model"], **body}, self._operation.input_shape
        )
        if report.has_errors():
            return _error(400, "ValidationException", report.generate_report())
        tool = _tool(body)
        if not tool:
            return _error(400, "ValidationException", "this endpoint answers with a tool only")
        return self._converse(body, tool)

    def limited(self, retry_after: int) -> Answer:
        """Say that there were too many requests."""
        answer = _error(429, "ThrottlingException", "Too many requests, please wait.")
        answer.headers["Retry-After"] = str(retry_after)
        answer.problems = []
        return answer

    def _converse(self, body: dict[str, Any], tool: dict[str, Any]) -> Answer:
        asked = _texts(body)
        found = reader.read(asked, tool["inputSchema"]["json"])
        use = {"toolUseId": "tooluse_demo", "name": tool["name"], "input": found}
        size_in, size_out = len(asked) // 4, len(json.dumps(found)) // 4
        document = {
            "output": {"message": {"role": "assistant", "content": [{"toolUse": use}]}},
            "stopReason": "tool_use",
            "usage": {
                "inputTokens": size_in,
                "outputTokens": size_out,
                "totalTokens": size_in + size_out,
            },
            "metrics": {"latencyMs": 1},
        }
        report = ParamValidator().validate(document, self._operation.output_shape)
        if report.has_errors():
            raise AssertionError(report.generate_report())
        return Answer(body=document, message={"asked": asked, "answered": found})

    def _signature_problem(self, request: Incoming) -> str:
        """Return what is wrong with the request's signature, empty when it is right."""
        given = AUTHORIZATION.match(request.headers.get("authorization", ""))
        if not given:
            return "the Authorization header is not AWS Signature Version 4 for bedrock"
        if given["key"] != self._credentials.access_key:
            return "the access key id is not known"
        if given["region"] != self._region:
            return f"the credential is for the region {given['region']}, not {self._region}"
        stamp = request.headers.get("x-amz-date", "")
        if not _is_recent(stamp):
            return "X-Amz-Date is missing or too far from now"
        expected = self._signature(request, given["signed"].split(";"), stamp)
        if not hmac.compare_digest(expected, given["signature"]):
            return "the signature does not match: the secret key or the request is another one"
        return ""

    def _signature(self, request: Incoming, signed: list[str], stamp: str) -> str:
        url = f"https://{request.headers.get('host', '')}{request.raw_path}"
        again = AWSRequest(method=request.method, url=url, data=request.body)
        for name in signed:
            again.headers[name] = request.headers.get(name, "")
        again.context["timestamp"] = stamp
        signer = SigV4Auth(self._credentials, "bedrock", self._region)
        canonical = signer.canonical_request(again)
        return str(signer.signature(signer.string_to_sign(again, canonical), again))


def _is_recent(stamp: str) -> bool:
    try:
        when = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    except ValueError:
        return False
    now = datetime.datetime.now(datetime.timezone.utc)
    age = now - when.replace(tzinfo=datetime.timezone.utc)
    return abs(age.total_seconds()) <= MAX_SKEW_SECONDS


def _tool(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the tool that the request wants to be answered with."""
    config = body.get("toolConfig") or {}
    wanted = ((config.get("toolChoice") or {}).get("tool") or {}).get("name")
    for one in config.get("tools") or []:
        specification = one.get("toolSpec")
        if specification and wanted in (None, specification["name"]):
            return dict(specification)
    return None


def _texts(body: dict[str, Any]) -> str:
    """Return the user's texts of a request, one after another."""
    return "\n".join(
        part["text"]
        for message in body["messages"]
        if message["role"] == "user"
        for part in message["content"]
        if "text" in part
    )


def _error(status: int, kind: str, message: str) -> Answer:
    headers = {"x-amzn-ErrorType": kind, "x-amzn-RequestId": "00000000-0000-0000-0000-000000000000"}
    return Answer(status, {"message": message}, headers, [f"{kind}: {message}"])
