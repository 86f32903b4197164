"""The configuration page's tables of teams, people, rules, promises and announcements.

UCC makes a script for each of these tabs (globalConfig.json), which runs this handler in place of
its own: the entries are stanzas of incident_routing.conf, ``team:payments`` for one, or the
settings of one stanza that has no name of its own, ``announce`` for one. It acts with
the rights of whoever uses the page, as UCC's handlers do. Those scripts import
``import_declare_test`` before this module, which puts the app's libraries on the path.
"""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Union

from splunktaucclib.rest_handler import admin_external
from splunktaucclib.rest_handler.entity import RestEntity
from splunktaucclib.rest_handler.error import RestError

from incident_management.incidents.errors import Invalid, NotFound
from incident_management.incidents.routing.changes import stanza_of
from incident_management.incidents.routing.page_wording import with_field_labels
from incident_management.splunk.configuration.page.routing_file import RoutingFile
from incident_management.splunk.configuration.page.routing_settings import ABOUT, RoutingSettings
from incident_management.splunk.session import Session, SplunkError

# What UCC's pages are made from.
PAGES = Path(__file__).resolve().parents[1] / "appserver/static/js/build/globalConfig.json"
NOT_ALLOWED = "Your roles may not change teams and rules: admin and sc_admin may, as shipped."


class RoutingHandler(admin_external.AdminExternalHandler):
    """Lists and changes the stanzas of one kind, or one stanza's settings: the tab's name says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        session = Session(admin_external.get_splunkd_endpoint(), self.getSessionKey())
        kind = self.endpoint.config_name
        self.file: Union[RoutingFile, RoutingSettings]
        if kind in ABOUT:
            self.file = RoutingSettings(session, kind)
        elif kind == "channel":
            # Imported here: it speaks to services, and each look at a table is a process.
            from incident_management.splunk.configuration.page.channel_file import ChannelFile

            self.file = ChannelFile(session, self.handler.rest_credentials)
        else:
            self.file = RoutingFile(session, kind)

    @admin_external.build_conf_info
    def handleList(self, confInfo: Any) -> List[RestEntity]:
        with self._told():
            name = self.callerArgs.id
            return self._entities({name: self.file.one(name)} if name else self.file.all())

    @admin_external.build_conf_info
    def handleCreate(self, confInfo: Any) -> List[RestEntity]:
        name = self.callerArgs.id
        self.endpoint.validate(name, self.payload)
        with self._told():
            self.file.create(name, self.payload)
            return self._entities({name: self.file.one(name)})

    @admin_external.build_conf_info
    def handleEdit(self, confInfo: Any) -> List[RestEntity]:
        name = self.callerArgs.id
        with self._told():
            self.endpoint.validate(name, self.payload, self.file.one(name))
            self.file.edit(name, self.payload)
            return self._entities({name: self.file.one(name)})

    @admin_external.build_conf_info
    def handleRemove(self, confInfo: Any) -> List[RestEntity]:
        with self._told():
            self.file.remove(self.callerArgs.id)
            return []

    def _entities(self, found: Dict[str, Dict[str, str]]) -> List[RestEntity]:
        end = self.endpoint
        shown = {field.name for field in end.model(None).fields}
        return [
            RestEntity(
                name,
                {
                    key: value
                    for key, value in fields.items()
                    if key in shown and _tells(key, value)
                },
                end.model(None),
                end.user,
                end.app,
            )
            for name, fields in found.items()
        ]

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what goes wrong into the error whose sentence UCC's page shows."""
        try:
            yield
        except Invalid as error:
            kind = self.endpoint.config_name
            stanza = kind if kind in ABOUT else stanza_of(kind, self.callerArgs.id)
            said = with_field_labels(str(error), stanza, _labels(kind))
            raise RestError(400, said) from None
        except NotFound as error:
            raise RestError(404, str(error)) from None
        except SplunkError as error:
            if error.status == 403:
                raise RestError(403, NOT_ALLOWED) from None
            raise RestError(error.status or 503, error.message) from None


def _labels(kind: str) -> Dict[str, str]:
    """Return what the page calls the fields of a tab, by their names."""
    tabs = json.loads(PAGES.read_text(encoding="utf-8"))["pages"]["configuration"]["tabs"]
    fields = next((tab["entity"] for tab in tabs if tab.get("name") == kind), [])
    return {field["field"]: field["label"] for field in fields}


def _tells(key: str, value: str) -> bool:
    """Whether the page may have it: UCC's switch takes any text in ``disabled`` for off, also 0."""
    return key != "disabled" or value != "0"
