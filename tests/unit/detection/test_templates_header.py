"""What programs put before a message: their own default formats, or those of usual loggers."""

from __future__ import annotations

import time

import pytest

from incident_management.detection.templates.miner import message_of

SAID = "Cache of user ann warmed up in 12 ms"
HEADERS = """
[2026-01-04T11:27:08,628][INFO ][o.e.c.s.ClusterService] [node-7] |Elasticsearch
[2026-01-04 11:22:07] NOTICE[67912] chan_sip.c: |Asterisk
[Jan  4 11:22:07] NOTICE[67912][C-0000001a] chan_sip.c: |Asterisk, within a call
2026-01-04T11:20:00.123+0000 7f3a1c2d3700 -1 |Ceph
Jan  4 11:20:00 gw1 charon: 05[IKE] |strongSwan
2026-01-04T11:20:00.123+0000 I NETWORK  [conn123] |MongoDB before 4.4
1234:M 04 Jan 2026 11:20:00.123 * |Redis
2026/01/04 11:20:00 [error] 1234#1234: *56 |nginx
[Mon Jan 05 11:20:00.123456 2026] [core:error] [pid 1:tid 140] [client 10.0.0.1:5000] |Apache httpd
2026-01-04 11:20:00.123 UTC [1234] LOG:  |PostgreSQL
2026-01-04 11:20:00 UTC [1234] app@shop ERROR:  |PostgreSQL, with user and database
2026-01-04T11:20:00.123456Z 12 [Warning] [MY-010055] [Server] |MySQL
2026-01-04 11:20:00.123  INFO 1 --- [nio-8080-exec-1] c.e.demo.Controller            : |Spring Boot
2026-01-04T11:20:00.123+01:00  INFO 1 --- [shop] [main] c.e.demo.App   : |Spring Boot 3
04-Jan-2026 11:20:00.123 INFO [main] org.apache.catalina.startup.Catalina.start |Tomcat
2026-01-04 11:20:00,123 - app.module - INFO - |Python, by hand
[2026-01-04 11:20:00 +0000] [1234] [INFO] |gunicorn
[2026-01-04 11:20:00,123: WARNING/ForkPoolWorker-1] |Celery
INFO:     2026-01-04 11:20:00,123 |uvicorn
2026-01-04 11:20:00.123 | INFO     | app.module:run:12 - |loguru
[2026-01-04T11:20:00.123+0000] {taskinstance.py:123} INFO - |Airflow
I, [2026-01-04T11:20:00.123456 #1234]  INFO -- : |Ruby
2026-01-04T11:20:00.123Z pid=12 tid=abc class=Job jid=5f INFO: |Sidekiq
2026/01/04 11:20:00.123456 main.go:12: |Go
2026-01-04T11:20:00.123Z\tINFO\tserver/server.go:12\t|zap
I20260104 11:20:00.123456  1234 server.cc:12] |glog
[2026-01-04 11:20:00.123][12][info][upstream] [source/common/a.cc:12] |Envoy
2026-01-04T11:20:00.123Z [INFO]  core: |Vault
<34>1 2026-01-04T11:20:00.003Z web1 app 1234 ID47 - |syslog, RFC 5424
<34>1 2026-01-04T11:20:00.003Z web1 app - - [a@1 b="\\]"][c@2 d="e f"] |the same with data
<34>Jan  4 11:20:00 web1 app[1234]: |syslog, RFC 3164
INFO  [main] 2026-01-04 11:20:00,123 StorageService.java:123 - |Cassandra
2026-01-04 11:20:00.123456+00:00 [info] <0.123.0> |RabbitMQ
[info] 2026-01-04T11:20:00.123456Z couch@nohost <0.123.0> -------- |CouchDB
2026-01-04 11:20:00.123+0000 [id=12]\tINFO\thudson.WebAppMain#run: |Jenkins
2026-01-04 11:20:00,123 | INFO  | main | o.a.activemq.Broker | |ActiveMQ
2026-01-04 11:20:00,123 [12] INFO  Shop.Cart [(null)] - |log4net
2026-01-04 11:20:00.123 +01:00 [INF] |Serilog
2026-01-04 11:20:00,123 INFO  [org.jboss.as.server] (ServerService Thread Pool -- 12) |WildFly
2026-01-04T11:20:00.123Z info hostd[2099] [Originator@6876 sub=Vimsvc opID=abc] |ESXi
2026/01/04 11:20:00 kid1| |Squid
Mon, 05 Jan 2026 11:20:00 GMT |a date of HTTP
2026-01-04 11:20:00,123 INFO  org.apache.flink.runtime.taskmanager.Task            [] - |Flink
01/04/2026 11:20:00;0008;PBS_Server.1640;Job;18714.head1;|PBS
2026-01-04 11:20:00.123 INFO  (qtp12-21) [c:a s:b x:c1] o.a.s.c.S.Request |Solr
04/01/2026 -- 11:20:00 - <Info> - |Suricata
2026-01-04T11:20:01+00:00 relay1 Jan  4 11:20:00 web1 app[1234]: |a relay's time before the host's
2026-01-04T11:20:01Z relay1 Jan  4 11:20:00 web1/relay1 app[1234]: |the same, of chained hosts
"""


