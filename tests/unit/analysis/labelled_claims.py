"""Incidents as real programs log them, with claims about their events that are true or false.

The claims of those whose names begin with "B" were not looked at while the rules were written.
"""

# ruff: noqa: E501  (a table: one claim a line reads better)
from __future__ import annotations

from typing import Dict, List, NamedTuple, Tuple

__all__ = ["INCIDENTS", "Told"]


class Told(NamedTuple):
    """A claim: whether it is true, the event that it cites, its quote, what it says, and what is
    wrong with it."""

    is_true: bool
    event: int
    quote: str
    text: str
    wrong: str


Logged = Tuple[str, int, str]
"""An event: entity, seconds, text."""
INCIDENTS: Dict[str, Tuple[List[Logged], List[Told]]] = {}
T, F = True, False


def inc(name: str, events: List[Logged], claims: List[Tuple[bool, int, str, str, str]]) -> None:
    INCIDENTS[name] = (events, [Told(*claim) for claim in claims])


# fmt: off
inc("A nginx upstream", [
 ("edge", 0, '2026/11/29 10:14:02 [error] 31#31: *88213 upstream timed out (110: Connection timed out) while reading response header from upstream, client: 10.0.3.7, server: shop.example, request: "GET /cart HTTP/1.1", upstream: "http://10.0.8.4:8080/cart", host: "shop.example"'),
 ("edge", 3, '10.0.3.7 - - [29/Nov/2026:10:14:05 +0000] "GET /cart HTTP/1.1" 504 167 "-" "Mozilla/5.0" rt=60.002'),
 ("cart", -40, '{"level":"warn","msg":"connection pool nearly full","in_use":48,"max":50,"service":"cart"}'),
 ("cart", 20, '{"level":"error","msg":"could not get connection from pool: pool exhausted","in_use":50,"max":50,"service":"cart"}'),
 ("search", 30, '{"level":"info","msg":"reindex finished","docs":12000,"service":"search"}'),
], [
 (T,0,"upstream timed out (110: Connection timed out)","nginx gave up waiting for the upstream at 10.0.8.4:8080.",""),
 (T,0,"while reading response header from upstream","The edge timed out reading the response header of /cart.",""),
 (T,1,'"GET /cart HTTP/1.1" 504 167','Clients of the cart got a 504.',""),
 (T,2,"connection pool nearly full","48 of 50 connections were in use before the errors.",""),
 (T,3,"pool exhausted","The cart service has used up all 50 connections of its pool.",""),
 (T,3,"could not get connection from pool","Requests to cart could not obtain a connection.",""),
 (T,4,"reindex finished","Search finished a reindex of 12,000 documents.",""),
 (F,3,"pool exhausted","The cart pool was NOT exhausted.","neg"),
 (F,4,"reindex finished","The cart reindex finished with 12000 docs.","host"),
 (F,3,"pool exhausted","The cart pool was exhausted because of the nginx timeouts.","cause"),
 (F,2,"connection pool nearly full","The pool was nearly full only after the timeouts began.","time"),
 (F,3,"pool exhausted","The search service could not get a connection from the pool.","host"),
 (F,1,"504 167","Every client of /cart got a 504.","quant"),
 (F,1,"rt=60.002","The request to cart took 60 minutes.","unit"),
])
inc("A java npe", [
 ("pricing", 0, "2026-11-29 09:00:01,113 ERROR [http-nio-8080-exec-12] c.s.pricing.QuoteService - quote failed for customer 4411\njava.lang.NullPointerException: Cannot invoke \"com.shop.pricing.Discount.rate()\" because \"discount\" is null\n\tat com.shop.pricing.QuoteService.apply(QuoteService.java:88)\n\tat com.shop.pricing.QuoteService.quote(QuoteService.java:41)"),
 ("pricing", -120, '{"change_id":"chg-771","service":"pricing","kind":"deploy","summary":"release 4.12.0: loyalty discounts","version":"4.12.0","previous_version":"4.11.3","actor":"mkessler"}'),
 ("checkout", 5, "2026-11-29 09:00:06,020 WARN c.s.checkout.PricingClient - GET http://pricing:8080/quote -> 500, retry 1 of 3"),
 ("checkout", 9, "2026-11-29 09:00:10,400 ERROR c.s.checkout.PricingClient - giving up after 3 attempts"),
], [
 (T,0,'because "discount" is null',"QuoteService.apply dereferences a discount that is null.",""),
 (T,0,"java.lang.NullPointerException","Pricing throws a NullPointerException in QuoteService.java:88.",""),
 (T,1,"release 4.12.0: loyalty discounts","Release 4.12.0 of pricing introduced loyalty discounts.",""),
 (T,1,'"previous_version":"4.11.3"',"mkessler deployed pricing 4.12.0; before it ran 4.11.3.",""),
 (T,2,"GET http://pricing:8080/quote -> 500","Checkout receives 500s from pricing.",""),
 (T,3,"giving up after 3 attempts","Checkout gives up after three attempts.",""),
 (F,1,'"previous_version":"4.11.3"',"mkessler rolled pricing back from 4.12.0 to 4.11.3.","swap"),
 (F,0,"java.lang.NullPointerException","Checkout throws a NullPointerException in QuoteService.java.","host"),
 (F,3,"giving up after 3 attempts","Pricing gives up after 3 attempts.","host"),
 (F,0,'"discount" is null',"The discount is never null in QuoteService.","neg"),
 (F,2,"retry 1 of 3","Checkout retries brought down pricing with a NullPointerException.","cause"),
 (F,1,"release 4.12.0","The release 4.12.0 of pricing came after the first errors.","time"),
])
inc("A k8s oom", [
 ("ingest", 0, "Warning BackOff pod/ingest-6d9f7c5b8-x2k4q Back-off restarting failed container ingest in pod ingest-6d9f7c5b8-x2k4q"),
 ("ingest", -20, "kernel: Memory cgroup out of memory: Killed process 21877 (java) total-vm:5242880kB, anon-rss:2096112kB, oom_score_adj:984"),
 ("ingest", -600, '{"change_id":"chg-902","service":"ingest","kind":"config","summary":"right-size memory","changes":{"resources.limits.memory":{"from":"4Gi","to":"2Gi"}}}'),
 ("kube", -10, "Normal Pulled pod/billing-7c Successfully pulled image \"billing:1.9\" in 812ms"),
 ("ingest", 60, "Warning Unhealthy pod/ingest-6d9f7c5b8-x2k4q Readiness probe failed: Get \"http://10.1.2.3:8080/ready\": dial tcp 10.1.2.3:8080: connect: connection refused"),
], [
 (T,0,"Back-off restarting failed container","The container ingest is in a restart back-off.",""),
 (T,1,"Memory cgroup out of memory: Killed process 21877","The kernel killed the java process 21877 for lack of memory.",""),
 (T,2,"right-size memory","chg-902 lowered the memory limit of ingest from 4Gi to 2Gi.",""),
 (T,4,"Readiness probe failed","The readiness probe of the ingest pod fails with connection refused.",""),
 (T,3,"Successfully pulled image","The image billing:1.9 was pulled in 812 ms.",""),
 (T,1,"anon-rss:2096112kB","The killed process had a resident size of 2096112 kB.",""),
 (F,2,"right-size memory","chg-902 raised the memory limit of ingest from 2Gi to 4Gi.","swap"),
 (F,1,"Killed process 21877","The billing process 21877 was killed for lack of memory.","host"),
 (F,3,"Successfully pulled image","Pulling the image billing:1.9 took 812 seconds.","unit"),
 (F,4,"Readiness probe failed","The readiness probe failed before the memory limit was changed.","time"),
 (F,4,"Readiness probe failed","The readiness probe of the pod passes, so the connection is fine.","neg"),
 (F,0,"Back-off restarting failed container","All pods of ingest are in back-off.","quant"),
])
inc("A postgres locks", [
 ("orders-db", 0, "2026-11-29 11:20:03.551 UTC [4412] ERROR:  canceling statement due to lock timeout\n2026-11-29 11:20:03.551 UTC [4412] STATEMENT:  UPDATE orders SET state = 'paid' WHERE id = 88123"),
 ("orders-db", -50, "2026-11-29 11:19:13.002 UTC [4390] LOG:  process 4390 acquired AccessExclusiveLock on relation 16412 of database 16384 after 0.113 ms"),
 ("orders-db", -52, "2026-11-29 11:19:11.000 UTC [4390] LOG:  statement: ALTER TABLE orders ADD COLUMN gift boolean NOT NULL DEFAULT false"),
 ("orders-db", 30, "2026-11-29 11:20:33.100 UTC [4400] LOG:  process 4400 still waiting for RowExclusiveLock on relation 16412 after 1000.075 ms"),
 ("orders-db", 90, "2026-11-29 11:21:33.100 UTC [1021] LOG:  checkpoint complete: wrote 412 buffers (2.5%); write=12.1 s, sync=0.004 s, total=12.2 s"),
], [
 (T,0,"canceling statement due to lock timeout","An UPDATE of orders was cancelled by the lock timeout.",""),
 (T,1,"acquired AccessExclusiveLock on relation 16412","Process 4390 holds an AccessExclusiveLock on relation 16412.",""),
 (T,2,"ALTER TABLE orders ADD COLUMN gift","Somebody ran ALTER TABLE on orders to add the column gift.",""),
 (T,3,"still waiting for RowExclusiveLock","Process 4400 has waited more than 1000 ms for a RowExclusiveLock.",""),
 (T,4,"checkpoint complete","The checkpoint wrote 412 buffers in 12.2 s.",""),
 (T,0,"canceling statement due to lock timeout","Statements time out on locks.",""),
 (F,1,"acquired AccessExclusiveLock","Process 4400 acquired the AccessExclusiveLock on relation 16412.","host"),
 (F,3,"still waiting for RowExclusiveLock","Process 4400 waited 1000.075 seconds for the lock.","unit"),
 (F,2,"ALTER TABLE orders ADD COLUMN gift","The ALTER TABLE dropped the column gift of orders.","swap"),
 (F,4,"checkpoint complete","The checkpoint caused the lock timeout of orders.","cause"),
 (F,0,"canceling statement due to lock timeout","The lock timeout made process 4390 take the AccessExclusiveLock.","cause"),
 (F,0,"canceling statement due to lock timeout","The statement was cancelled although no lock timeout occurred.","neg"),
])
inc("A cloudtrail", [
 ("iam", -300, '{"eventTime":"2026-11-29T08:55:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey","userIdentity":{"type":"IAMUser","userName":"sec-bot"},"requestParameters":{"userName":"uploader","accessKeyId":"<masked:aws-access-key>"},"sourceIPAddress":"198.51.100.7"}'),
 ("uploads", 0, "ERROR botocore.exceptions.ClientError: An error occurred (InvalidAccessKeyId) when calling the PutObject operation: The AWS Access Key Id you provided does not exist in our records."),
 ("iam", -200, '{"eventTime":"2026-11-29T08:56:40Z","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","userIdentity":{"type":"AssumedRole","userName":"terraform"},"requestParameters":{"bucketName":"shop-logs"}}'),
 ("thumbs", 12, "ERROR no source image for key products/991.jpg: NoSuchKey"),
], [
 (T,0,'"eventName":"DeleteAccessKey"',"sec-bot deleted an access key of uploader.",""),
 (T,1,"InvalidAccessKeyId","PutObject of uploads is refused with InvalidAccessKeyId.",""),
 (T,1,"does not exist in our records","AWS does not know the access key that uploads uses.",""),
 (T,2,'"eventName":"PutBucketPolicy"',"terraform changed the policy of the bucket shop-logs.",""),
 (T,3,"no source image for key","Thumbs cannot find products/991.jpg.",""),
 (T,0,'"eventName":"DeleteAccessKey"',"The call DeleteAccessKey came from 198.51.100.7.",""),
 (F,0,'"eventName":"DeleteAccessKey"',"uploader deleted an access key of sec-bot.","swap"),
 (F,2,'"eventName":"PutBucketPolicy"',"terraform deleted the access key of uploader.","host"),
 (F,2,'"eventName":"PutBucketPolicy"',"sec-bot changed the policy of shop-logs.","host"),
 (F,1,"does not exist in our records","The access key exists in the records of AWS.","neg"),
 (F,3,"no source image for key","The missing image led to the InvalidAccessKeyId of uploads.","cause"),
 (F,0,'"eventName":"DeleteAccessKey"',"sec-bot deleted the access key 300 seconds after uploads failed.","time"),
])
inc("A windows service", [
 ("dc01", -900, "11/29/2026 07:40:00 AM LogName=System SourceName=Microsoft-Windows-Time-Service EventCode=36 ComputerName=dc01.corp.example Message=The time service has not synchronized the system time for 86400 seconds because none of the time service providers provided a usable time stamp."),
 ("app07", 0, "11/29/2026 07:55:00 AM LogName=System SourceName=Microsoft-Windows-Security-Kerberos EventCode=4 ComputerName=app07.corp.example Message=The Kerberos client received a KRB_AP_ERR_SKEW error from the server dc01$."),
 ("app07", 10, "11/29/2026 07:55:10 AM LogName=System SourceName=Service Control Manager EventCode=7038 ComputerName=app07.corp.example Message=The ReportSvc service was unable to log on as CORP\\svc-report with the currently configured password due to the following error: The user name or password is incorrect."),
 ("app08", 40, "11/29/2026 07:55:40 AM LogName=System SourceName=Service Control Manager EventCode=7036 ComputerName=app08.corp.example Message=The Print Spooler service entered the running state."),
], [
 (T,0,"has not synchronized the system time for 86400 seconds","dc01 has not synchronized its clock for 86400 seconds.",""),
 (T,1,"KRB_AP_ERR_SKEW","Kerberos on app07 reports a clock skew against dc01.",""),
 (T,2,"was unable to log on as","ReportSvc failed to log on as svc-report.",""),
 (T,3,"entered the running state","The Print Spooler of app08 is running.",""),
 (T,0,"none of the time service providers","No time provider gave dc01 a usable time stamp.",""),
 (T,2,"The user name or password is incorrect","The logon of ReportSvc on app07 is rejected: wrong user name or password.",""),
 (F,0,"has not synchronized the system time","app07 has not synchronized its system time for 86400 seconds.","host"),
 (F,0,"for 86400 seconds","dc01 has not synchronized its time for 86400 minutes.","unit"),
 (F,0,"has not synchronized the system time","dc01 has synchronized its system time.","neg"),
 (F,3,"entered the running state","The ReportSvc service entered the running state.","host"),
 (F,2,"was unable to log on","The failed logon of ReportSvc triggered the Kerberos skew on app07.","cause"),
 (F,2,"was unable to log on","ReportSvc was unable to log on until dc01 lost its time.","time"),
])
inc("A tls cert", [
 ("gateway", 0, 'level=error ts=2026-11-29T00:00:04Z msg="remote error: tls: bad certificate" remote=10.7.0.9:51220'),
 ("mobile-bff", 2, 'Error: certificate has expired at TLSSocket.onConnectSecure (node:_tls_wrap:1674:34) { code: "CERT_HAS_EXPIRED", host: "api.shop.example", port: 443 }'),
 ("cert-manager", -3600, 'W1128 23:00:00.113 controller.go:302] "cert-manager/certificates: renewal failed" certificate="edge/api-shop" err="acme: rate limited: too many certificates already issued"'),
 ("gateway", 100, 'level=info ts=2026-11-29T00:01:44Z msg="config reloaded" routes=212'),
 ("web", 15, 'level=warn msg="handshake with api.shop.example took 1840 ms" attempts=2'),
], [
 (T,1,"certificate has expired","The certificate of api.shop.example has expired.",""),
 (T,0,"remote error: tls: bad certificate","Clients refuse the gateway's certificate.",""),
 (T,2,"renewal failed","cert-manager failed to renew edge/api-shop because ACME rate limited it.",""),
 (T,3,"config reloaded","The gateway reloaded its configuration with 212 routes.",""),
 (T,4,"handshake with api.shop.example took 1840 ms","A handshake took 1.84 seconds and two attempts.",""),
 (F,1,"certificate has expired","The certificate of api.shop.example is valid and has not expired.","neg"),
 (F,3,"config reloaded","The reloaded configuration of the gateway broke the certificate.","cause"),
 (F,2,"renewal failed","The renewal of edge/api-shop failed after the certificate had expired.","time"),
 (F,4,"took 1840 ms","The handshake with api.shop.example took 1840 seconds.","unit"),
 (F,1,"certificate has expired","Only mobile-bff sees that the certificate has expired.","quant"),
 (F,0,"tls: bad certificate","The web service gets bad certificate from remote 10.7.0.9.","host"),
])

