"""Each AWS account is reached with its own credentials, and is proved to be the one it is said."""

from __future__ import annotations

import json
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest

from incident_management import aws
from incident_management.remediation import approval
from incident_management.remediation.executors.aws import accounts, calls
from incident_management.remediation.executors.executor import ExecutorError, NotApplicable
from incident_management.remediation.executors.factory import executors
from incident_management.remediation.steps import LEASE_SECONDS
from incident_management.splunk.configuration.settings import SettingsError, parse
from tests.unit.remediation.bench import INCIDENT, Bench
from tests.unit.remediation.ecs_stub import ARGUMENTS, BACK, FORTH, UPDATED, deployment, service
from tests.unit.remediation.http_stub import Handler, served
from tests.unit.remediation.plans import execute, propose

boto3 = pytest.importorskip("boto3")
stub = pytest.importorskip("botocore.stub")

OPS, EAST, WEST = "111111111111", "222222222222", "333333333333"
ROLE = f"arn:aws:iam::{EAST}:role/ops/incident-management"
ACCOUNTS = {
    "ops": {"aws_access_key_id": "AKIDOPS", "aws_secret_access_key": "s1"},
    "east": {"role_arn": ROLE, "external_id": "ext-7", "source": "ops", "region": "us-east-1"},
    "west": {"aws_access_key_id": "AKIDWEST", "aws_secret_access_key": "s2",
             "account_id": WEST, "region": "us-west-2"},
}  # fmt: skip
SETTINGS = {"remediation": {"aws_account": "ops", "aws_region": "eu-west-1",
                            "ecs_endpoint_url": "https://vpce.example"}}  # fmt: skip


class Aws:
    """STS and ECS by botocore's own models; ``made`` is who was given a client, and where."""

    def __init__(self):
        self.made = []
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        self.clients = {
            name: boto3.client(name, region_name="us-east-1", **keys) for name in ("sts", "ecs")
        }
        self.sts, self.ecs = (stub.Stubber(self.clients[name]) for name in ("sts", "ecs"))
        self.sts.activate()
        self.ecs.activate()
        self.accounts = ACCOUNTS

    def client(self, name, region, keys, endpoint_url="", **_more):
        self.made.append((name, region, keys[0], endpoint_url))
        return self.clients[name]

    def assumed(self, session=INCIDENT, key="ASIAEAST"):
        asked = {"RoleArn": ROLE, "RoleSessionName": session, "DurationSeconds": 900,
                 "ExternalId": "ext-7"}  # fmt: skip
        told = {"AccessKeyId": key.ljust(16, "0"), "SecretAccessKey": "s3", "SessionToken": "t",
                "Expiration": 1800000000}  # fmt: skip
        self.sts.add_response("assume_role", {"Credentials": told}, asked)
        return self

    def identified(self, account):
        told = {"Account": account, "UserId": "u", "Arn": f"arn:aws:iam::{account}:user/u"}
        self.sts.add_response("get_caller_identity", told, {})
        return self

    def described(self, account, *deployments, region="us-east-1"):
        asked = {"cluster": "prod", "services": ["checkout"], "include": ["TAGS"]}
        arn = f"arn:aws:ecs:{region}:{account}:cluster/prod"
        told = {"services": [service(*deployments, clusterArn=arn)]}
        self.ecs.add_response("describe_services", told, asked)
        return self

    def defined(self):
        told = {"taskDefinition": {"status": "ACTIVE"}}
        self.ecs.add_response("describe_task_definition", told, {"taskDefinition": "web:41"})
        return self

    @property
    def executor(self):
        return executors(lambda: parse(SETTINGS, self.accounts))["ecs"]()


@pytest.fixture
def amazon(monkeypatch):
    made = Aws()
    monkeypatch.setattr(accounts.aws, "client", made.client)
    yield made
    made.sts.assert_no_pending_responses()
    made.ecs.assert_no_pending_responses()


def about(account, **more):
    return {**ARGUMENTS, "account": account, "incident_id": INCIDENT, **more}


