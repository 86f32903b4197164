"""A desk whose incidents have rooms in a workspace of Slack, over HTTP."""

from __future__ import annotations

from dataclasses import replace

from incident_management.incidents import incident_channel, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from incident_management.notify.first_messages import FirstMessages
from incident_management.notify.incident_channels.opening import IncidentChannels
from incident_management.notify.services.slack import SlackSender
from incident_management.notify.services.slack_channels import SlackChannels
from incident_management.outside.transport import Network
from incident_management.splunk.configuration.channel_settings import Slack
from tests.unit.notify.desk import INCIDENT, Desk
from tests.unit.notify.services import Crash

from .workspace import TOKEN

WEB = "https://splunk.example"
PEOPLE = ("U0DANA", "U0LEE", "U0ZOE")
NAME = "inc-20231114-aaaaaa-high-error-rate-checkout"
STANZAS = {
    "announce": {
        "opened": "slack",
        "note": "slack",
        "escalation": "slack",
        "resolved": "slack",
        "room_opened": "slack",
    },
    "team:payments": {"members": "dana, lee", "slack_channel": "#payments", "rota": "first"},
    "rota:first": {
        "members": "lee",
        "handover": "daily 09:00",
        "time_zone": "UTC",
        "start": "2023-01-01",
    },
    "member:dana": {"slack_id": "U0DANA"},
    "member:lee": {"slack_id": "U0LEE"},
    "member:zoe": {"slack_id": "U0ZOE"},
    "member:gone": {"slack_id": "U0GONE"},
    "rule:default": {"team": "payments"},
}
ROUTING = Routing.from_stanzas(STANZAS)
assert ROUTING.problems == (), ROUTING.problems
GRAVE = Slack(bot_token=TOKEN, room_severities=("critical", "high"))


class Slow:
    """A service whose process is killed at a request: before Slack has it, or after."""

    def __init__(self, service, desk):
        self._service = service
        self._desk = desk

    def __getattr__(self, name):
        def call(*given):
            self._desk.requests += 1
            step = (self._desk.requests, "before")
            self._desk.meanwhile(step)
            done = getattr(self._service, name)(*given)
            self._desk.meanwhile((step[0], "after"))
            return done

        return call


class RoomDesk(Desk):
    """``meanwhile`` is called around each request with its number and ``before`` or ``after``."""

    def __init__(self, workspace, receiver):
        self.workspace, self.url = workspace, receiver.url
        self.requests = 0
        self.chosen, self.routing = GRAVE, ROUTING
        self.meanwhile = lambda step: None
        self.trouble = []
        super().__init__()
        receiver.respond = workspace.respond
        workspace.add("payments")
        self.senders["slack"] = lambda: SlackSender(
            TOKEN, "#payments", self.url, Network(), self.clock
        )

    def restart(self):
        super().restart()
        self.rooms = IncidentChannels(self.stores, self.clock, self.trouble.append)
        self.first = FirstMessages(self.stores, self.clock)

    def make(self):
        return Slow(SlackChannels(self.chosen.bot_token, self.url, Network(), self.clock), self)

    def set_up(self):
        return ("slack",)

    def look(self, by=None, changed=True):
        return (by or self.rooms).run(self.make, self.chosen, self.routing, WEB, changed)

    def turn(self, seconds=10.0, times=1):
        for _ in range(times):
            self.clock.advance(seconds)
            self.announce(self.routing)
            self.run()
            self.look()
            self.first.run(self.senders["slack"], WEB)

    def open_grave(self, incident=INCIDENT, owner="dana"):
        self.open(incident)
        if owner:
            self.write("assigned", incident, owner=owner, team="payments")

    def want(self, incident=INCIDENT, by="zoe"):
        return incident_channel.request_channel(Act(self.stores, self.clock, by), incident)

    def status(self, before, after, **more):
        self.write("status", **{"from": before, "to": after, **more})

    def close(self):
        self.status("assigned", "resolved", resolution="Rolled back.")
        self.status("resolved", "closed")

    def rooms_there(self):
        return [one for one in self.workspace.channels.values() if one.name.startswith("inc-")]

    def room(self, incident=INCIDENT):
        return timeline.current(self.stores, incident).room

    def story(self, incident=INCIDENT):
        entries = timeline.effective(timeline.read(self.stores, incident))
        return [one.data["event"] for one in entries if one.kind == "room"]

    def reasons(self, incident=INCIDENT):
        entries = timeline.effective(timeline.read(self.stores, incident))
        return [one.data.get("reason", "") for one in entries if one.kind == "room"]

    def texts(self, name):
        return [one["text"] for one in self.workspace.named(name).messages]

    def set(self, **settings):
        self.chosen = replace(self.chosen, **settings)

    def kill_at(self, step):
        """Have the process killed at a request, once."""

        def meanwhile(now):
            if now == step:
                raise Crash

        self.meanwhile = meanwhile
