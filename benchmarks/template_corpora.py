# ruff: noqa: E501, SIM905  # log messages are as long as they are
"""Made-up logs with known templates, in the manner of kinds of system, not copied from any.

A message is written with slots, ``{user}``; its true template has ``<*>`` for each. How often a
message comes falls with its place in the list, as in real logs (Zipf), and some come only once.
"""

from __future__ import annotations

import random
import re
from typing import Callable, Dict, Iterator, List, Sequence, Tuple

__all__ = ["all_systems"]

LINES = 2000
_SLOT = re.compile(r"\{(\w+)\}")

_USERS = (
    "root alice bob carol dave test guest admin oracle nagios backup cyrus news mysql www".split()
)
_HOSTS = "combo mars venus build-7 db01.prod.example.net web2 cache-a jupiter gate".split()
_STATES = "NEW QUEUED ASSIGNED RUNNING CLEANING_UP SUCCEEDED KILLED FAILED_OVER".split()
_CLASSES = (
    "org.acme.sched.TaskEvent org.acme.sched.NodeEventHandler com.shop.cart.CartService"
    " io.relay.net.Channel$Reader java.util.concurrent.LinkedBlockingQueue org.acme.io.Codec"
).split()
_FILES = "/etc/passwd /var/lib/app/data.db /srv/www/index.html /tmp/a /home/bob/.profile".split()
_TAGS = ["View Lock", "RadioAck", "*job*/com.acme/.Sync", "Audio Mix", "Wake", "Alarm"]
_WORDS = "amber birch cedar delta ember fjord grove haven iris jade krill lotus maple nylon".split()


def _ip(rng: random.Random) -> str:
    return f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _hex(rng: random.Random, digits: int) -> str:
    return f"{rng.randrange(16**digits):0{digits}x}"


def _uuid(rng: random.Random) -> str:
    return "-".join(_hex(rng, n) for n in (8, 4, 4, 4, 12))


def _many(rng: random.Random, one: Callable[[random.Random], str], by: str) -> str:
    return by.join(one(rng) for _ in range(rng.randrange(1, 7)))


