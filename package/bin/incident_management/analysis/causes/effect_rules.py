"""The words of a diff, or of a change's own description, by which an effect of :mod:`.effects`
is recognised.
"""

# ruff: noqa: E501  (a table: one rule a line reads better)
from __future__ import annotations

import re
from typing import List, Pattern, Tuple

__all__ = ["LINE_RULES", "SAID_RULES", "SHARED", "STOOD_ON"]

# Patterns that, on balance, one side has more often. (effect, side, pattern, description)
LINE_RULES: List[Tuple[str, str, Pattern[str], str]] = [
    ("lock_removed", "removed",
     re.compile(r"mutex|\b\w*\.?r?(?:un)?lock\(|synchronized|semaphore|\batomic\b|with \w*lock", re.I),
     "removes a lock"),
    ("clearing_removed", "removed",
     re.compile(r"\brotate\s+\d|\b(?:log)?rotat(?:e|ion)[\w.]*[\"']?\s*[:=]|retention|\bmax_?(?:age|backups)\b|\bpurge|\bprune\b|clean_?up\(|"
                r"delete_?(?:after|older)|\bvacuum|tmpreaper|tmpwatch|keep_?(?:days|last)|-[acm](?:time|min) \+?\d|\bfind\b.{1,200}\s-delete\b", re.I),
     "removes what clears old data away"),
    ("lock_added", "added",
     re.compile(r"synchronized|\.(?:r|w)?lock\(|mutex|for update\b|lock table", re.I),
     "takes another lock"),
    ("limit_removed", "removed",
     re.compile(r"\bLIMIT\s+\d+|max_?(?:size|rows|results|entries|length)|page_?size|\.limit\(|"
                r"MaxBytesReader|truncate|TOP\s+\d+|\bevict|maxsize", re.I),
     "removes a limit"),
    ("tolerance_removed", "removed",
     re.compile(r"leeway|clock.?skew|grace|tolerance|drift|\bslack\b", re.I),
     "removes a tolerance"),
    ("retry_removed", "removed",
     re.compile(r"backoff|\bretr(?:y|ies)|base.?delay|\bsleep\(|jitter", re.I),
     "removes retrying or waiting between tries"),
    ("release_removed", "removed",
     re.compile(r"\bdefer \w|\.close\(|\.release\(|\bfinally\b|\.dispose\(|\.rollback\(|\bfree\(|"
                r"\.return_conn|putconn|\bcancel\(\)|\bwith \w+.*:$|removeListener|unsubscribe|\.stop\(", re.I),
     "no longer releases a resource"),
    ("guard_removed", "removed",
     re.compile(r"(?:==|!=|is|is not)\s*(?:nil|null|None|undefined)\b|\bif\b.*\b(?:len|exists|valid|empty)|"
                r"\?\.\w|getOrDefault|Optional|\bvalidate\w*\(|\.get\(", re.I),
     "removes a check"),
    ("cache_removed", "removed",
     re.compile(r"cache|memoi[sz]e|singleflight|\bttl\b", re.I),
     "removes caching"),
    ("index_removed", "removed",
     re.compile(r"create (?:unique )?index|add_index|\bindex\(", re.I),
     "removes an index"),
    ("index_removed", "added", re.compile(r"drop index|remove_index", re.I), "drops an index"),
    ("schema_changed", "added",
     re.compile(r"\b(?:alter|drop|rename)\s+(?:table|column)|not null|add_column|remove_column|"
                r"drop_table|rename_column", re.I),
     "changes the database schema"),
    ("query_added", "added",
     re.compile(r"\bselect\b.+\bfrom\b|\.query(?:row|one|all|context|rowcontext)?\(|"
                r"\.find(?:one|by\w*|_by\w*)?\(|\.execute\(|objects\.(?:get|filter)|\.getitem\(|"
                r"\bfetch\w*\(|\.load\(", re.I),
     "adds a query or a remote call"),
    ("concurrency_added", "added",
     re.compile(r"\bgo func|threading\.|ThreadPool|asyncio\.gather|Promise\.all|\.parallel|"
                r"CompletableFuture|\bspawn\(", re.I),
     "adds concurrent work"),
    ("verbose_logging", "added",
     re.compile(r"(?:level|logger)[\w.-]{0,60}[\"']?\s*[:=]\s*[\"']?(?:debug|trace|all\b)|\bDEBUG\s*=\s*(?:true|1)|setLevel\(.*DEBUG|"
                r"verbose[\"']?\s*[:=]\s*true", re.I),
     "turns verbose logging on"),
    ("growth_added", "added",
     re.compile(r"\.append\(|\bappend\(|\.push\(|\[\w+\]\s*=|\.put\(|\.add\(|setdefault\(|"
                r"maxsize\s*=\s*None|unbounded|Infinity", re.I),
     "keeps more in memory"),
    ("regex_changed", "added",
     # the last one: something that looks like a pattern, in a file of rules
     re.compile(r"regexp?\.|re\.compile|RegExp|Pattern\.compile|\(\?[:=!<]|\.[*+][^\s\w]{0,6}\.[*+]"),
     "changes a regular expression"),
    ("tls_changed", "added",
     re.compile(r"InsecureSkipVerify|MinVersion|ssl_?context|verify_?(?:ssl|mode)|rootCAs|truststore|"
                r"\bca_?(?:file|bundle|cert)|cert(?:ificate)?_?(?:file|path|name)|\bmtls\b|\.pem\b|\.crt\b|sslmode|"
                r"(?:ssl|tls)[\w.-]{0,20}(?:protocol|cipher|version)|cipher_?suite|min(?:imum)?_?protocol_?version", re.I),
     "changes TLS settings"),
    ("endpoint_changed", "added",
     re.compile(r"https?://[\w.-]+|(?<![a-z])(?:forward|nameserver|resolver|upstream|backend|peer)s?(?![a-z])[\w.]{0,40}[\"']?[\s:=\"']{1,4}\d{1,3}(?:\.\d{1,3}){3}|(?<![a-z])(?:host(?:name)?|addr(?:ess)?|endpoint|port|dsn|url|bootstrap|broker)s?(?![a-z])"
                r"[\w.]*[\"']?\s*[:=]|(?<![a-z])(?:bucket|region)(?![a-z])[\w.]{0,40}[\"']?\s*[:=]\s*[\"']?[a-z]|topic[\"']?\s*[:=]|queue[\"']?\s*[:=]", re.I),
     "changes an address"),
    ("endpoint_changed", "removed",
     re.compile(r"aws_route53_record|google_dns_record|azurerm_dns|\bdns_?records?\b|\bCNAME\b|\bAAAA\b|kind: ExternalName"),
     "removes a name"),
    ("permission_changed", "either",
     re.compile(r"\b(?:role|policy|policies|permission|grant|revoke|scope|acl|rbac|"
                r"allow|deny|principal|cors|whitelist|allowlist|iam)\b|\"(?:Action|Resource)\"", re.I),
     "changes permissions"),
    ("reach_changed", "either",
     re.compile(r"\b(?:firewall|ingress|egress|cidr\w*|security_?groups?|network_?polic(?:y|ies)|iptables|routes?_?table|mtu|subnet\w*|vlan|nat_?gateway|no_?proxy)\b", re.I),
     "changes who may reach what"),
    ("route_removed", "removed",
     re.compile(r"@\w+\.(?:get|post|put|patch|delete|route)\(\s*[\"']/|@(?:get|post|put|patch|delete|request)mapping\(|"
                r"\b(?:router|app|mux|r)\.(?:get|post|put|patch|delete|handle(?:func)?)\(\s*[\"'`]/|\blocation\s+[=~^*\s]{0,4}/", re.I),
     "removes a route"),
    ("blocking_added", "added",
     re.compile(r"\b(?:read|write|append|copy|open|exists|[fl]?stat|mkdir|readdir|rename|unlink|rm|exec|spawn|g?(?:un)?zip|deflate|inflate|pbkdf2|scrypt|hash|compare)\w{0,12}Sync\(|(?<![a-z])(?:time|thread)\.sleep\(|runBlocking|GetAwaiter\(\)\.GetResult|\.block\(\)", re.I),
     "adds a call that blocks"),
    ("path_changed", "either", re.compile(r"(?<![a-z])(?:path|route|prefix)[\"']?\s*[:=]\s*[\"']?/", re.I),
     "changes a path"),
    ("credential_changed", "either",
     re.compile(r"secret|password|passwd|api_?key|credential|client_?id|\bkid\b|signing|issuer|audience|\baud\b",
                re.I),
     "changes credentials or how they are checked"),
    ("expiry_changed", "either", re.compile(r"expir|not_?after|\bexp\b|\bttl\b|max_?age|\bnbf\b", re.I),
     "changes how expiry is judged"),
    ("format_changed", "either",
     re.compile(r"json:\"|@JsonProperty|\bmarshal|\bunmarshal|serializ|deserializ|\bschema\b|protobuf|"
                r"\breserved\b|\bparse\w*\(|encoding|charset|strftime|strptime|content-type|\bproto\b|avro", re.I),
     "changes a data format"),
    ("ordering_changed", "either", re.compile(r"order by|sort|join|where\b|group by", re.I),
     "changes a query"),
    ("resource_changed", "either",
     re.compile(r"\b(?:memory|cpu|heap|xmx|replicas|requests|limits|ulimit|nofile|gomaxprocs|quota)\b", re.I),
     "changes resources"),
    ("environment_changed", "either",
     re.compile(r"getenv|os\.environ|process\.env|\bENV\b|\benv\b|secretKeyRef|configMap", re.I),
     "changes what is read from the environment"),
]  # fmt: skip

