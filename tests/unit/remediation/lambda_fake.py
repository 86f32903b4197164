"""An AWS Lambda with a memory: one function, its versions and aliases, behind real boto3.

Written from the service's API reference (botocore ships it as a model) and strict: what a request
holds that these calls do not take is an error of the test. It is asked through botocore's own
parser, either in this process or over HTTP.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from incident_management import aws
from incident_management.remediation.executors.aws.aws_lambda import Lambda
from tests.unit.remediation.bench import Bench

pytest.importorskip("boto3")
awsrequest = pytest.importorskip("botocore.awsrequest")

REGION = "eu-west-1"
FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:checkout"
ARGUMENTS = {"service": "checkout", "alias": "prod", "running": "42", "to_version": "41"}
ALIAS = "/2015-03-31/functions/checkout/aliases/prod"
CONFIGURATION = "/2015-03-31/functions/checkout/configuration"
CONCURRENCY = "/2019-09-30/functions/checkout/provisioned-concurrency"
TAGS = f"/2017-03-31/tags/{FUNCTION}"
# So that the other share of a fix with provisioned concurrency stands before it is looked for.
LOOKS = 2


def in_region(_arguments):
    return REGION


class Refusal(Exception):
    def __init__(self, status, code, message="No."):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


GONE = "ResourceNotFoundException"


class FakeLambda:
    """``faults`` are raised or answered, in order, by the requests to come; None is none.

    ``updated`` is called after each move that was asked for.
    """

    def __init__(self):
        self.states = {"41": "Active", "42": "Active", "43": "Active"}
        self.tags = {"incident-management": "allowed"}
        self.concurrency = {}
        self.revisions = iter(range(1, 10_000))
        self.arn = f"{FUNCTION}:prod"
        self.asked = []
        self.faults = []
        self.updates = 0
        self.updated = lambda: None
        self.point("42")

    def point(self, version, **weights):
        """Somebody has the alias send its calls elsewhere."""
        self.version, self.weights = version, {k.strip("v"): v for k, v in weights.items()}
        self.revision = f"rev-{next(self.revisions)}"
        self.moving = 0

    @property
    def routing(self):
        return self.version, self.weights

    def answer(self, method, target, body):
        """Answer a request. Raises Refusal."""
        url = urlsplit(target)
        path, query = unquote(url.path), dict(parse_qsl(url.query))
        self.asked.append((method, path, body))
        if (method, path) == ("GET", TAGS):
            return {"Tags": self.tags}
        if (method, path) == ("GET", CONFIGURATION):
            version = query.pop("Qualifier")
            assert not query
            if version not in self.states:
                raise Refusal(404, GONE, f"Function not found: {FUNCTION}:{version}")
            secrets = {"Variables": {"PASSWORD": "hunter2"}}
            return {"Version": version, "State": self.states[version], "Environment": secrets}
        if (method, path) == ("GET", CONCURRENCY):
            qualifier = query.pop("Qualifier")
            if qualifier not in self.concurrency:
                raise Refusal(404, "ProvisionedConcurrencyConfigNotFoundException")
            return {"RequestedProvisionedConcurrentExecutions": self.concurrency[qualifier]}
        assert path == ALIAS and not query, f"Lambda has no {method} {target}"
        if method == "PUT":
            self.update(body)
        else:
            assert method == "GET"
            self.move_on()
        return self.alias()

    def update(self, body):
        """Move the alias, as UpdateAlias does."""
        assert set(body) == {"FunctionVersion", "RoutingConfig", "RevisionId"}
        if body["RevisionId"] != self.revision:
            raise Refusal(412, "PreconditionFailedException", "The Revision Id does not match.")
        weights = body["RoutingConfig"]["AdditionalVersionWeights"]
        version = body["FunctionVersion"]
        assert len(weights) < 2 and version not in weights
        for one in (version, *weights):
            if one not in self.states:
                raise Refusal(404, GONE, f"Function not found: {FUNCTION}:{one}")
        before = self.version
        self.point(version, **weights)
        self.updates += 1
        self.updated()
        if "prod" in self.concurrency and before != version:
            # As terraform-provider-aws saw it: the version of before keeps the calls for a while.
            self.weights, self.moving = {before: 1.0}, LOOKS

    def move_on(self):
        if self.moving:
            self.moving -= 1
            if not self.moving:
                self.point(self.version)

    def alias(self):
        told = {"AliasArn": self.arn, "Name": "prod", "Description": "",
                "FunctionVersion": self.version, "RevisionId": self.revision}  # fmt: skip
        config = {"RoutingConfig": {"AdditionalVersionWeights": self.weights}}
        return {**told, **config} if self.weights else told

    def replied(self, method, target, body):
        """Answer with a status, headers and bytes; by a fault, where one is due."""
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, BaseException) and not isinstance(fault, Refusal):
            raise fault
        if isinstance(fault, bytes):
            return 200, {}, fault
        try:
            if isinstance(fault, Refusal):
                raise fault
            told = self.answer(method, target, json.loads(body) if body else None)
        except Refusal as refusal:
            said = {"Type": "User", "message": refusal.message}
            return refusal.status, {"x-amzn-ErrorType": refusal.code}, json.dumps(said).encode()
        if callable(fault):
            fault()
        return 200, {}, json.dumps(told).encode()

    @contextmanager
    def connect(self, _arguments=None):
        """Yield a client of boto3 whose requests come here."""
        client, asked = in_process()
        asked.append(self)
        try:
            yield client
        finally:
            asked.pop()

    @property
    def executor(self):
        return Lambda(self.connect, in_region, in_region, sleep=lambda seconds: None)

    @contextmanager
    def served(self):
        """Yield the address of a server that answers the same over HTTP."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers["Content-Length"] or 0)
                try:
                    status, headers, body = fake.replied(
                        self.command, self.path, self.rfile.read(length)
                    )
                except ConnectionError:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_GET

            def log_message(self, *_said):
                pass

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()


