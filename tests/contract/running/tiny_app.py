"""An app that uses every extension point, to be run by the real core of the stand-in."""

from __future__ import annotations

from pathlib import Path

from tests.contract.core.conftest import write_app

__all__ = ["make_app"]

FILES = {
    "default/app.conf": "[ui]\nlabel = Tiny\n[launcher]\nversion = 1.0.0\n",
    "metadata/default.meta": "[]\naccess = read : [ * ], write : [ admin ]\nexport = system\n",
    "default/indexes.conf": "[shop]\n",
    "default/commands.conf": "[words]\nchunked = true\nfilename = words.py\n",
    "bin/words.py": """
import sys
from splunklib.searchcommands import *

@Configuration()
class Words(StreamingCommand):
    field = Option(require=True)
    def stream(self, records):
        whoami = self.service.username if False else self.metadata.searchinfo.username
        for record in records:
            record["words"] = record[self.field].split()
            record["by"] = whoami
            yield record

dispatch(Words, sys.argv, sys.stdin, sys.stdout, __name__)
""",
    "default/alert_actions.conf": """
[page]
is_custom = 1
payload_format = json
python.version = python3
param.who = nobody
""",
    "bin/page.py": """
import json, os, sys
from splunk import rest
payload = json.load(sys.stdin)
response, body = rest.simpleRequest("/services/authentication/current-context",
    sessionKey=payload["session_key"], getargs={"output_mode": "json"}, raiseAllErrors=True)
payload["acting_as"] = json.loads(body)["entry"][0]["content"]["username"]
path = os.path.join(os.environ["SPLUNK_HOME"], "var", "paged.jsonl")
with open(path, "a") as file:
    file.write(json.dumps(payload) + "\\n")
""",
    "default/savedsearches.conf": """
[High]
search = index=shop error | stats count by host
enableSched = 1
cron_schedule = */5 * * * *
dispatch.earliest_time = -5m
dispatch.latest_time = now
counttype = custom
alert_condition = search count > 2
alert.track = 1
alert.severity = 4
action.page = 1
action.page.param.who = $result.host$ has $result.count$
""",
    "default/restmap.conf": """
[script:tiny]
match = /tiny/v1
script = tiny_rest.py
scripttype = persist
handler = tiny_rest.Tiny
python.version = python3
requireAuthentication = true
output_modes = json
passPayload = true
passSystemAuth = true

[admin:tiny]
match = /
members = tiny_account

[admin_external:tiny_account]
handlertype = python
python.version = python3
handlerfile = tiny_rh_account.py
handleractions = edit, list, remove, create
handlerpersistentmode = true
""",
    "bin/tiny_rest.py": """
import json
from splunk.persistconn.application import PersistentServerConnectionApplication
from splunklib import client

class Tiny(PersistentServerConnectionApplication):
    def __init__(self, command_line, command_arg):
        super().__init__()

    def handle(self, in_string):
        request = json.loads(in_string)
        host, port = request["server"]["rest_uri"].rpartition("/")[2].split(":")
        def who(token):
            service = client.connect(host=host, port=int(port), token=token)
            return service.username or service.get(
                "/services/authentication/current-context", output_mode="json"
            ).body.read().decode()
        own = json.loads(who(request["session"]["authtoken"]))["entry"][0]["content"]["username"]
        system = json.loads(who(request["system_authtoken"]))["entry"][0]["content"]["username"]
        return {"status": 200, "payload": {"user": own, "system": system,
                "path": request.get("path_info"), "method": request["method"],
                "body": request.get("payload")}}
""",
    "bin/tiny_rh_account.py": """
from splunktaucclib.rest_handler.endpoint import field, validator, RestModel, SingleModel
from splunktaucclib.rest_handler import admin_external, util
from splunktaucclib.rest_handler.admin_external import AdminExternalHandler
import logging

util.remove_http_proxy_env_vars()
fields = [
    field.RestField("secret_key", required=True, encrypted=True, default=None, validator=None),
    field.RestField("region", required=False, encrypted=False, default=None,
                    validator=validator.Pattern(regex=r"^[a-z0-9-]+$")),
]
endpoint = SingleModel("tiny_account", RestModel(fields, name=None), config_name="account",
                       need_reload=False)

if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    admin_external.handle(endpoint, handler=AdminExternalHandler)
""",
    "default/tiny_account.conf": "",
    "README/tiny_account.conf.spec": "[<name>]\nsecret_key = <string>\nregion = <string>\n",
    "README/inputs.conf.spec": "[ticker://<name>]\nword = <string>\n",
    "bin/ticker.py": """
import sys
from splunklib import modularinput as smi

class Ticker(smi.Script):
    def get_scheme(self):
        scheme = smi.Scheme("Ticker")
        scheme.add_argument(smi.Argument("word"))
        return scheme

    def stream_events(self, inputs, writer):
        version = self.service.info["version"]
        for name, item in inputs.inputs.items():
            writer.write_event(smi.Event(data=item["word"] + " " + version, stanza=name))

if __name__ == "__main__":
    sys.exit(Ticker().run(sys.argv))
""",
    "default/props.conf": """
[app]
SHOULD_LINEMERGE = false
LINE_BREAKER = ([\\r\\n]+)(?=N\\d)
""",
}


def make_app(folder: Path, watched: Path | None = None) -> Path:
    """Lay out the app ``tiny`` below ``folder``; ``watched`` is a log file that it monitors."""
    inputs = """
[ticker://one]
word = tick
index = shop
interval = -1

[http://demo]
token = t0k
index = shop
"""
    if watched is not None:
        inputs += f"\n[monitor://{watched}]\nindex = shop\nsourcetype = app\n"
    return write_app(folder / "tiny", {**FILES, "default/inputs.conf": inputs})