@pytest.mark.parametrize("line", HEADERS.strip("\n").replace("\\t", "\t").split("\n"))
def test_a_message_is_what_is_behind_the_header_of_a_program(line):
    header, _, program = line.rpartition("|")
    assert message_of(header + SAID) == SAID, program


@pytest.mark.parametrize(
    ("line", "message"),
    [
        # the name of a message, or its first words, behind a thread or a part of the program
        ("2026-01-04T11:20:00.123+0000 I STORAGE  [conn12] git version: a1", "git version: a1"),
        ("2026-01-04T11:20:00.123+0000 I STORAGE  [conn12] dropIndex: a", "dropIndex: a"),
        ("    2026/01/04 11:20:00 [INFO] serf: MemberJoin: web1 up", "MemberJoin: web1 up"),
        # a device's own number and time, with and without a receiver's
        ("Jan  4 11:20:00 sw1 1234: *Jan  4 11:20:00.123: %SYS-5-X: a b", "%SYS-5-X: a b"),
        ("1234: .Jan  4 2026 11:20:00.123 UTC: %SYS-5-X: a b", "%SYS-5-X: a b"),
        ("*Jan  4 11:20:00.123: %SYS-5-X: a b", "%SYS-5-X: a b"),
    ],
)
def test_a_header_ends_where_the_message_begins(line, message):
    assert message_of(line) == message


@pytest.mark.parametrize(
    "message",
    [
        "error while the cache of ann was read",
        "INFO is a level",
        "main.go:12: undefined: cache",
        "ann@shop ERROR: no cache",
        "(root) CMD (run all)",
        "<a> <b> <c>",
        "* all caches",
        "cache | main | is warm",
    ],
)
def test_a_message_without_a_time_before_it_stays_whole(message):
    assert message_of(message) == message


@pytest.mark.parametrize(
    "text",
    [
        "a.",
        "a:",
        "a@",
        "[",
        "a=b ",
        "| a ",
        "0a",
        "<0.",
        "- ",
        "a\\",
        "[a]",
        "INFO ",
        "a|",
        ";0a0b;c",
        "(a) [b",
        "Jan 1 ",
    ],
)
def test_a_header_made_to_be_slow_is_not(text):
    for start in ("2026-01-04 11:20:00 ", "<34>1 2026-01-04 a b c d [", "[info] ", ""):
        began = time.process_time()
        message_of(start + text * 2000)
        assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "header",
    [
        "2026-01-04 11:20:00,123 - INFO  [main:Store@12] - ",
        "2026-01-04 11:20:00,123 - app.module - INFO - ",
        "04/01/2026 -- 11:20:00 - <Info> - ",
    ],
)
def test_a_label_behind_a_dash_that_ends_the_header_belongs_to_the_message(header):
    assert message_of(header + "Cache: warmed up in 12 ms") == "Cache: warmed up in 12 ms"
