"""Find the kind of failure in an error text, and failures that no change explains.

A *symptom* ties errors to effects of changes (see :mod:`.mechanisms`). A *condition* is a cause of
its own: an expired certificate, a provider's outage, a poisoned record, a surge of demand. It
competes with the changes, so that a harmless deploy near the onset is not blamed for it.
"""

# ruff: noqa: E501  (a table: one rule a line reads better)
from __future__ import annotations

import re
from dataclasses import dataclass
from heapq import nlargest
from typing import Dict, List, Pattern, Tuple

__all__ = ["CONDITIONS", "Condition", "from_outside", "symptoms_of"]

# Searched in lower-case text, which is several times faster than re.I.
_SYMPTOMS: List[Tuple[str, Pattern[str]]] = [
    (name, re.compile(pattern))
    for name, pattern in (
        ("pool_exhausted", r"queuepool|pool.{0,40}(?:exhaust|limit|timed? ?out|full|timeout)|"
                           r"too many (?:clients|connections)|connection.{0,20}not available|no available connection|"
                           r"reached (?:the |its )?(?:pm\.)?max[_\w]{0,20}|all (?:\w{1,20} ){0,2}(?:workers|threads|children) (?:are )?busy|no more connections|max number of clients|max_client_conn|worker_connections are not enough"),
        ("timeout", r"time[d\s-]*out|deadline.?exceeded|context canceled|etimedout|took too long"),
        ("slow", r"slow|latency|\bp9[059]\b|duration|exceeded \d+\s*ms|response time|\btook (?:\d{4,}\s?ms|\d+(?:\.\d+)?\s?s\b)|"
                 r"cache (?:miss|hit)|hit ratio"),
        ("race", r"concurrent map|data race|deadlock|lock wait|lock ?(?:request )?time[d\s]*out|locknotavailable|could not obtain lock|"
                 r"race condition|concurrent modification|"
                 r"lost update|optimistic ?lock|stale ?object|by another transaction"),
        ("memory", r"out ?of ?memory|(?<![a-z])oom|heap space|heap limit|cannot allocate|std::bad_alloc|memory (?:resource )?(?:limit|pressure|alarm)|"
                   r"gc overhead|memoryerror|insufficient memory"),
        ("disk_full", r"no space left|(?:errno|os error|error number):? 28\b|disk ?pressure|not enough space on the disk|disk ?(?:full|quota|used)|enospc|read-only file system|disk_used"),
        ("cpu", r"cpu.{0,20}(?:saturat|throttl|100|utili)|load average|event loop (?:lag|blocked)"),
        ("auth_rejected", r"unauthori[sz]ed|\b401\b|invalid token|token is expired|signature.{0,20}(?:invalid|mismatch|fail)|unknown (?:kid|key id)|"
                          r"jwt|authentication (?:fail|error|unsuccessful)|authenticationerror|login failed|access denied|password authentication|"
                          r"(?:invalid|bad|wrong) (?:credentials|password)|password not accepted"),
        ("expired", r"expired|expiry|not yet valid|nottimevalid"),
        ("forbidden", r"forbidden|\b403\b|permission denied|not authorized|access ?(?:is |to .{1,80} is )?denied|eacces|eperm\b|"
                      r"operation not permitted|unauthorizedaccess|insufficient privilege"),
        ("missing_schema", r"(?:relation|table|column|field|view|index).{0,80}(?:does not exist|doesn't exist|not found|"
                           r"unknown)|no such (?:table|column)|unknown column|undefinedtable|undefinedcolumn"),
        ("unreachable", r"connection ?refused|econnrefused|actively refused|no route to host|unreachable|could not connect|"
                        r"connect(?:ion)? (?:error|failed)|operationalerror|failed to connect|max retries exceeded|"
                        r"connect etimedout|connect timed out"),
        ("server_full", r"too many (?:clients already|connections)|no more connections allowed|remaining connection slots|ora-00020|max_user_connections"),
        ("storage", r"stale (?:nfs )?file handle|\bestale\b|input/output error|\bi/o error"),
        ("read_only", r"read-only transaction|read.only replica|notwritableprimary|--(?:super-)?read-only option"),
        ("name_resolution", r"no such host|name or service not known|nxdomain|getaddrinfo|name resolution|enotfound|"
                            r"unknownhost|could(?:n't| not) resolve (?:host|address|proxy)|name could not be resolved|eai_again|"
                            r"lookup \S{1,120} on \S{1,80}:"),
        ("connection_lost", r"server closed the connection|terminating connection|connection (?:was )?(?:reset|aborted|closed by)|"
                            r"broken pipe|econnreset|\bepipe\b|lost connection|server has gone away|unexpected eof"),
        ("null", r"null ?pointer|nil pointer|nonetype|cannot read propert|undefined is not|segfault|sigsegv|"
                 r"attributeerror|typeerror|keyerror|index out of (?:range|bounds)"),
        ("parse", r"parse|unmarshal|deserializ|decod|unexpected (?:token|end|field)|malformed|invalid (?:json|character|format)|"
                  r"schema|cannot convert|valueerror|numberformat|missing (?:required )?(?:field|property)|type ?mismatch|typeexception"),
        ("validation", r"validation|out of range|constraint|violates|invalid (?:value|input|argument|request)|\b400\b|\b422\b"),
        ("handles_exhausted", r"too many open files|emfile|enfile|file descriptor|socket.{0,20}exhaust|ephemeral port|"
                              r"cannot assign requested address"),
        ("rate_limited", r"rate.?limit|too many requests|\b429\b|throttl|slowdown|quota ?exceeded|"
                         r"resource_?exhausted|throughputexceeded|over_query_limit|exceeded your .{0,40}quota"),
        ("tls", r"\btls\b|\bssl\b|x509|certificate|handshake|nottimevalid|\bpkix\b"),
        ("panic", r"panic|fatal error|crash|core dumped|unhandled|traceback|restart"),
        ("retries_exhausted", r"retr(?:y|ies).{0,30}(?:exhaust|exceed|budget)|after \d+ (?:retries|attempts)|budget exhausted"),
        ("backlog", r"backlog|\blag\b|queue.{0,30}(?:full|depth|grow|age)|buffer.{0,30}(?:full|capacity|overflow)|"
                    r"redeliver|consumer"),
        ("missing_setting", r"missing (?:required|env|config|setting|key)|not (?:set|configured|defined)|keyerror|"
                            r"undefined variable|no such file|filenotfound"),
        ("upstream_5xx", r"\b50[0-4]\b|bad gateway|service ?unavailable|internal server error|5xx"),
        ("too_large", r"\b413\b|(?:entity|body|payload|message|packet|request|header)s? (?:is |are )?too (?:large|big|long)|"
                      r"too (?:large|big|long) (?:an? )?(?:body|payload|message|packet|header)|cookie too large|recordtoolarge|larger than (?:the )?max"),
        ("not_found", r"\b404\b|not found|no handler|unknown route|no such ?bucket|permanentredirect|must be addressed using"),
        ("data_gone", r"offset.{0,40}out of range|outofrange|snapshot too old|no longer available|already (?:deleted|purged)|"
                      r"retention"),
        ("no_room", r"\d+/\d+ nodes are available|failedscheduling|\d insufficient (?:cpu|memory|pods|ephemeral-storage)|exceeded quota:"),
        ("conflict", r"duplicate key|unique constraint|already exists|\b409\b"),
        ("chatty", r"select .{1,200} from |db\.calls|queries per|n\+1|db_query"),
    )
]  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A cause that is not a change.

    ``strength``: how certain its words alone are, 0 to 1. ``beaten_by``: effects of a change that
    explain the condition itself.
    """

    name: str
    pattern: Pattern[str]
    strength: float
    cause: str
    advice: str
    beaten_by: Tuple[str, ...] = ()


CONDITIONS: Tuple[Condition, ...] = tuple(
    Condition(name, re.compile(pattern, re.I), strength, cause, advice, beaten_by)
    for name, pattern, strength, cause, advice, beaten_by in (
        ("certificate_expired",
         r"cert(?:ificate)? (?:has |is )?(?:been )?expired(?! or is not yet valid: current time \S{1,40} is before)|cert(?:ificate)?.{0,30}not yet valid(?!: current time \S{1,40} is before)|certificate_?expired|cert_?expired|"
         # Java; .NET; Windows; OpenSSL and Node; Go; rustls; NSS
         r"certificatenotyetvalid|certpathvalidatorexception: validity check failed|nottimevalid|not within its validity period|cert_e_expired|sec_e_cert_expired|0x800b0101|"
         r"0x80090328|cert_has_expired|expired certificate|peer certificate: expired|expired_cert(?:ificate)?\b",
         0.9, "A TLS certificate has expired", "Renew and roll out the certificate.", ("tls_changed",)),
        ("credential_expired",
         r"(?:password|secret|credential|api key|access key|license|licence|subscription)\w* (?:has |is )?expired|"
         r"(?:secret|password|access) keys?.{0,60} (?:has|have|are|is) expired|ORA-28001|AADSTS7000222|"
         # of OAuth 2.0 (RFC 6749, 5.2): of a grant or a refresh token
         r"ExpiredToken(?:Exception)?\b|invalid_grant.{0,120}expired",
         0.8, "A credential has expired", "Renew the credential.", ("credential_changed",)),
        ("provider_outage",
         r"(?:amazonaws\.com|azure|googleapis|cloudflare|aws sdk|cloudfront|\bs3\b|dynamodb|\bsqs\b|stripe\.com|twilio|"
         r"paypal\.com|adyen|braintree|sendgrid|mailgun|okta\.com|auth0\.com|github\.com|docker\.io|slack\.com|salesforce\.com|"
         r"openai\.com|anthropic\.com|fastly|akamai|"
         r"third.?party|external provider|partner api).{0,200}(?:serviceunavailable|internalerror|slowdown|"
         r"unavailable|\b50[0234]\b|internal server error|outage|degraded)|"
         r"(?:serviceunavailable|slowdown|internalerror).{0,200}(?:amazonaws\.com|azure|googleapis)|"
         # the status first, as clients of Java and Node write it
         r"(?:service ?unavailable|bad gateway|gateway time-?out|internal server error|\b50[0234]\b).{0,80}\b(?:get|post|put|patch|delete|request|ur[il]|from|for|to|calling|on)\W{1,4}https?://(?:[\w-]{1,63}\.){0,5}"
         r"(?:amazonaws|azure|googleapis|cloudflare|stripe|twilio|paypal|adyen|sendgrid|mailgun|okta|auth0|github|slack|salesforce|openai|anthropic)\.com",
         0.8, "An outside provider is failing",
         "Fail over to another region or provider, or wait for the provider.",
         ("endpoint_changed", "credential_changed")),
        ("demand_surge",
         r"shedding load|overloaded|pool saturated|saturated, request queued|elevated request volume|"
         r"traffic (?:surge|spike)|too many concurrent requests|desired replicas increase|admission rejected",
         0.72, "Demand is above capacity", "Add capacity or shed load.",
         ("volume_raised", "retry_removed", "room_lowered", "call_in_loop", "resource_changed", "cache_removed")),
        ("network_failure",
         r"no route to host|network is unreachable|packet loss|link down|bgp|partition(?:ed)? from|split.?brain",
         0.65, "The network between machines is failing", "Check the network path.",
         ("endpoint_changed", "permission_changed", "reach_changed")),
        ("name_resolution_failure",
         r"nxdomain|no such host|name resolution|name or service not known|servfail|getaddrinfo|enotfound|eai_again|"
         r"unknownhost|could(?:n't| not) resolve (?:host|address|proxy)|name could not be resolved|"
         r"lookup .{1,120}: server misbehaving|lookup \S{1,120} on \S{1,80}: .{0,120}i/o timeout",
         0.6, "Names are not being resolved", "Check DNS.", ("endpoint_changed", "permission_changed", "reach_changed")),
        ("hardware_failure",
         r"i/o error|disk failure|bad sector|ecc error|machine check|ebs volume.{0,30}(?:impaired|degraded)|"
         r"instance.{0,30}(?:terminated|retired|reclaim)|spot interruption|node ?(?:not ?ready|lost|evict)|preempted\b|preemption notice",
         0.7, "A machine or a disk is failing", "Replace the machine or the disk.", ("resource_changed",)),
        ("no_room", r"\d+/\d+ nodes are available|failedscheduling|\d insufficient (?:cpu|memory|pods|ephemeral-storage)|exceeded quota:",
         0.62, "No machine has enough free resources for a workload", "Add machines, or lower its requests.",
         ("room_raised", "room_lowered", "volume_raised", "concurrency_added", "resource_changed")),
        ("read_only", r"read-only file ?system|\berofs\b|remounting filesystem read-only",
         0.66, "A file system is read-only", "Check the disk, then mount it for writing again.",
         ("permission_changed", "resource_changed")),
        ("database_read_only",
         r"in a read-only transaction|--(?:super-)?read-only option|read only replica|notwritableprimary|notprimary|not master\b|"
         r"database is (?:in )?read-only",
         0.66, "A database accepts no writes", "Check whether it has failed over: writes must go to the primary.",
         ("endpoint_changed", "permission_changed", "schema_changed")),
        ("connections_exhausted",
         r"too many (?:clients already|connections)|remaining connection slots are reserved|ora-00020|"
         r"max_user_connections|max number of clients reached|no more connections allowed",
         0.55, "A database has no free connections", "Find which service holds them, or allow more.",
         ("room_lowered", "room_raised", "release_removed", "concurrency_added", "volume_raised", "call_in_loop",
          "query_added", "cache_removed", "limit_removed", "resource_changed")),
        ("out_of_memory",
         r"out ?of ?memory|oom.?kill|oomkilled|heap space|heap limit|std::bad_alloc|cannot allocate memory|gc overhead limit|"
         r"memoryerror|insufficient memory",
         0.55, "A process ran out of memory", "Give it more memory, or find what holds it.",
         ("room_lowered", "room_raised", "volume_raised", "limit_removed", "release_removed", "growth_added",
          "concurrency_added", "resource_changed", "cache_removed", "expiry_changed")),
        ("handles_exhausted", r"too many open files|\bemfile\b|\benfile\b|cannot assign requested address",
         0.55, "A process has used up its files or ports", "Raise its limit, or find the leak.",
         ("room_lowered", "release_removed", "concurrency_added", "volume_raised", "resource_changed")),
        ("clock_skew", r"clock skew|time drift|ntp.{0,30}(?:unsync|offset)|request time.{0,20}too ?(?:large|skewed)|"
                       # of chronyd and systemd; of PyJWT, and of Go's
                       r"requesttimetooskewed|system clock wrong by|system clock was stepped|system time has been changed|"
                       r"token used before issued|token is not yet valid \(iat\)|"
                       # of Go's crypto/x509; of chronyd
                       r"not yet valid: current time \S{1,40} is before|can't synchronise: no (?:selectable sources|majority)",
         0.7, "A clock is wrong", "Synchronise the clock.", ("tolerance_removed", "expiry_changed")),
        ("disk_full",
         r"no space left on device|not enough space on the disk|disk ?full|enospc|disk quota exceeded|flood.?stage|"
         r"(?:errno|os error|error number):? 28\b|minimum free disk space|disk ?pressure|"
         r"ora-0165\d|unable to extend (?:table|index|temp)|could not allocate space|table .{1,80} is full",
         0.8, "A disk is full", "Free space or grow the disk.",
         ("verbose_logging", "volume_raised", "growth_added", "limit_removed", "room_raised", "release_removed",
          "clearing_removed")),
        ("quota_exhausted", r"quota ?(?:has been )?exceeded|limitexceeded|rate ?(?:limit)?exceeded|insufficient(?: |_)(?:capacity|quota)|"
                            r"throttlingexception|throughputexceeded|toomanyrequestsexception|resource_exhausted|"
                            r"over_query_limit|exceeded your .{0,40}quota|"
                            r"exceeded (?:the|your|an?) .{0,40}(?:messages?|requests?|calls?|usage|account|rate) limit|(?:daily|rate) limit reached|"
                            r"insufficientinstancecapacity|ratelimit(?:error|exceeded)|api rate limit exceeded",
         0.65, "A quota or a rate limit is used up", "Raise the quota or use less.",
         ("volume_raised", "call_in_loop", "room_lowered", "retry_removed", "cache_removed", "query_added")),
        ("leader_lost",
         r"leader election|(?:lost|no|without an?) (?:elected )?leader\b|not ?(?:the )?leader\b|notleader\w*|leader (?:changed|lost|not available)|"
         r"(?:group|cluster) has (?:no|lost its) (?:master|quorum)|master[_ ]?not[_ ]?discovered|no quorum|quorum (?:is )?lost",
         0.62, "A cluster has lost its leader", "Check which of its members failed.",
         ("resource_changed", "room_lowered", "endpoint_changed", "reach_changed")),
        ("attack", r"brute.?force|credential stuffing|ddos|syn flood|sql injection|malicious|blocked by waf",
         0.6, "Hostile traffic", "Block the source.", ("permission_changed",)),
    )
)  # fmt: skip


# Symptoms that a service's own code can cause, and symptoms that may also come from outside: from
# another service, the network, a machine, an account, or more demand.
_FROM_WITHIN = {
    "pool_exhausted", "memory", "null", "parse", "validation", "missing_schema", "missing_setting",
    "conflict", "not_found", "handles_exhausted",
}  # fmt: skip
_FROM_OUTSIDE = {
    "timeout", "slow", "race", "disk_full", "cpu", "auth_rejected", "expired", "unreachable",
    "name_resolution", "connection_lost", "rate_limited", "tls", "backlog", "storage", "no_room",
}  # fmt: skip
_SURELY_OUTSIDE = "server_full"
"""A database's connections: any of those that use it may hold them."""