# Words of a change without a diff: work on shared foundations often shows only that it was done.
# (effect, pattern, description)
SAID_RULES: List[Tuple[str, Pattern[str], str]] = [
    ("credential_changed",
     re.compile(r"\b(?:rotat|renew|revok|reset|replac|chang|updat)\w*\b.{0,60}\b(?:passwords?|credentials?|secrets?|(?:api|access|signing|encryption|ssh|host).?keys?|tokens?)\b|"
                r"\b(?:passwords?|credentials?|secrets?|(?:api|access|signing|encryption|ssh|host).?keys?|tokens?)\b.{0,20}\b(?:rotat|renew|revo|reset|replac|chang)", re.I),
     "says that it changes credentials"),
    ("tls_changed",
     re.compile(r"\b(?:rotat|renew|replac|revok|issu|updat)\w*\b.{0,60}\b(?:certificates?|certs?|ca\b|tls)|"
                r"\b(?:certificates?|certs?|tls)\b.{0,20}\b(?:rotat|renew|replac|revo)", re.I),
     "says that it changes certificates"),
    ("permission_changed",
     re.compile(r"\b(?:acls?|iam|rbac|waf|firewall|security.?groups?)\b", re.I),
     "says that it changes who may do what"),
    ("reach_changed",
     re.compile(r"\b(?:firewall|security.?groups?|network.?polic(?:y|ies)|acls?)\b", re.I),
     "says that it changes who may reach what"),
    ("endpoint_changed",
     re.compile(r"\bfail(?:ed|ing)?.?over\b|\bswitch.?over\b|\bpromot\w* .{0,40}(?:replica|primary|standby)|"
                r"\bdns\b.{0,40}\b(?:record|zone|entr(?:y|ies)|resolver)|\b(?:record|zone|resolver)s?\b.{0,40}\bdns\b", re.I),
     "says that it changes where something is reached"),
    ("format_changed", re.compile(r"\.(?:avsc|proto|xsd|graphqls?|thrift)\b|\bopenapi\.(?:ya?ml|json)\b", re.I),
     "changes a data format"),
]  # fmt: skip

