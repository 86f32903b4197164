"""Runs a job template of AWX, or of the controller of Red Hat's Ansible Automation Platform.

From AWX's own API templates and collection (``job_template_launch.md``, ``job_launch.py``): ``POST
/api/v2/job_templates/{id}/launch/`` with ``extra_vars`` answers 201 and the job, which runs on by
itself, and drops variables, without an error, that the template does not prompt for. AWX knows no
request ids, so each job bears its own as the variable ``incident_request_id``, by which it is found
again among the template's jobs. Behind the platform gateway of Ansible Automation Platform 2.5 and
later the API is at ``/api/controller/v2`` ("API changes for platform gateway" in its manual).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional
from urllib.parse import urlsplit

from ...masking import mask
from ...outside.transport import Reply, json_headers
from .executor import (
    ExecutorError,
    Outcome,
    Send,
    answer_or_error,
    answer_or_outcome,
    base_address,
    json_object,
    reason_of,
    request_preview,
)

__all__ = ["Awx"]

REQUEST_ID = "incident_request_id"
TEMPLATE = "job_template"
# AWX's job types are run and check; the latter reports what it would change.
CHECK = "check"
# "JobStatusChoices"/``TASK_STATUS_CHOICES`` of AWX: these are ends; the others go on.
SUCCESSFUL, WITHOUT_SUCCESS = "successful", ("failed", "error", "canceled")
# How many of a template's newest jobs are read.
NEWEST = 25
# How long a job is awaited; after that, settle determines its outcome.
WAIT_SECONDS = 20.0
PAUSE_SECONDS = 2.0


class Awx:
    """One AWX, by its address, or by that of its API, which ends with ``/v2``.

    The argument ``job_template`` is the template's number; the other arguments are its variables.
    """

    def __init__(
        self, url: str, token: str, send: Send, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        address = url.rstrip("/")
        self._api = address if address.endswith("/v2") else f"{address}/api/v2"
        self._token = token
        self._send = send
        self._sleep = sleep
        self._host = urlsplit(url).hostname or ""

    def address(self, arguments: Mapping[str, str]) -> str:
        """Return the address of its API."""
        return base_address(self._api)

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return which playbook the template runs, and on which inventory.

        Raises ExecutorError, also for a template that would ignore the variables.
        """
        number = arguments[TEMPLATE]
        template = self._got(f"job_templates/{number}/")
        name = str(template.get("name") or number)
        if not template.get("ask_variables_on_launch"):
            raise ExecutorError(
                f"The job template '{name}' would run without the plan's arguments: "
                "enable 'Prompt on launch' for its variables in AWX."
            )
        if template.get("job_type") == CHECK:
            raise ExecutorError(
                f"The job template '{name}' is of the type Check, so it would change nothing: set "
                "its job type to Run in AWX."
            )
        named = {one: str(template.get(one) or "") for one in ("playbook", "project", "inventory")}
        return {TEMPLATE: name, **named}

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Start a job, and wait up to 20 seconds for its end."""
        return self._launched(arguments, _body(arguments, request_id))

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request that starts the job."""
        url = f"{self._api}/{_launch(arguments)}"
        return request_preview("POST", url, _body(arguments, request_id))

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Start a job of the type check, if the template allows that choice.

        See ``ask_job_type_on_launch`` in "Launch-time Configurations / Prompting" of AWX's manual.
        Raises ExecutorError if it does not.
        """
        self.facts(arguments)
        template = self._got(f"job_templates/{arguments[TEMPLATE]}/")
        if not template.get("ask_job_type_on_launch"):
            raise ExecutorError(
                f"The job template '{template.get('name')}' has no check mode: enable "
                "'Prompt on launch' for its job type in AWX."
            )
        body = {**_body(arguments, request_id), "job_type": CHECK}
        return self._launched(arguments, body)

    def _launched(self, arguments: Mapping[str, str], body: Mapping[str, Any]) -> Outcome:
        """Start a job, and wait up to 20 seconds for its end."""
        path = _launch(arguments)
        reply = answer_or_outcome("AWX", lambda: self._asked("POST", path, body))
        if isinstance(reply, Outcome):
            return replace(reply, transient=False)  # Never repeated: see settle.
        if 400 <= reply.status < 500:
            return Outcome(
                "failed", f"AWX rejected the request with {reply.status}: {reason_of(reply)}"
            )
        job = json_object(reply.text) or {}
        if reply.status >= 300 or not _number(job):
            return Outcome("unknown", f"AWX answered {reply.status}: {reason_of(reply)}")
        ignored = job.get("ignored_fields")
        if ignored:
            names = sorted(map(str, ignored)) if isinstance(ignored, dict) else ["something"]
            told = ", ".join(names)[:200]
            detail = (
                f"AWX started job {_number(job)} without the variables {told}: check the job "
                "in AWX."
            )
            return Outcome("failed", detail, certain=False)
        return self._awaited(job)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Find the job of a request among the newest of its template.

        New releases leave ``extra_vars`` out of lists (``UnifiedJobListSerializer``) unless asked
        in a way that older releases reject, so each job is then read on its own.

        Never ``unchanged``: the first request may still be under way, and AWX would run both.
        """
        path = f"job_templates/{arguments[TEMPLATE]}/jobs/?order_by=-id&page_size={NEWEST}"
        try:
            for job in _listed(self._got(path)):
                whole = job if "extra_vars" in job else self._got(f"jobs/{_number(job)}/")
                if _variables(whole).get(REQUEST_ID) == request_id:
                    return _outcome(whole)
        except ExecutorError as error:
            return Outcome("unknown", str(error))
        return Outcome("unknown", "AWX has no job for this request. The request is not sent again.")

    def _awaited(self, job: Mapping[str, Any]) -> Outcome:
        deadline = time.monotonic() + WAIT_SECONDS
        outcome = _outcome(job)
        while outcome.status == "unknown" and time.monotonic() < deadline:
            self._sleep(PAUSE_SECONDS)
            try:
                outcome = _outcome(self._got(f"jobs/{_number(job)}/"))
            except ExecutorError:
                break
        return outcome

    def _got(self, path: str) -> Dict[str, Any]:
        reply = answer_or_error("AWX", lambda: self._asked("GET", path, None))
        answer = json_object(reply.text)
        if reply.status != 200 or answer is None:
            what = path.partition("?")[0]
            raise ExecutorError(
                f"AWX at {self._host} did not return {what} ({reply.status}): {reason_of(reply)}"
            )
        return answer

    def _asked(self, method: str, path: str, body: Optional[Mapping[str, Any]]) -> Reply:
        return self._send(f"{self._api}/{path}", body, json_headers(self._token), method)