@lru_cache(maxsize=1)
def in_process():
    """Return a client that sends nothing, made once as that takes long, and whom it asks."""
    asked: list[FakeLambda] = []
    client = aws.client("lambda", REGION, ("a", "b", None))

    def answered(request, **_event):
        target = re.sub("^https://[^/]*", "", request.url)
        status, headers, body = asked[-1].replied(request.method, target, request.body)
        return awsrequest.AWSResponse(request.url, status, headers, Raw(body))

    client.meta.events.register("before-send.lambda", answered)
    return client, asked


class Raw:
    def __init__(self, body):
        self.body = body

    def stream(self, **_how):
        yield self.body


BACK = {
    "label": "Put the alias back", "executor": "lambda", "argument.alias": "prod",
    "argument.service": "$analysis.service$", "argument.running": "$analysis.version$",
    "argument.running.type": "function_version",
    "argument.to_version": "$analysis.previous_version$",
    "argument.to_version.type": "function_version",
    "blast_radius": "$service$ runs $to_version$. $provisioned$", "inverse": "forth",
}  # fmt: skip
FORTH = {
    **BACK, "label": "Put it forth", "inverse": "", "inverse_only": "1",
    "argument.service": "$plan.service$", "argument.running": "$plan.to_version$",
    "argument.to_version": "$plan.running$", "argument.to_routing": "$before.routing$",
    "argument.to_routing.type": "routing", "blast_radius": "$service$ runs $to_routing$.",
}  # fmt: skip


class Serverless(Bench):
    """Its only action puts an alias of a function back."""

    def __init__(self, amazon):
        super().__init__()
        self.amazon = amazon
        self.stanzas = {"back": BACK, "forth": FORTH}
        self.analyse(key="ANA-2", version="42", previous_version="41")

    def executors(self):
        return {"lambda": lambda: self.amazon.executor}

    def state(self, plan):
        return self.context.load(plan)[2]