_SLOTS: Dict[str, Callable[[random.Random], str]] = {
    "n": lambda r: str(r.randrange(10 ** r.randrange(1, 7))),
    "neg": lambda r: str(r.randrange(-99, 99)),
    "big": lambda r: f"{r.randrange(10 ** r.randrange(1, 8)):,}",
    "float": lambda r: f"{r.random() * 100:.{r.randrange(1, 8)}f}",
    "ip": _ip,
    "addr": lambda r: f"{_ip(r)}:{r.randrange(1024, 65535)}",
    "saddr": lambda r: f"/{_ip(r)}:{r.randrange(1024, 65535)}",
    "hostport": lambda r: (
        f"{r.choice(['cdn', 'www', 'mail'])}.acme.example.com:{r.choice([80, 443])}"
    ),
    "hex": lambda r: "0x" + _hex(r, 8),
    "uuid": _uuid,
    "reg": lambda r: _hex(r, 8),
    "blk": lambda r: f"blk_{r.choice(['', '-'])}{r.randrange(10**18)}",
    "blks": lambda r: _many(r, _SLOTS["blk"], " "),
    "addrs": lambda r: _many(r, _SLOTS["addr"], " "),
    "attempt": lambda r: (
        f"attempt_{r.randrange(10**12)}_{r.randrange(99):04}_m_{r.randrange(99):06}_0"
    ),
    "user": lambda r: r.choice(_USERS),
    "host": lambda r: r.choice(_HOSTS),
    "state": lambda r: r.choice(_STATES),
    "cls": lambda r: r.choice(_CLASSES),
    "file": lambda r: r.choice(_FILES),
    "path": lambda r: "/" + "/".join(r.choice(_WORDS) for _ in range(r.randrange(1, 6))),
    "word": lambda r: r.choice(_WORDS),
    "rare": lambda r: "".join(r.choice("aeioubcdfgklmnprst") for _ in range(r.randrange(4, 9))),
    "tag": lambda r: r.choice(_TAGS),
    "size": lambda r: f"{r.random() * 999:.1f} {r.choice(['B', 'KB', 'MB', 'GB'])}",
    "life": lambda r: r.choice(["<1 sec", f"{r.randrange(60):02}:{r.randrange(60):02}"]),
    "bool": lambda r: r.choice(["true", "false"]),
    "source": lambda r: r.choice(["null", f"WorkSource{{{r.randrange(20000)}}}"]),
    "date": lambda r: (
        f"{r.choice(['Mon', 'Tue', 'Sat'])} {r.choice(['Jun', 'Jul'])} {r.randrange(1, 30)}"
        f" {r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02} 2025"
    ),
    "node": lambda r: f"R{r.randrange(64):02}-M{r.randrange(2)}-N{r.randrange(16)}",
    "core": lambda r: f"core.{r.randrange(4000)}",
    "dir": lambda r: r.choice(["x+", "x-", "y+", "y-", "z+", "z-"]),
    "url": lambda r: f"https://api.acme.example/{r.choice(_WORDS)}?id={r.randrange(999)}",
    "names": lambda r: _many(r, lambda s: s.choice(_WORDS), ", "),
    "reqpath": lambda r: f"/v2/{_hex(r, 16)}/{r.choice(['servers', 'images', 'os-events'])}",
    "act": lambda r: "acme.intent." + r.choice(["SCREEN_ON", "SCREEN_OFF", "TIME_TICK", "POWER"]),
    "ints": lambda r: "##".join(str(r.randrange(99999)) for _ in range(r.randrange(3, 7))),
    "winpath": lambda r: f"C:\\Windows\\parts\\amd64_{_hex(r, 6)}\\core.dll",
    "pkg": lambda r: (
        f"Package_{r.randrange(99)}_for_KB{r.randrange(10**7)}~{_hex(r, 16)}~~6.1.1.{r.randrange(9)}"
    ),
    "code": lambda r: r.choice(["E_INVALID_ITEM", "E_NOT_FOUND", "S_OK"]),
    "pct": lambda r: f"{r.randrange(100)}%",
    "dev": lambda r: r.choice(["eth0", "eth1", "wlan0", "sda1", "sdb2"]),
}