def test_a_role_is_assumed_for_the_incident_and_its_account_is_proved(amazon):
    amazon.assumed().identified(EAST).described(EAST).defined()
    facts = amazon.executor.facts(about("east"))
    assert (facts["account_id"], facts["region"]) == (EAST, "us-east-1")
    sts = "https://sts.us-east-1.amazonaws.com"
    assert amazon.made == [
        ("sts", "us-east-1", "AKIDOPS", sts), ("sts", "us-east-1", "ASIAEAST00000000", sts),
        ("ecs", "us-east-1", "ASIAEAST00000000", ""),
    ]  # fmt: skip


def test_an_account_with_keys_is_asked_with_these_alone(amazon):
    amazon.identified(WEST).described(WEST, region="us-west-2").defined()
    amazon.executor.facts(about("west"))
    assert {(region, key) for _name, region, key, _url in amazon.made} == {
        ("us-west-2", "AKIDWEST")
    }


def test_without_a_name_it_is_the_account_under_remediation_with_its_endpoint(amazon):
    amazon.described(OPS).defined()
    amazon.executor.facts(ARGUMENTS)
    assert amazon.made == [("ecs", "eu-west-1", "AKIDOPS", "https://vpce.example")]


@pytest.mark.parametrize("name", ["east", "west"])
def test_credentials_of_another_account_than_it_is_said_to_be_change_nothing(amazon, name):
    if name == "east":
        amazon.assumed()
    amazon.identified(OPS)
    outcome = amazon.executor.execute(about(name), "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", True)
    assert f"The credentials of the account '{name}' belong to {OPS}, not to" in outcome.detail
    assert "ecs" not in [made[0] for made in amazon.made]


def test_what_was_given_for_a_step_is_not_asked_for_again(amazon):
    amazon.assumed().identified(EAST)
    for _look in range(2):
        amazon.described(EAST).defined()
    executor = amazon.executor
    for _look in range(2):
        executor.facts(about("east"))


def test_a_role_that_may_not_be_assumed_is_reported_and_nothing_is_done(amazon):
    amazon.sts.add_client_error("assume_role", "AccessDenied", "Not authorized.", 403)
    outcome = amazon.executor.execute(about("east"), "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", True)
    assert outcome.detail == "AWS STS rejected the request with AccessDenied: Not authorized."


def test_sts_that_can_not_be_asked_leaves_what_became_of_a_run_unknown(amazon):
    amazon.sts.add_client_error("assume_role", "ServiceUnavailable", "No.", 503)
    assert amazon.executor.settle(about("east"), "PLAN-1").status == "unknown"


def test_a_slow_proof_leaves_no_time_to_act(amazon, monkeypatch):
    clock = iter((0.0, 21.0))
    monkeypatch.setattr(accounts.time, "monotonic", lambda: next(clock))
    amazon.assumed().identified(EAST)
    assert "took too long" in amazon.executor.execute(about("east"), "PLAN-1").detail


def test_what_is_asked_before_a_request_leaves_it_within_the_lease_of_its_run():
    """Half of that may be over before the executor is asked; after it others send the request."""
    assert accounts.PROOF_SECONDS + calls.LOOK_SECONDS <= LEASE_SECONDS / 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"east": {"region": ""}}, "'east' has no region: set it under"),
        ({"east": {"source": ""}}, "'east' has no AWS keys"),
        ({"east": {"source": "gone"}}, "There is no AWS account 'gone'"),
        ({"ops": {"aws_secret_access_key": ""}}, "'ops' has no AWS keys"),
        ({"ops": {"role_arn": ROLE}}, "'ops' has no keys of its own to assume the role of 'east'"),
        ({"ops": {"source": "west"}}, "[ops] source names 'west', but role_arn is not set"),
        ({"east": {"source": "east"}}, "'east' has no keys of its own"),
        ({"east": {"account_id": WEST}}, "role_arn is a role of another account than 3333"),
        ({"east": {"role_arn": "role/x"}}, "is 'role/x', which is not the ARN of a role"),
        ({"east": {"account_id": "12"}}, "is '12', which is not twelve digits"),
        ({"east": {"external_id": "a b"}}, "which is not an external id"),
        ({"east": {"role_arn": ""}}, "source names 'ops', but role_arn is not set"),
        (  # Its own keys would be left aside for those of another account.
            {"east": {"role_arn": "", "aws_access_key_id": "A", "aws_secret_access_key": "s"}},
            "source names 'ops', but role_arn is not set",
        ),
    ],
)
def test_an_account_that_is_not_set_up_is_one_sentence(amazon, changes, why):
    amazon.accounts = {
        name: {**values, **changes.get(name, {})} for name, values in ACCOUNTS.items()
    }
    with pytest.raises(ExecutorError) as caught:
        amazon.executor.facts(about("east"))
    assert why in str(caught.value) and amazon.made == []