inc("B kafka", [
 ("kafka-2", -30, "[2026-11-29 14:00:10,001] INFO [Partition payments-7 broker=2] Shrinking ISR from 1,2,3 to 2. Leader: (highWatermark: 881234, endOffset: 881302). (kafka.cluster.Partition)"),
 ("kafka-3", -60, "[2026-11-29 13:59:40,700] ERROR Error while writing to checkpoint file /data/kafka/recovery-point-offset-checkpoint java.io.IOException: No space left on device"),
 ("payments", 0, "2026-11-29T14:00:40Z ERROR org.apache.kafka.common.errors.NotEnoughReplicasException: Messages are rejected since there are fewer in-sync replicas than required. topic=payments partition=7"),
 ("payments", 40, "2026-11-29T14:01:20Z WARN outbox backlog 18412 messages, oldest 44 s"),
 ("ledger", 60, "2026-11-29T14:01:40Z INFO consumer lag 0 for group ledger"),
], [
 (T,0,"Shrinking ISR from 1,2,3 to 2","The ISR of payments-7 shrank from three brokers to one.",""),
 (T,1,"No space left on device","The disk of kafka-3 is full.",""),
 (T,1,"Error while writing to checkpoint file","kafka-3 could not write its checkpoint file.",""),
 (T,2,"Messages are rejected","Writes to the topic payments are rejected: too few in-sync replicas.",""),
 (T,3,"outbox backlog 18412 messages","18,412 messages wait in the outbox of payments.",""),
 (T,4,"consumer lag 0","The ledger group has no lag.",""),
 (F,1,"No space left on device","The disk of kafka-2 is full.","host"),
 (F,4,"consumer lag 0","The group ledger has a lag of 18412 messages.","number"),
 (F,3,"oldest 44 s","The oldest message of the outbox is 44 minutes old.","unit"),
 (F,2,"fewer in-sync replicas than required","There were not fewer in-sync replicas than required.","neg"),
 (F,2,"Messages are rejected","Rejected messages of payments filled the disk of kafka-3.","cause"),
 (F,0,"Shrinking ISR","The ISR shrank a minute before kafka-3 ran out of space.","time"),
 (F,2,"Messages are rejected","All topics reject messages.","quant"),
])
inc("B dns", [
 ("coredns", -5, "[ERROR] plugin/errors: 2 payments.shop.svc.cluster.local. A: read udp 10.2.0.5:41212->10.0.0.2:53: i/o timeout"),
 ("orders", 0, "ERROR PaymentClient: getaddrinfo EAI_AGAIN payments.shop.svc.cluster.local"),
 ("network", -60, '{"change_id":"net-55","service":"network","kind":"config","summary":"tighten egress of kube-system","actor":"ilse","diff":"-  - to: 10.0.0.0/8 port 53\\n+  - to: 10.9.0.0/16 port 53"}'),
 ("orders", 25, "WARN circuit payments opened after 20 failures in 10s"),
 ("stock", 30, "INFO resolved warehouse.shop.svc.cluster.local from cache"),
], [
 (T,0,"i/o timeout","CoreDNS gets no answer from 10.0.0.2.",""),
 (T,1,"getaddrinfo EAI_AGAIN","Orders cannot resolve payments.shop.svc.cluster.local.",""),
 (T,2,"tighten egress of kube-system","Ilse's change net-55 restricts egress on port 53 to 10.9.0.0/16.",""),
 (T,3,"circuit payments opened after 20 failures","The circuit breaker for payments opened after 20 failures.",""),
 (T,4,"resolved warehouse.shop.svc.cluster.local from cache","Stock still resolves names out of its cache.",""),
 (T,1,"EAI_AGAIN payments","Name resolution fails in the PaymentClient of orders.",""),
 (F,4,"resolved warehouse","Orders resolved warehouse.shop.svc.cluster.local from its cache.","host"),
 (F,3,"opened after 20 failures in 10s","The circuit opened after 20 failures in 10 minutes.","unit"),
 (F,3,"circuit payments opened","The open circuit of payments is the cause of the failed lookups.","cause"),
 (F,1,"getaddrinfo EAI_AGAIN","PaymentClient resolves payments.shop.svc.cluster.local without errors.","neg"),
 (F,2,"tighten egress of kube-system","net-55 widened egress on port 53 from 10.9.0.0/16 to 10.0.0.0/8.","swap"),
 (F,2,"tighten egress of kube-system","net-55 came after orders had failed.","time"),
])
inc("B disk full", [
 ("orders-db", 0, "2026-11-29 03:10:00 UTC [88] PANIC:  could not write to file \"pg_wal/xlogtemp.88\": No space left on device"),
 ("orders-db", -7200, "2026-11-29 01:10:00 UTC [91] LOG:  archive command failed with exit code 1: aws s3 cp pg_wal/00000001000000A2 s3://shop-wal/"),
 ("orders", 4, "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at \"orders-db\" (10.3.0.4), port 5432 failed: Connection refused"),
 ("node-db1", -60, "node_exporter: filesystem /var/lib/postgresql 99.8% used, 1.2 GB free of 600 GB"),
 ("reports-db", 20, "2026-11-29 03:10:20 UTC [12] LOG:  automatic vacuum of table \"reports.daily\": index scans: 1"),
], [
 (T,0,"No space left on device","orders-db panicked when it could not write to pg_wal.",""),
 (T,1,"archive command failed with exit code 1","Archiving WAL to S3 failed two hours earlier.",""),
 (T,2,"Connection refused","Orders is refused by orders-db on port 5432.",""),
 (T,3,"99.8% used","The filesystem /var/lib/postgresql is 99.8 % full.",""),
 (T,4,"automatic vacuum of table","reports-db runs an automatic vacuum of reports.daily.",""),
 (T,3,"1.2 GB free of 600 GB","Of 600 GB, 1.2 GB are free.",""),
 (F,3,"1.2 GB free of 600 GB","Of 600 GB, 1.2 MB are free.","unit"),
 (F,0,"No space left on device","reports-db has no space left on its device.","host"),
 (F,1,"archive command failed","The archive command succeeded with exit code 1.","neg"),
 (F,4,"automatic vacuum of table","The automatic vacuum filled the disk of orders-db.","cause"),
 (F,1,"archive command failed","The archive command failed after the PANIC.","time"),
 (F,2,"Connection refused","orders refused the connection of orders-db on port 5432.","swap"),
 (F,1,"archive command failed","The archive command never ran.","quant"),
])
inc("B mysql deadlock", [
 ("billing", 0, "com.mysql.cj.jdbc.exceptions.MySQLTransactionRollbackException: Deadlock found when trying to get lock; try restarting transaction"),
 ("billing", -100, "INFO job=invoice-run started worker=3 batch=500"),
 ("billing", -40, "INFO job=invoice-run started worker=4 batch=500"),
 ("billing-db", 1, "InnoDB: *** (1) TRANSACTION: TRANSACTION 7719, ACTIVE 12 sec starting index read; mysql tables in use 1, locked 1; LOCK WAIT 11 lock struct(s)"),
 ("mailer", 50, "INFO sent 220 invoices in 31 s"),
], [
 (T,0,"Deadlock found when trying to get lock","MySQL rolled a billing transaction back because of a deadlock.",""),
 (T,1,"job=invoice-run started worker=3","Worker 3 started the invoice run with batches of 500.",""),
 (T,2,"job=invoice-run started worker=4","A second invoice-run was started by worker 4.",""),
 (T,3,"TRANSACTION 7719, ACTIVE 12 sec","Transaction 7719 has been active for 12 seconds.",""),
 (T,3,"LOCK WAIT 11 lock struct(s)","The transaction waits for a lock.",""),
 (T,4,"sent 220 invoices","The mailer sent 220 invoices in 31 seconds.",""),
 (F,2,"started worker=4","Worker 3 was started last.","host"),
 (F,3,"ACTIVE 12 sec","Transaction 7719 was active for 12 hours.","unit"),
 (F,4,"sent 220 invoices","Billing sent 220 invoices in 31 s.","host"),
 (F,0,"Deadlock found","No deadlock was found by billing.","neg"),
 (F,0,"Deadlock found","The deadlock started the invoice-run of worker 4.","cause"),
 (F,1,"started worker=3","Worker 3 started only after worker 4.","time"),
])
inc("B redis stampede", [
 ("catalog", 0, "WARN cache miss rate 0.94 (p50 0.03) keys expired=51200"),
 ("catalog-db", 6, "# Query_time: 8.412 Lock_time: 0.000 Rows_sent: 1 Rows_examined: 2841120 SELECT * FROM products WHERE sku='A-9'"),
 ("redis", -3, "1:M 29 Nov 2026 18:00:00.041 # User requested shutdown... 1:M 29 Nov 2026 18:00:00.050 * Removing the pid file."),
 ("ops", -5, '{"change_id":"mw-9","service":"redis","kind":"maintenance","summary":"restart redis for kernel patch","actor":"tomas"}'),
 ("catalog", 30, "ERROR product page failed: context deadline exceeded after 5s"),
], [
 (T,0,"cache miss rate 0.94","94 percent of the lookups of catalog miss the cache.",""),
 (T,1,"Query_time: 8.412","A query of products took 8.412 seconds and examined 2841120 rows.",""),
 (T,2,"User requested shutdown","Redis was shut down on request.",""),
 (T,3,"restart redis for kernel patch","Tomas restarted redis for a kernel patch (mw-9).",""),
 (T,4,"context deadline exceeded after 5s","Product pages fail after 5 seconds.",""),
 (F,1,"Query_time: 8.412","The query of products took 8.412 ms.","unit"),
 (F,2,"User requested shutdown","Redis crashed; no user requested the shutdown.","neg"),
 (F,1,"Rows_examined: 2841120","The query sent 2841120 rows.","swap"),
 (F,4,"context deadline exceeded","The failing product page made redis shut down.","cause"),
 (F,3,"restart redis for kernel patch","tomas restarted catalog-db for a kernel patch.","host"),
 (F,0,"keys expired=51200","The keys expired long before redis was restarted.","time"),
])
inc("B syslog network", [
 ("sw-core-1", -8, "Nov 29 06:00:12 sw-core-1 %LINK-3-UPDOWN: Interface TenGigabitEthernet1/0/12, changed state to down"),
 ("sw-core-2", 120, "Nov 29 06:02:20 sw-core-2 %LINK-3-UPDOWN: Interface TenGigabitEthernet1/0/12, changed state to up"),
 ("vote-api", 0, "panic: dial tcp 10.20.4.11:6379: connect: no route to host"),
 ("etcd-1", 4, '{"level":"warn","msg":"lost leader 8e9e05c52164694d at term 41","member":"etcd-1"}'),
 ("fw-edge", 10, "Nov 29 06:00:30 fw-edge kernel: DROP IN=eth0 SRC=203.0.113.9 DST=10.20.4.11 PROTO=TCP DPT=22"),
], [
 (T,0,"changed state to down","Interface TenGigabitEthernet1/0/12 of sw-core-1 went down.",""),
 (T,1,"changed state to up","On sw-core-2 the interface came up.",""),
 (T,2,"no route to host","vote-api finds no route to 10.20.4.11.",""),
 (T,3,"lost leader 8e9e05c52164694d at term 41","etcd-1 lost its leader at term 41.",""),
 (T,4,"DROP IN=eth0 SRC=203.0.113.9","The firewall dropped an SSH connection from 203.0.113.9.",""),
 (F,0,"changed state to down","Interface TenGigabitEthernet1/0/12 of sw-core-2 went down.","host"),
 (F,1,"changed state to up","The interface of sw-core-1 came up again.","host"),
 (F,2,"no route to host","There was a route to host 10.20.4.11.","neg"),
 (F,3,"lost leader","The lost leader took the interface TenGigabitEthernet1/0/12 down.","cause"),
 (F,4,"DROP IN=eth0","All packets to 10.20.4.11 were dropped.","quant"),
 (F,0,"changed state to down","The link went down after etcd-1 lost its leader.","time"),
])
inc("B batch cron", [
 ("etl", 0, "Traceback (most recent call last): File \"/opt/etl/load.py\", line 71, in main; snowflake.connector.errors.ProgrammingError: 002003 (02000): Object 'DWH.PUBLIC.ORDERS_V2' does not exist or not authorized."),
 ("etl", -1800, "INFO 04:30:00 task orders_v1 finished rows=88412 seconds=412"),
 ("dbt", -600, '{"change_id":"dbt-31","service":"dbt","kind":"deploy","summary":"rename orders_v2 to orders_current","actor":"priya","version":"31","previous_version":"30"}'),
 ("bi", 200, "WARN dashboard revenue is 5h stale"),
], [
 (T,0,"does not exist or not authorized","The ETL job can't find DWH.PUBLIC.ORDERS_V2, or may not read it.",""),
 (T,1,"task orders_v1 finished rows=88412","The task orders_v1 loaded 88,412 rows in 412 seconds.",""),
 (T,2,"rename orders_v2 to orders_current","priya renamed orders_v2 to orders_current with dbt-31.",""),
 (T,3,"dashboard revenue is 5h stale","The revenue dashboard is five hours old.",""),
 (T,0,"ProgrammingError","load.py fails at line 71 with a ProgrammingError.",""),
 (F,2,"rename orders_v2 to orders_current","priya renamed orders_current to orders_v2.","swap"),
 (F,3,"5h stale","The revenue dashboard is 5 days stale.","unit"),
 (F,1,"task orders_v1 finished","The task orders_v1 did not finish.","neg"),
 (F,0,"does not exist or not authorized","The task orders_v1 failed with a ProgrammingError.","host"),
 (F,3,"dashboard revenue is 5h stale","The stale dashboard caused the ProgrammingError of load.py.","cause"),
 (F,2,"rename orders_v2","dbt-31 was deployed once the etl had failed.","time"),
 (F,0,"does not exist","None of the objects of DWH exist.","quant"),
])
# fmt: on