def _launch(arguments: Mapping[str, str]) -> str:
    return f"job_templates/{arguments[TEMPLATE]}/launch/"


def _body(arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
    variables = {name: value for name, value in arguments.items() if name != TEMPLATE}
    return {"extra_vars": {**variables, REQUEST_ID: request_id}}


def _outcome(job: Mapping[str, Any]) -> Outcome:
    """Judge a job. An unknown status counts as still running."""
    number, status = _number(job), job.get("status")
    if status == SUCCESSFUL:
        return Outcome("done", f"Job {number} succeeded.", {"job": str(number)})
    if status in WITHOUT_SUCCESS:
        detail = f"Job {number} ended as {status}: check in AWX what it did."
        return Outcome("failed", detail, certain=False)
    shown = mask(str(status or "in an unknown state"))[:40]
    return Outcome("unknown", f"Job {number} is {shown}.")


def _number(job: Mapping[str, Any]) -> int:
    """Return a job's id; 0 if it is invalid."""
    number = job.get("id")
    return number if type(number) is int and number > 0 else 0


def _listed(answer: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """Return the jobs of a list that have a valid id."""
    jobs = answer.get("results")
    found = jobs if isinstance(jobs, list) else []
    return [job for job in found if isinstance(job, dict) and _number(job)]


def _variables(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a job's variables, which AWX gives as JSON text."""
    return json_object(str(job.get("extra_vars") or "{}")) or {}