def test_one_account_that_is_set_wrongly_keeps_no_other_back():
    known = parse({}, {**ACCOUNTS, "east": {"role_arn": "no"}})
    assert known.accounts["west"].account_id == WEST
    with pytest.raises(SettingsError):
        known.account("east")


@pytest.mark.parametrize("change", ["name", "id", "endpoint"])
def test_whose_a_service_is_its_arn_says_not_how_its_account_is_set_up(amazon, monkeypatch, change):
    """A fix that is under way is found out about when an administrator tidies up."""
    before = amazon.executor.address(ARGUMENTS)
    changed = {
        "name": {"aws_account": "main"}, "id": {}, "endpoint": {"ecs_endpoint_url": ""},
    }[change]  # fmt: skip
    monkeypatch.setitem(SETTINGS, "remediation", {**SETTINGS["remediation"], **changed})
    ops = {**ACCOUNTS["ops"], "account_id": OPS}
    amazon.accounts = {**ACCOUNTS, "main": ACCOUNTS["ops"], "ops": ops}
    assert amazon.executor.address(ARGUMENTS) == before == "eu-west-1"


def test_the_request_is_shown_with_its_account(amazon):
    shown = amazon.executor.preview(about("east"), "PLAN-1")
    assert shown["url"] == f"Amazon ECS in us-east-1, account east ({EAST})"
    assert shown["body"] == UPDATED


class TwoAccounts(Bench):
    """An action for each."""

    def __init__(self, amazon):
        super().__init__()
        self.amazon = amazon
        self.stanzas = {}
        for name in ("east", "west"):
            mine = {"argument.account": name}
            self.stanzas[name] = {**BACK, **mine, "inverse": f"{name}_again"}
            self.stanzas[f"{name}_again"] = {**FORTH, **mine}
        self.analyse(key="ANA-2", version="web:42", previous_version="web:41", account=EAST)

    def executors(self):
        return {"ecs": lambda: self.amazon.executor}


def test_a_fix_is_proposed_shown_and_executed_in_its_account(amazon):
    bench = TwoAccounts(amazon)
    for _look in range(3):
        amazon.assumed("incident-management").identified(EAST).described(EAST).defined()
    amazon.assumed().identified(EAST).described(EAST)
    arn = f"arn:aws:ecs:us-east-1:{EAST}:cluster/prod"
    made = service(deployment("web:41"), deployment("web:42", status="ACTIVE"), clusterArn=arn)
    amazon.ecs.add_response("update_service", {"service": made}, UPDATED)
    amazon.described(EAST, deployment("web:41"))
    plan = propose(bench, action="east")
    assert f"account id {EAST}, region us-east-1)" in bench.stores.plans.get(plan)["summary"]
    approval.approve(bench.context, plan, "omar")
    assert execute(bench, plan).status == "done"
    assert "AKIDWEST" not in [key for _name, _region, key, _url in amazon.made]


def test_the_change_of_one_account_is_not_undone_in_the_other(amazon):
    amazon.identified(WEST).described(WEST, region="us-west-2").defined()
    with pytest.raises(approval.Refused, match=f"made to the account {EAST}, not to {WEST}"):
        propose(TwoAccounts(amazon), action="west")


def test_a_fix_is_not_undone_in_another_account_than_it_was_made_in(amazon):
    """The account's keys were changed for those of another one since."""
    amazon.described(OPS)
    elsewhere = f"arn:aws:ecs:us-east-1:{EAST}:cluster/prod"
    with pytest.raises(NotApplicable, match=f"no longer in {elsewhere}"):
        amazon.executor.facts({**ARGUMENTS, "cluster_arn": elsewhere})


