"""What tests of Amazon ECS ask, of botocore's own model of the service (its Stubber)."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from incident_management.remediation.executors.aws.ecs import Ecs

boto3 = pytest.importorskip("boto3")
stub = pytest.importorskip("botocore.stub")

ARGUMENTS = {
    "cluster": "prod", "service": "checkout", "running": "web:42", "to_task_definition": "web:41"
}  # fmt: skip
DESCRIBED = {"cluster": "prod", "services": ["checkout"], "include": ["TAGS"]}
UPDATED = {"cluster": "prod", "service": "checkout", "taskDefinition": "web:41"}
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/prod"
ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/"


def deployment(revision, state="COMPLETED", status="PRIMARY", tasks=2, **more):
    return {
        "id": f"ecs-svc/{revision[-2:]}", "status": status, "taskDefinition": f"{ARN}{revision}",
        "desiredCount": 2, "runningCount": tasks, "rolloutState": state, **more,
    }  # fmt: skip


def service(*deployments, **more):
    return {
        "serviceName": "checkout",
        "clusterArn": CLUSTER,
        "status": "ACTIVE",
        "tags": [{"key": "incident-management", "value": "allowed"}],
        "deploymentController": {"type": "ECS"},
        "deployments": list(deployments or [deployment("web:42")]),
        **more,
    }


def in_region(_arguments):
    """Say where an action is, both for people and as its address."""
    return "eu-west-1"


class Amazon:
    """Answers in order; a request that is not the next one, or not of its shape, is an error."""

    def __init__(self):
        self.client = boto3.client(
            "ecs", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self.stubber = stub.Stubber(self.client)
        self.stubber.activate()

    @contextmanager
    def connect(self, _arguments):
        yield self.client

    def described(self, *services):
        self.stubber.add_response("describe_services", {"services": list(services)}, DESCRIBED)
        return self

    def defined(self, status="ACTIVE"):
        answer = {"taskDefinition": {"status": status}}
        self.stubber.add_response("describe_task_definition", answer, {"taskDefinition": "web:41"})
        return self

    def updated(self, *others):
        """It is looked at, and asked for; ``others`` were made in between."""
        self.described(service())
        made = service(
            deployment("web:41", "IN_PROGRESS", tasks=0), *others,
            deployment("web:42", status="ACTIVE"),
        )  # fmt: skip
        self.stubber.add_response("update_service", {"service": made}, UPDATED)
        return self

    def refuses(self, call, code, status=400, message="No."):
        self.stubber.add_client_error(call, code, message, status)
        return self

    @property
    def executor(self):
        return Ecs(self.connect, in_region, in_region, sleep=lambda seconds: None)


BACK = {
    "label": "Put the service back", "executor": "ecs", "argument.cluster": "prod",
    "argument.service": "$analysis.service$", "argument.running": "$analysis.version$",
    "argument.running.type": "task_definition",
    "argument.to_task_definition": "$analysis.previous_version$",
    "argument.to_task_definition.type": "task_definition",
    "blast_radius": "$service$ runs $to_task_definition$.", "inverse": "forth",
}  # fmt: skip
FORTH = {
    **BACK, "label": "Put it forth", "inverse": "", "inverse_only": "1",
    "argument.service": "$plan.service$", "argument.running": "$plan.to_task_definition$",
    "argument.to_task_definition": "$plan.running$",
}  # fmt: skip
