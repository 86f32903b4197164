"""Find which services the incident's entities depend on."""

from __future__ import annotations

from ...splunk.searching import spl
from ..evidence import Finding, first_text
from ..scope import NOW, Scope, some_of

NAME = "topology"
LOOKS_FOR = "services that the affected ones depend on, in the lookup incident_topology"
MAX_ROWS = 10000


def find(scope: Scope) -> Finding:
    """Read the topology lookup into ``scope.depends_on``.

    Raises SearchFailed if the lookup can't be read.
    """
    finding = Finding(NAME, LOOKS_FOR)
    search = spl.Search(
        commands=[
            spl.lookup("incident_topology"),
            spl.fields("table", ["service", "depends_on"]),
        ]
    )
    for row in scope.run(finding, search, scope.window(NOW), MAX_ROWS).rows:
        service, target = first_text(row.get("service")), first_text(row.get("depends_on"))
        if service and target and target not in scope.depends_on.setdefault(service, []):
            scope.depends_on[service].append(target)
    known = [entity for entity in scope.entities if entity in scope.depends_on]
    for entity in known:
        finding.found.append(f"{entity} depends on {', '.join(scope.depends_on[entity])}.")
    unknown = [entity for entity in scope.entities if entity not in scope.depends_on]
    if unknown:
        finding.not_found.append(f"The topology lists no dependencies of {some_of(unknown)}.")
    return finding