def test_an_inverse_in_another_account_can_not_be_used():
    bench = Bench()
    bench.stanzas = {"back": {**BACK, "argument.account": "east"}, "forth": FORTH}
    assert "differ in argument.account" in bench.context.catalogue.problems["back"]
    bench.stanzas = {"back": {**BACK, "argument.acount": "east"}, "forth": FORTH}
    assert "argument.acount, which ecs does not accept" in bench.context.catalogue.problems["back"]


REGIONS = [
    "eu-west-1", "il-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1",
    "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "ab-new-1",
]  # fmt: skip


@pytest.mark.parametrize("region", REGIONS)
def test_the_host_of_a_region_is_that_which_botocore_asks(region):
    """Of a sovereign cloud the keys went to amazonaws.com, which is another partition."""
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    for name in ("sts", "ecs", "lambda"):
        asked = boto3.client(name, region_name=region, **keys).meta.endpoint_url
        assert asked == f"https://{aws.host_of(name, region)}"


# --- over HTTP --------------------------------------------------------------------------------

NAMES = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
ANSWERS = {
    "AssumeRole": f"<AssumeRoleResponse {NAMES}><AssumeRoleResult><Credentials>"
    "<AccessKeyId>ASIAEAST00000000</AccessKeyId><SecretAccessKey>s3</SecretAccessKey>"
    "<SessionToken>t0ken</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>",
    "GetCallerIdentity": f"<GetCallerIdentityResponse {NAMES}><GetCallerIdentityResult>"
    f"<Account>{EAST}</Account><Arn>a</Arn><UserId>u</UserId>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>",
}


@contextmanager
def sts_and_ecs(asked, answers):
    """Serve both; ``asked`` gets the call, whose key signed it, its token and its parameters."""

    class Answering(Handler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            call = target or parse_qs(body)["Action"][0]
            key = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
            token = self.headers.get("X-Amz-Security-Token", "")
            asked.append((call, key, token, {} if target else parse_qs(body)))
            self.answer(answers[call].encode())

    with served(Answering) as url:
        yield url


def over_http(url):
    there = {"aws_region": "us-east-1", "ecs_endpoint_url": url, "sts_endpoint_url": url}
    return executors(lambda: parse({"remediation": there}, ACCOUNTS))["ecs"]()


def test_who_signs_what_over_http():
    arn = f"arn:aws:ecs:us-east-1:{EAST}:cluster/prod"
    found = json.dumps({"services": [service(deployment("web:41"), clusterArn=arn)]})
    asked: list[tuple] = []
    with sts_and_ecs(asked, {**ANSWERS, "DescribeServices": found}) as url:
        assert over_http(url).settle(about("east"), "PLAN-1").status == "done"
    assert [(call, key, token) for call, key, token, _form in asked] == [
        ("AssumeRole", "AKIDOPS", ""), ("GetCallerIdentity", "ASIAEAST00000000", "t0ken"),
        ("DescribeServices", "ASIAEAST00000000", "t0ken"),
    ]  # fmt: skip
    named = ("RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds")
    assert [asked[0][3][name] for name in named] == [[ROLE], [INCIDENT], ["ext-7"], ["900"]]


@pytest.mark.parametrize(
    "answer",
    ["", "<html>Log in</html>", f"<AssumeRoleResponse {NAMES}/>", "{}",
     ANSWERS["AssumeRole"].replace("<SessionToken>t0ken</SessionToken>", "")],
)  # fmt: skip
def test_what_is_not_sts_proves_nothing(answer):
    asked: list[tuple] = []
    with sts_and_ecs(asked, {**ANSWERS, "AssumeRole": answer}) as url:
        outcome = over_http(url).execute(about("east"), "PLAN-1")
    assert (outcome.status, outcome.certain, len(asked)) == ("failed", True, 1)
    assert outcome.detail == "The answer does not come from AWS STS: check endpoint and proxy."