# The subject of work on a thing, by the thing's name.
STOOD_ON: List[Tuple[str, Pattern[str], str]] = [
    ("endpoint_changed", re.compile(r"(?:core|kube|power)?dns(?:-\w+)?|(?:[a-z]+-){1,3}dns(?:-\w+)?|bind9?|route53|resolver|consul", re.I),
     "is on what resolves names"),
    ("reach_changed",
     re.compile(r"(?:\w+-)?(?:firewall|network|vpc|vpn|proxy|mesh|istio|envoy|router|waf|nat)(?:-\w+)?", re.I),
     "is on the way between services"),
    ("tls_changed", re.compile(r"(?:\w+-)?(?:mesh|istio|pki|acme|certs?|cert-?manager|ca)(?:-\w+)?", re.I),
     "is on what issues certificates"),
    ("credential_changed", re.compile(r"(?:\w+-)?(?:vault|secrets?|idp|sso|keycloak|okta|ldap|kms|oidc|saml)(?:-\w+)?", re.I),
     "is on what keeps credentials"),
    ("permission_changed", re.compile(r"(?:\w+-)?(?:iam|rbac|opa|waf)(?:-\w+)?", re.I),
     "is on what decides who may do what"),
]  # fmt: skip

# Shared foundations that no topology lists, by a part of the name.
SHARED = re.compile(
    r"(?:^|[-_.])(?:\w{0,12}dns|bind9?|consul|vault|secrets?|iam|ldap|sso|idp|keycloak|okta|kms|pki|cert-?manager|acme|dbs?|databases?|"
    r"postgres\w*|pg\w*|mysql|maria\w*|mongo\w*|oracle|mssql|cassandra|redis|memcached?|kafka|rabbit\w*|elastic\w*|opensearch|etcd|zookeeper|"
    r"k8s|kube\w*|clusters?|nodes?|hosts?|net(?:work\w*|ops|sec)?|vpc|vpn|firewall|waf|proxy|gateway|lb|load-?balancer|ingress|edge|cdn|mesh|istio|envoy|router|"
    r"switch|nat|infra\w*|platform|terraform|ansible|puppet|shared|common|base|storage|nfs|ceph|san|ntp|chrony)(?:$|[-_.\d])",
    re.I,
)