_MOST_TEXTS = 50


def from_outside(texts: Dict[str, float]) -> float:
    """Return which share of the errors, by weight, may come only from outside a service, 0 to 1.

    These texts name an outside cause or a condition, and nothing that the service's own code
    causes. Of very many texts, the weightiest are read.
    """
    heaviest = nlargest(_MOST_TEXTS, texts.items(), key=lambda item: (item[1], item[0]))
    outside = sum(weight for text, weight in heaviest if _is_from_outside(text))
    return outside / (sum(weight for _, weight in heaviest) or 1.0)


def _is_from_outside(text: str) -> bool:
    small = text.lower()
    if any(name == _SURELY_OUTSIDE and pattern.search(small) for name, pattern in _SYMPTOMS):
        return True
    if any(name in _FROM_WITHIN and pattern.search(small) for name, pattern in _SYMPTOMS):
        return False
    if any(name in _FROM_OUTSIDE and pattern.search(small) for name, pattern in _SYMPTOMS):
        return True
    return any(condition.pattern.search(text) for condition in CONDITIONS)


def symptoms_of(texts: Dict[str, float]) -> Dict[str, float]:
    """Return each symptom with the share of the errors, by weight, that indicate it, 0 to 1.

    ``texts`` maps an error text to its weight (the number of its events).
    """
    total = sum(texts.values()) or 1.0
    small = [(text.lower(), weight) for text, weight in texts.items()]
    shares: Dict[str, float] = {}
    for name, pattern in _SYMPTOMS:
        weight = sum(w for text, w in small if pattern.search(text))
        if weight:
            shares[name] = weight / total
    return shares