_SYSTEMS: Dict[str, Tuple[str, List[str]]] = {
    "blocks": (
        "{date6} INFO dfs.Node$Mover: ",
        [
            "Receiving chunk {blk} src: {saddr} dest: {saddr}",
            "BLOCK* NameMap.addStored: map updated: {addr} is added to {blk} size {n}",
            "Responder {n} for chunk {blk} terminating",
            "Received chunk {blk} of size {n} from {saddr}",
            "{addr} Served chunk {blk} to {saddr}",
            "BLOCK* ask {addr} to delete {blks}",
            "{addr}:Got exception while serving {blk} to {saddr}:",
            "BLOCK* ask {addr} to copy {blk} to datanode(s) {addrs}",
            "Deleting chunk {blk} file {path}/{blk}",
            "BLOCK* NameMap.delete: {blk} is added to invalidSet of {addr}",
            "Verification succeeded for {blk}",
            "Unexpected error trying to delete chunk {blk}. Info not found in volumeMap.",
            "{addr} Starting thread to transfer chunk {blk} to {addrs}",
            "Received chunk {blk} src: {saddr} dest: {saddr} of size {n}",
        ],
    ),
    "sshd": (
        "Dec 10 06:55:46 {host} sshd[{n}]: ",
        [
            "Failed password for {user} from {ip} port {n} ssh2",
            "pam_unix(sshd:auth): authentication failure; logname= uid={n} euid={n} tty=ssh ruser= rhost={ip}",
            "pam_unix(sshd:auth): authentication failure; logname= uid={n} euid={n} tty=ssh ruser= rhost={ip}  user={user}",
            "Received disconnect from {ip}: {n}: Bye Bye [preauth]",
            "Failed password for invalid user {rare} from {ip} port {n} ssh2",
            "Connection closed by {ip} [preauth]",
            "pam_unix(sshd:auth): check pass; user unknown",
            "Invalid user {rare} from {ip}",
            "input_userauth_request: invalid user {rare} [preauth]",
            "reverse mapping checking getaddrinfo for {host} [{ip}] failed - POSSIBLE BREAK-IN ATTEMPT!",
            "message repeated {n} times: [ Failed password for {user} from {ip} port {n} ssh2]",
            "Disconnecting: Too many authentication failures for {user} [preauth]",
            "Accepted password for {user} from {ip} port {n} ssh2",
            "pam_unix(sshd:session): session opened for user {user} by (uid={n})",
            "pam_unix(sshd:session): session closed for user {user}",
            "PAM {n} more authentication failures; logname= uid={n} euid={n} tty=ssh ruser= rhost={ip}  user={user}",
            "Did not receive identification string from {ip}",
            "fatal: Write failed: Connection reset by peer [preauth]",
            "error: Received disconnect from {ip}: {n}: com.jc.jsch.JSchException: Auth fail [preauth]",
        ],
    ),
    "syslog": (
        "Jun 14 15:16:01 {host} {proc}: ",
        [
            "authentication failure; logname= uid={n} euid={n} tty=NODEVssh ruser= rhost={ip} ",
            "session opened for user {user} by (uid={n})",
            "session closed for user {user}",
            "connection from {ip} ({host}) at {date}",
            "({user}) CMD (run-parts {path})",
            "Kerberos authentication failed",
            "ALERT exited abnormally with [{n}]",
            "{word} startup succeeded",
            "{word} shutdown succeeded",
            "getpeername ({word}): Transport endpoint is not connected",
            "ACPI: PCI interrupt {hex}[A] -> GSI {n} (level, low) -> IRQ {n}",
            "synchronized to {ip}, stratum {n}",
            "data_thread() got not answer from any [{word}_A{n}] datasource",
            "Warning: we failed to resolve data source name {hosts}",
            "EXT3-fs: mounted filesystem with ordered data mode.",
            "Memory: {n}k/{n}k available ({n}k kernel code, {n}k reserved, {n}k data)",
            "{dev}: link up, {n}Mbps, full-duplex",
            "{dev}: link down",
            "klogd {float}, log source = {path} started.",
            "restart.",
            "Linux version {float} (builder@{host}) (gcc version {float}) #1 {date}",
            "usb {n}-{n}: new high speed USB device using address {n}",
            "DHCPDISCOVER from {uuid} via {dev}: network A_net: no free leases",
            "CPU{n}: Temperature above threshold, cpu clock throttled",
            "CPU{n}: Temperature/speed normal",
        ],
    ),
    "super": (
        "- {epoch} 2005.06.03 {node} 2005-06-03-15.42.50.675872 {node} RAS KERNEL INFO ",
        [
            "generating {core}",
            "iar {reg} dear {reg}",
            "{n} double-hummer alignment exceptions",
            "instruction cache parity error corrected",
            "CE sym {n}, at {hex}, mask {hex}",
            "{n} torus receiver {dir} input pipe error(s) (dcr {hex}) detected and corrected",
            "{n} torus sender {dir} retransmission error(s) (dcr {hex}) detected and corrected",
            "{n} ddr errors(s) detected and corrected on rank {n}, symbol {n}, bit {n}",
            "total of {n} ddr error(s) detected and corrected",
            "ciod: Error loading {path}: invalid or missing program image, No such file or directory",
            "ciod: Error loading {path}: program image too big, {n} > {n}",
            "ciod: LOGIN chdir({path}) failed: No such file or directory",
            "ciod: LOGIN chdir({path}) failed: Input/output error",
            "ciod: failed to read message prefix on control stream (CioStream socket to {addr}",
            "rts: kernel terminated for reason {n}",
            "rts panic! - stopping execution",
            "machine check enable..............{n}",
            "debug interrupt enable............{n}",
            "problem state (0=sup,1=usr).......{n}",
            "core configuration register: {hex}",
            "machine state register: {hex}",
            "exception syndrome register: {hex}",
            "L3 ecc control register: {reg}",
            "critical input interrupt enable...{n}",
            "Lustre mount FAILED : {host} : point {path}",
            "Node card is not fully functional",
            "PrepareForService shutting down Node({node}, mSer({hex}), mIp({ip}), mType({n})) as part of Service Action {n}",
            "data TLB error interrupt",
            "data storage interrupt",
            "program interrupt",
            "data address: {hex}",
            "shutdown complete",
            "Microloader Assertion",
            "idoproxy hit ASSERT condition: ASSERT expression={n} Source file=mgr.cpp Source line={n} Function=int Mgr::Send(IdoUdp*, Trace*)",
        ],
    ),
    "cluster": (
        "134681 node-{n} unix.hw state_change.unavailable {epoch} 1 ",
        [
            'Component State Change: Component "{word}{n}" is in the unavailable state (HWID={n})',
            "Fan speeds ( {n} {n} {n} {n} {n} {n} )",
            "PSU status ( on on )",
            "Temperature ({n}C) exceeds warning threshold",
            "Link error on broadcast tree Interconnect-{n}T{n}:{n}:{n}",
            "Link ok",
            "Link in reset",
            "ambient={n}",
            "Targeting domains:node-D{n} and nodes:node-[{n}-{n}] child of command {n}",
            "Command has completed successfully",
            "Command has been aborted",
            "ClusterFS: There is no server for ServerFS domain storage{n}",
            "ClusterFS: ServerFS domain storage{n} is full",
            "ServerFS: An ServerFS domain panic has occurred on storage{n}",
            "boot (command {n}) Error: Machine check on node {n}",
            "halt (command {n}) Error: Timed out",
            "network connection {n} up",
            "network connection {n} down",
        ],
    ),
    "jobs": (
        "2015-10-18 18:01:47,978 INFO [main] org.acme.app.Master: ",
        [
            "{attempt} TaskAttempt Transitioned from {state} to {state}",
            "Progress of TaskAttempt {attempt} is : {float}",
            "Address change detected. Old: {host}/{addr} New: {host}:{n}",
            "Retrying connect to server: {host}:{n}. Already tried {n} time(s); retry policy is Fixed(maxRetries={n}, sleepTime={n} MILLISECONDS)",
            "ERROR IN CONTACTING RM. ",
            "Failed to renew lease for [DFSClient_{n}] for {n} seconds.  Will retry shortly ...",
            "Recalculating schedule, headroom=<memory:{n}, vCores:{neg}>",
            "Registering class {cls} for class {cls}",
            "Assigned container container_{n}_{n} to {attempt}",
            "Num completed Tasks: {n}",
            "KILLING {attempt}",
            "Launching {attempt}",
            "Diagnostics report from {attempt}: Container killed by the Master.",
            "TaskAttempt: [{attempt}] using containerId: [container_{n} on NM: [{host}:{n}]",
            "task_{n} Task Transitioned from {state} to {state}",
            "Result of canCommit for {attempt}:{bool}",
            "JVM with ID : jvm_{n}_m_{n} asked for a task",
            "JVM with ID: jvm_{n}_m_{n} given task: {attempt}",
            "Default file system [hdfs://{host}:{n}]",
            "Using callQueue class {cls}",
            "IPC Server listener on {n}: starting",
            "IPC Server Responder: starting",
            "DataStreamer Exception",
            "Stopping server on {n}",
            "Thread Thread[eventHandlingThread,{n},main] threw an Exception.",
            "Got allocated containers {n}",
            "Releasing unassigned and invalid container Container: [ContainerId: container_{n}, NodeId: {host}:{n}]",
        ],
    ),
    "memory": (
        "17/06/09 20:10:40 INFO storage.Manager: ",
        [
            "Found block rdd_{n}_{n} locally",
            "Finished task {float} in stage {float} (TID {n}). {n} bytes result sent to driver",
            "Running task {float} in stage {float} (TID {n})",
            "Got assigned task {n}",
            "Block broadcast_{n} stored as values in memory (estimated size {size}, free {size})",
            "Block broadcast_{n}_piece{n} stored as bytes in memory (estimated size {size}, free {size})",
            "Started reading broadcast variable {n}",
            "Reading broadcast variable {n} took {n} ms",
            "Times: total = {n}, boot = {neg}, init = {n}, finish = {n}",
            "Input split: hdfs://{addr}{path}:{n}+{n}",
            "Partition rdd_{n}_{n} not found, computing it",
            "Changing view acls to: {names}",
            "Changing modify acls to: {names}",
            "Security: authentication disabled; ui acls disabled; users with view permissions: Set({names})",
            "Registered signal handlers for [TERM, HUP, INT]",
            "Successfully started service '{word}Service' on port {n}.",
            "MemoryStore started with capacity {size}",
            "MemoryStore cleared",
            "Stopped remoting",
            "Starting remoting",
        ],
    ),
    "quorum": (
        "2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:Elect@774] - ",
        [
            "Received connection request {saddr}",
            "Send worker leaving thread",
            "Interrupting SendWorker",
            "Cannot open channel to {n} at election address {saddr}",
            "Connection broken for id {n}, my id = {n}, error = ",
            "Interrupted while waiting for message on queue",
            "Accepted socket connection from {saddr}",
            "Client attempting to establish new session at {saddr}",
            "Established session {hex} with negotiated timeout {n} for client {saddr}",
            "Closed socket connection for client {saddr} which had sessionid {hex}",
            "Closed socket connection for client {saddr} (no session established for client)",
            "Expiring session {hex}, timeout of {n}ms exceeded",
            "Processed session termination for sessionid: {hex}",
            "Notification time out: {n}",
            "******* GOODBYE {saddr} ********",
            "caught end of stream exception",
            "Exception causing close of session {hex} due to java.io.IOException: Server not running",
            "New election. My id =  {n}, proposed zxid={hex}",
            "Snapshotting: {hex} to {path}/snapshot.{reg}",
            "tickTime set to {n}",
            "minSessionTimeout set to {n}",
            "maxSessionTimeout set to {n}",
        ],
    ),
    "proxy": (
        "[10.30 16:49:06] {word}.exe - ",
        [
            "{hostport} open through proxy {hostport} HTTPS",
            "{hostport} close, {big} bytes sent, {big} bytes received, lifetime {life}",
            "{hostport} close, {big} bytes ({float} KB) sent, {big} bytes ({float} KB) received, lifetime {life}",
            "{hostport} close, {big} bytes sent, {big} bytes ({float} KB) received, lifetime {life}",
            "{hostport} close, {big} bytes ({float} KB) sent, {big} bytes received, lifetime {life}",
            "{hostport} error : Could not connect through proxy {hostport} - Proxy cannot reach the target, status code {n}",
            "{hostport} error : Could not connect to proxy {hostport} - connection attempt failed with error {n}",
            "{hostport} open directly",
        ],
    ),
    "cloud": (
        "api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO app.api.server [req-{uuid} {reg} {reg} - - -] ",
        [
            '{ip} "GET {reqpath} HTTP/1.1" status: {n} len: {n} time: {float}',
            '{ip} "POST {reqpath} HTTP/1.1" status: {n} len: {n} time: {float}',
            '{ip} "DELETE {reqpath} HTTP/1.1" status: {n} len: {n} time: {float}',
            "[instance: {uuid}] VM Started (Lifecycle Event)",
            "[instance: {uuid}] VM Paused (Lifecycle Event)",
            "[instance: {uuid}] VM Resumed (Lifecycle Event)",
            "[instance: {uuid}] VM Stopped (Lifecycle Event)",
            "image {uuid} at ({path}): checking",
            "image {uuid} at ({path}): in use: on this node {n} local, {n} on other nodes sharing this storage",
            "Active base files: {path}/{reg}",
            "Unknown base file: {path}/{reg}",
            "Base or swap file too young to remove: {path}",
            "[instance: {uuid}] Took {float} seconds to build instance.",
            "[instance: {uuid}] Took {float} seconds to spawn the instance on the hypervisor.",
            "[instance: {uuid}] Total memory: {n} MB, used: {float} MB",
            "[instance: {uuid}] Total disk: {n} GB, used: {float} GB",
            "[instance: {uuid}] memory limit: {float} MB, free: {float} MB",
            "[instance: {uuid}] disk limit not specified, defaulting to unlimited",
            "[instance: {uuid}] vcpu limit not specified, defaulting to unlimited",
            "Creating event network-vif-plugged:{uuid} for instance {uuid}",
            "HTTP exception thrown: No instances found for any event",
            "Auditing locally available compute resources for node {host}",
            "Total usable vcpus: {n}, total allocated vcpus: {n}",
            "While synchronizing instance power states, found {n} instances in the database and {n} instances on the hypervisor.",
        ],
    ),
    "phone": (
        "03-17 16:13:38.811  1702  2395 D WindowManager: ",
        [
            "printFreezingLogs opening app token = AppToken{{hex} token=Token{{hex} Record{{hex} u0 com.acme.app/.Main t{n}}}}, allDrawn= {bool}, hidden= {bool}",
            'acquire lock={n}, flags={hex}, tag="{tag}", name=com.acme.{word}, ws={source}, uid={n}, pid={n}',
            'release lock={n}, flg={hex}, tag="{tag}", name=com.acme.{word}", ws={source}, uid={n}, pid={n}',
            "ready={bool},policy={n},wakefulness={n},wksummary={hex},bootcompleted={bool}",
            "userActivityNoUpdate: eventTime={n}, event={n}, flags={hex}, uid={n}",
            "getRunningProcesses: caller {n} does not hold REAL_TASKS; limiting output",
            "visible is system.time.{word}",
            "getTasks: caller {n} is using old GET_TASKS but privileged; allowing",
            "Skipping AppToken{{hex} token=Token{{hex}}} -- going to hide",
            "setSystemVisibility vis={n} mask={n} oldVal={n} newVal={n} diff={n}",
            "setLightsOn({bool})",
            "cancelNotification,cause:{n}",
            "Animating brightness: target={n}, rate={n}",
            "HBM brightnessIn ={n}",
            "HBM brightnessOut ={n}",
            "interceptKeyTq keycode={n} interactive={bool} keyguardActive={bool}",
            "Destroying surface Surface(name={word}) called by {cls}",
        ],
    ),
    "steps": (
        "20171223-22:15:29:606|Step_Core|30002312|",
        [
            "onStandStep {n}",
            "getTodayDetail = {ints}",
            "setTodayDetail={ints}",
            "onExtend:{n} {n} {n} {n}",
            "calculateWithCache totalCalories={n}",
            "calculateAltitude totalAltitude={n}",
            "REPORT : {n} {n} {n} {n}",
            "onReceive action: {act}",
            "processBroadcast action:{act}",
            "flush sensor data",
            "screen status unknown,think screen on",
            "upLoadHealthData start",
            "upLoadHealthData end",
            "needSyncData return {bool}",
            "isScreenOn {bool}",
        ],
    ),
    "setup": (
        "2016-09-28 04:30:30, Info                  CBS    ",
        [
            "Read out cached applicability for package: {pkg}, ApplicableState: {n}, CurrentState:{n}",
            "Session: {n}_{n} initialized by client {word}Agent.",
            "Failed to internally open package. [HRESULT = {hex} - {code}]",
            "Expecting attribute name [HRESULT = {hex} - {code}]",
            "Failed to get next element [HRESULT = {hex} - {code}]",
            "Warning: Unrecognized packageExtended attribute.",
            "SQM: Initializing online with opt-in: {bool}",
            "SQM: Cleaning up report files older than {n} days.",
            "SQM: Requesting upload of all unsent reports.",
            "SQM: Failed to start upload with file pattern: {winpath}, flags: {hex} [HRESULT = {hex} - {code}]",
            "Loaded Servicing Stack v{float} with Core: {winpath}",
            "Starting TrustedSetup initialization.",
            "Ending TrustedSetup initialization.",
            "Starting TrustedSetup finalization.",
            "Ending TrustedSetup finalization.",
            "Starting the TrustedSetup main loop.",
            "Ending the TrustedSetup main loop.",
            "No startup processing required, TrustedSetup service was not set as autostart",
            "NonStart: Checking to ensure startup processing was not required.",
            "Reboot mark refs: {n}",
            '{hex} Creating NT transaction (seq {n}), objectname [{n}]"(null)"',
            "{hex} Created NT transaction (seq {n}) result {hex}, handle @{hex}",
        ],
    ),
    "desk": (
        "Jul  1 09:00:55 {host} kernel[{n}]: ",
        [
            "ARPT: {float}: wl{n}: powerChange: System Wake - Full Wake/ Dark Wake",
            "ARPT: {float}: wl{n}: powerChange: System Sleep",
            "ARPT: {float}: Wi_Brcm43xx::syncState: WWEN[enabled]",
            "IOBoltSwitch<0>({hex})::listener - Bolt HPD packet for route = {hex} port = {n} unplug = {n}",
            "Captive: CNHandler {dev}: Inactive",
            "Captive: CNHandler {dev}: Authenticated",
            "{dev}: BSSID changed to {uuid}",
            "Sandbox: {word}({n}) deny(1) mach-lookup com.acme.{word}",
            "no interfaces to scan for {word}",
            "Device {dev} woke due to {word} event",
            "hibernate image path: {path}",
            "hibernate_rebuild completed - took {n} msecs",
            "PM response took {n} ms ({n}, powerd)",
            "Wake reason: {word}{n}",
            "image {n}, uncompressed {n} ({n}), compressed {n} ({pct}), sum1 {reg}, sum2 {reg}",
            "in6_unlink_ifa: IPv6 address {hex} has no prefix",
            "Cocoa scripting error for '{hex}': four character codes must be four characters long.",
            "CoreAnimation: timed out fence {reg}",
            "handle_sync failed with error {neg}",
            "Unexpected payload found for message {n}, dataLen {n}",
            "[{word}] session {uuid} task {n} finished with error - code: {neg}",
            "[{word}] could not fetch {url}: timed out",
            "bluetooth is supported - Disable LE meta event",
            "bluetooth is supported - Set LE meta event filter",
        ],
    ),
}
_SLOTS["hosts"] = lambda r: _many(r, lambda s: f"dn{s.randrange(999)}", " ")
_SLOTS["date6"] = lambda r: (
    f"0811{r.randrange(10, 30)} {r.randrange(100000, 235959)} {r.randrange(999)}"
)
_SLOTS["epoch"] = lambda r: str(r.randrange(1_000_000_000, 1_200_000_000))
_SLOTS["proc"] = lambda r: r.choice(
    ["sshd(pam_unix)[123]", "kernel", "ftpd[77]", "su(pam_unix)[1]"]
)


def all_systems(seed: int = 5) -> Iterator[Tuple[str, List[Tuple[str, str, str]]]]:
    """Yield each made-up system with its lines as (message, whole line, true template)."""
    for name, (header, messages) in _SYSTEMS.items():
        rng = random.Random(f"{seed} {name}")
        yield name, [_line(rng, header, m) for m in _chosen(rng, messages)]


def _chosen(rng: random.Random, messages: Sequence[str]) -> List[str]:
    order = list(messages)
    weights = [1.0 / (place + 1) ** 1.1 for place in range(len(order))]
    return rng.choices(order, weights, k=LINES)


def _line(rng: random.Random, header: str, message: str) -> Tuple[str, str, str]:
    content = _filled(rng, message)
    return content, _filled(rng, header) + content, _SLOT.sub("<*>", message)


def _filled(rng: random.Random, text: str) -> str:
    return _SLOT.sub(lambda slot: _SLOTS[slot.group(1)](rng), text)
