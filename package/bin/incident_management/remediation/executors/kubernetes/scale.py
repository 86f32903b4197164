"""Change the number of pods of a Deployment or StatefulSet, within limits of the catalogue."""

from __future__ import annotations

from typing import Dict, Mapping

from ..executor import NotApplicable, Outcome
from .change import Change, Operations, replace_value
from .objects import Workload
from .server import Server

__all__ = ["Scale"]

PATH = "/spec/replicas"


class Scale(Change):
    """Arguments: ``least`` and ``most``, the limits; ``add`` (how many pods to add, or to remove if
    negative) or ``to_replicas``; and ``replicas``, the number that must be set before: the
    approved one, or for an inverse the one that the fix left.

    A workload with an autoscaler is not scaled.
    """

    def _known(
        self, server: Server, workload: Workload, arguments: Mapping[str, str]
    ) -> Dict[str, str]:
        wanted = _target(server, workload, arguments)
        return {"replicas": str(workload.wanted), "to_replicas": str(wanted)}

    def _operations(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Operations:
        return replace_value(PATH, workload.wanted, _target(server, workload, arguments))

    def _found(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Outcome:
        name, wanted = workload.name, arguments.get("to_replicas", "")
        if str(workload.wanted) == arguments.get("replicas"):
            return Outcome("unchanged", f"{name} is still set to {workload.wanted} pods.")
        if str(workload.wanted) != wanted:
            sentence = f"{name} is now set to {workload.wanted} pods, not {wanted}."
            return Outcome("failed", sentence, certain=False)
        left = _left(workload)
        if left:
            return Outcome("unknown", f"{name} is scaling to {wanted} pods: {left}.")
        return Outcome("done", f"{name} has {wanted} pods.")

    def _shown(self, arguments: Mapping[str, str], request_id: str) -> Operations:
        return replace_value(PATH, *(arguments.get(one, "") for one in ("replicas", "to_replicas")))


def _target(server: Server, workload: Workload, arguments: Mapping[str, str]) -> int:
    """Return the number of pods to set. Raises ExecutorError and NotApplicable."""
    name, now = workload.name, workload.wanted
    if workload.kind == "DaemonSet":
        raise NotApplicable(
            f"{name} is a DaemonSet, which runs one pod on each node: it can't be scaled."
        )
    least, most = _number(arguments, "least"), _number(arguments, "most")
    if not 1 <= least <= most:
        raise NotApplicable(
            f"least is {least} and most is {most}: set both to at least 1, and most to "
            "least or higher."
        )
    before = arguments.get("replicas", str(now))
    if str(now) != before:
        raise NotApplicable(f"{name} is now set to {now} pods, no longer {before}.")
    wanted = _asked(arguments, now, least, most)
    if wanted == now:
        raise NotApplicable(f"{name} is already set to {now} pods ({least} to {most} are allowed).")
    if not least <= wanted <= most:
        raise NotApplicable(f"{name} would have {wanted} pods, but {least} to {most} are allowed.")
    if wanted < now and workload.drops_volumes:
        raise NotApplicable(
            f"Kubernetes would delete the volumes of the pods that it removes from {name} "
            "(persistentVolumeClaimRetentionPolicy, whenScaled): scale it by hand."
        )
    keeper = server.autoscaler()
    if keeper:
        raise NotApplicable(
            f"The autoscaler {keeper} sets the number of pods of {name} and would revert "
            "the change: change the autoscaler instead."
        )
    return wanted


def _asked(arguments: Mapping[str, str], now: int, least: int, most: int) -> int:
    if "to_replicas" in arguments:
        if "replicas" not in arguments:
            raise NotApplicable(
                "argument.to_replicas needs argument.replicas: the number of pods that "
                "must be set before."
            )
        return _number(arguments, "to_replicas")
    more = _number(arguments, "add")
    # Up to a limit, but what is beyond one already is not brought back by the way.
    return max(now, min(most, now + more)) if more > 0 else min(now, max(least, now + more))


def _number(arguments: Mapping[str, str], name: str) -> int:
    try:
        return int(arguments[name])
    except (KeyError, ValueError):
        raise NotApplicable(f"The action has no number in argument.{name}: set it.") from None


def _left(workload: Workload) -> str:
    if not workload.is_seen:
        return "its controller has not seen the change yet"
    if workload.total > workload.wanted:
        return f"{workload.total - workload.wanted} surplus pods remain"
    if workload.available < workload.wanted:
        return f"{workload.available} of {workload.wanted} pods are available"
    return ""
