"""The configuration page's tables of AWS accounts and Kubernetes clusters.

They are UCC's own, but what something still names is not deleted: Bedrock and fixes would have no
place to go to any more, and the first incident would tell of it. UCC's scripts of these tabs run
this handler (globalConfig.json), see :mod:`incident_routing_page`.
"""

from typing import Any, List

from splunktaucclib.rest_handler import admin_external
from splunktaucclib.rest_handler.entity import RestEntity
from splunktaucclib.rest_handler.error import RestError

from incident_management.splunk.configuration.page.references import references_to
from incident_management.splunk.session import Session, SplunkError

_CALLED = {"account": "AWS account", "cluster": "Kubernetes cluster"}


class PlaceHandler(admin_external.AdminExternalHandler):
    """Lists and changes the accounts or the clusters: the tab's name says."""

    @admin_external.build_conf_info
    def handleRemove(self, confInfo: Any) -> List[RestEntity]:
        kind, name = self.endpoint.config_name, self.callerArgs.id
        session = Session(admin_external.get_splunkd_endpoint(), self.getSessionKey())
        try:
            found = references_to(session, kind, name)
        except SplunkError as error:
            raise RestError(error.status or 503, error.message) from None
        if found:
            raise RestError(
                400,
                f"The {_CALLED[kind]} '{name}' is still named by {', '.join(found)}: "
                "change that first.",
            )
        removed: List[RestEntity] = self.handler.delete(name)
        return removed
