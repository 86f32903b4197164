"""Which lines are one template, in the ways in which miners of templates are known to go wrong.

The lines are made up for these tests, in the manner of many programs.
"""

from __future__ import annotations

import pytest

from incident_management.detection.templates.miner import TemplateMiner
from tests.unit.detection.mining import groups


@pytest.mark.parametrize(
    "lines",
    [
        # the first word is a value
        ["10.0.0.7:1080 closed after 3 s", "cache-b.shop.example:443 closed after 12 s"],
        ["*17 upstream timed out", "*4021 upstream timed out"],
        # a value is one word here and two there
        ["sent 12 bytes in <1 sec", "sent 1,204,331 bytes in 00:02"],
        ["free 17 GB of 20.5 GB", "free 312 B of 4096 B"],
        # a name without a number, where other lines have a value of that form beside another one
        ["lost peer node17 10.0.0.8 again", "lost peer cedar 10.0.0.7 again"],
        # lists of any length
        ["dropped blocks b-1", "dropped blocks b-1 b-22 b-9012", "dropped blocks b-7 b-8"],
        ["groups set to: amber, birch", "groups set to: amber", "groups set to: fir, oak, ash"],
        ["links up: X+ Y- Z+", "links up: X-"],
        ["fans ( 3200 3150 3160 )", "fans ( 3200 **** 3160 )"],
        # a number glued to a word, hexadecimal numbers, identifiers
        ["freed rdd_7_12 from disk", "freed rdd_11_3 from disk"],
        ["fault at 0x7f3a, code beef00d1", "fault at 0x0, code 11aa22bb"],
        ["peer 00:1a:C3:ff:10:22 joined", "peer fe80::1%eth0 joined"],
        # key=value whose values are of many lengths
        ["lock id=3, tag='View Lock', owner=null", "lock id=41, tag='*job*', owner=Work{17}"],
        # an address by name and by number
        ["connect to server: mars:8030. retry 1", "connect to server: 10.1.0.9:8030. retry 12"],
        # the text of an object
        [
            "calling <function retry at 0x7f01>",
            "calling <bound method Pool.retry of <Pool object at 0x7f55>>",
        ],
        # paths of any depth, with and without numbers
        ["cannot read /etc/app/a.conf: denied", "cannot read /srv/x9/y/z/b: denied"],
        ["need lib (python:>=3.7)", "need lib (python:>=3.8,<4)"],
        # a host with its port, and a field's value of some words, as in other lines
        ["assign cedar:13562 to fetcher", "assign 10.0.0.7:13562 to fetcher"],
        [
            "move mars:80 to venus:80 now",
            "move mars:80 to 10.0.0.8:80 now",
            "move h1:80 to h2:80 now",
        ],
        ["lock name=Audio Out held=3", "lock name=RILJ held=4"],
        # a path with blanks
        [r"removed C:\Program Files (x86)\My App\a.dll in 3 ms", r"removed C:\b.dll in 4 ms"],
        # bytes, of which some are like words
        ["packet 0a be 17 ff e0", "packet 17 18 19"],
        ["flow 17 state ready", "flow 18 state waiting"],
        # fields of a word each
        [
            "plan: part: a-1, current: Staged, next: Absent, limit: Staged",
            "plan: part: a-2, current: Absent, next: Installed, limit: Installed",
        ],
        # where in a program's source
        ["*** note [mice.c(340)]: ", "*** note [mini.c(17)]: "],
        # a state, by the words that lead to it
        ["port ge1 changed state to up", "port ge2 changed state to down"],
        ["disk 7 entered failed state", "disk 8 entered spare state"],
        # hardware addresses of which some parts have no digit
        [
            "peer mac=00:1a:be:ff joined",
            "peer mac=fe:ed:00:11 joined",
            "peer mac=be:01:ad:de joined",
        ],
        # a reason that systems give by a number, or after a word that announces one
        [
            "cannot read spool: Permission denied",
            "cannot read spool: No such file or directory",
            "cannot read spool: Broken pipe",
        ],
        ["open() failed (2: No such thing)", "open() failed (13: Not for you, sorry)"],
        # three reasons after words of which one is in brackets
        [
            "redoing 3 (failed twice): out of ink",
            "redoing 4 (failed twice): no blank sheet",
            "redoing 5 (failed twice): jam",
        ],
        # fields with labels
        ["refused [user: ann lee] [why: bad password]", "refused [user: bob] [why: is unknown]"],
        # a quoted word, whatever it says, and whatever encloses it
        ["link 1 (reason 'none', owner: 'managed')", "link 2 (reason 'none', owner: 'external')"],
        # what is given to a function, but not the function
        ["flush(WINDOW_SHOWN, n=3", "flush(IDLE_TIMEOUT, n=4"],
        # the letter of a unit
        ["wrote size=12.5 K at id=3", "wrote size=12 at id=4", "wrote size=3 M at id=5"],
        # the members of an object
        ["made &Box{Name:web,Try:0,} for 3", "made &Box{Name:web-1,Label:a b,Try:1,} for 4"],
        ['(slow): {"call":"scan","ms":12}', '(slow): {"ms":17,"why":"a b, c","call":"get"}'],
        # quotes in quotes
        [
            r'"no start" err="failed to \"Run\" for \"web\": \"wait 10s\"" pod="a/b"',
            r'"no start" err="Get \"https://10.0.0.1/x\": refused" pod="a/c"',
        ],
        # an identifier that is made of many
        [
            "done: UPID:mars:00A1:0F2E:65A1:backup:101:ann@local: in time",
            "done: UPID:venus:00B7:1F00:65A2:restore:7:bob@local: in time",
        ],
        # what a state was, and what it is
        ["port 7: armed -> active", "port 8: active -> spare"],
        ["panel(SEEN→HIDDEN): 3", "panel(PEEKING→HIDDEN): 4"],
        # what a thing calls itself
        [
            "ugen0.6: <Kingston Stick 3.0> at usbus0",
            "ugen1.4: <vendor 0x42 product 0x17> at usbus1",
        ],
        # the two ends of a connection
        ["br-in<->unix#7: 3 flows added", "br-out<->unix#12: 41 flows added"],
        ["br-in<->tcp:10.0.0.7:6653: idle for 5 s", "br-out<->tcp:10.0.0.8:6653: idle for 5 s"],
        ["gate 7 CLOSED->HALF_OPEN", "gate 8 OPEN->CLOSED"],
        # five names before a colon of which the same is said
        [f"{name}: hashed 3 of 17 blocks" for name in ("boot", "vendor", "system", "odm", "misc")],
        # three texts after a colon, also where a value belongs to the word before it
        [f"IMAP(ann): Disconnected: {why}" for why in ("Logged out", "in IDLE", "Too many errors")],
        # the rest of a line, after a field and a semicolon
        [
            "ann : TTY=pts/0 ; USER=root ; COMMAND=/bin/systemctl restart web",
            "ann : TTY=pts/1 ; USER=root ; COMMAND=/bin/ls",
        ],
        # a yes or no after a colon
        ["denied user 17 (with password: YES)", "denied user 18 (with password: NO)"],
        # a name with a quote in it
        ["denied user 'o'hara'@'mars'", "denied user 'bob'@'mars'", "denied user 'eve'@'venus'"],
        # a value and what it is called in brackets right behind it, where that is known
        ["opened by 17(root) on db", "opened by 18 on db", "opened by 19(www-data) on db"],
        # what stands before a value in brackets is what has that value
        ["store main (17) was seen.", "store spare (18) was seen."],
        # a part of a phone's app
        ["shown com.shop.cart/.ListView", "shown org.mail.box/org.mail.box.ui.Inbox"],
        # units of systemd
        ["a-b.service: gone", "backup@7.timer: gone", "srv-data.mount: gone"],
        # any text in brackets, also where others differ with it
        [
            "job [a] at [/x] ended with [it was stopped by hand] today",
            "job [b] at [/y] ended with [no memory; nested: heap] today",
            "job [c] at [/x] ended with [done] today",
        ],
        [
            "[Bus send]: 3 items on it",
            "[Bus flush:]: 4 items on it",
            "[Bus on:with:]: 5 items on it",
        ],
        # three names of any length within a long line
        [
            "replay of journal on volume Blank from 1 to 2",
            "replay of journal on volume Big Disk from 1 to 2",
            "replay of journal on volume Paul Big Disk from 1 to 2",
        ],
        # a reason without a colon, with a number after it
        [
            "cannot run trigger Permission denied",
            "cannot run trigger Broken pipe",
            "cannot run trigger No space left on device",
        ],
        ["no bus: Broken pipe (32)", "no bus: File exists (17)", "no bus: Not a directory (20)"],
        ["ran for 3 s (tidy -x /a)", "ran for 4 s (sync)", "ran for 5 s (cd / && run --all)"],
    ],
)
def test_lines_that_differ_in_the_form_of_a_value_are_one_template(lines):
    (found,) = groups(lines)
    assert len(found) == 1, found


@pytest.mark.parametrize(
    "kinds",
    [
        # one word tells what happened
        (["task 7 started on node 3"], ["task 8 stopped on node 4"]),
        (["GET /a/1 took 3 ms"], ["POST /a/2 took 4 ms"], ["DELETE /a/2 took 4 ms"]),
        (["link eth0 is up"], ["link eth0 is down"]),
        (["view of port 7: join relay group 3"], ["view of port 8: leave relay group 4"]),
        # the same in a line of capitals
        (["JOB 7 STARTED ON NODE 3"], ["JOB 8 ENDED ON NODE 4"]),
        (["7 - BEGUN - TIME=3"], ["8 - DONE - TIME=4"]),
        # a message that is quoted as a whole
        (['"pod removed" pod="a/b"'], ['"pod added and ready" pod="a/b"']),
        ([r'"stop of \"b17\" failed"'], [r'"stop of \"b18\" is done"', r'"stop of \"b\" is done"']),
        # a part of a program and what is given to a function
        (["auth(cron:session): done"], ["auth(su:session): done"]),
        # of what kind a value is
        (
            ["refused login for admin from 10.0.0.1 via key"],
            ["refused login for unknown account u17 from 10.0.0.2 via key"],
        ),
        # an optional part
        (["refused login from 10.0.0.1"], ["refused login from 10.0.0.2 user=eve"]),
        (["peer 10.0.0.1 left: no answer"], ["peer 10.0.0.2 left: no route [early]"]),
        (
            ["connection authorized: user=ann db=x", "connection authorized: user=bob db=x"],
            [
                "connection authorized: user=ann db=x app=y",
                "connection authorized: user=cy db=y app=y",
            ],
            [
                "connection authorized: user=ann db=x ssl=on",
                "connection authorized: user=dan db=x ssl=on",
            ],
        ),
        (["lease for 00:11:22:33:44:55 on eth1"], ["lease for 00:11:22:33:44:55 on eth1: no free"]),
        # a value in brackets that only some lines have, or brackets with nothing in them
        (
            ["7 closed, 5 bytes sent, 17 bytes got", "8 closed, 6 bytes sent, 18 bytes got"],
            ["7 closed, 5012 bytes (5.0 KB) sent, 17 bytes got"],
            ["7 closed, 5 bytes sent, 1712 bytes (1.7 KB) got"],
            ["7 closed, 5012 bytes (5.0 KB) sent, 1712 bytes (1.7 KB) got"],
        ),
        (["client 10.0.0.1 (h1.example.net) came"], ["client 10.0.0.2 () came"]),
        # a thing and its number, where other lines have a number and its unit
        (["sent 5 bytes to 10.0.0.1"], ["sent block 7 to 10.0.0.2"]),
        (["sent 6 7 to host"], ["sent block 7 8 to host"]),
        # what a number is called, what happened between fields, and what follows a path
        (["17 removed by admin"], ["uid:7 removed by admin"], ["gid:7 removed by admin"]),
        (["state=5 rc=3 now"], ["state=5 Done rc=3 now"]),
        ([r"read C:\Temp at 3"], [r"read C:\Temp from Share\y at 3"]),
        # a member of what is pointed to
        (["node->next is 7"], ["node->prev is 8"]),
        # names with a number that are no values
        (["listening on ipv4 port 80"], ["listening on ipv6 port 80"]),
        # another setting
        (["tickTime set to 2000"], ["snapCount set to 3"], ["initLimit set to 10"]),
        # alike but for the words around a number
        (["status..............0"], ["state enable........1"]),
    ],
)
def test_lines_that_say_different_things_stay_apart(kinds):
    found = groups(*kinds)
    assert all(len(texts) == 1 for texts in found), found
    assert len(set.union(*found)) == len(kinds), found


def test_many_plain_words_at_one_place_are_a_value_and_few_are_not():
    users = ["ann", "bob", "cyd", "dan", "eve"]
    (many,) = groups([f"granted {user} access to the vault" for user in users])
    (few,) = groups([f"granted {user} access to the vault" for user in users[:2]])
    (three,) = groups([f"vault given {user}" for user in users[:3]])
    assert many == {"granted <*> access to the vault"}
    assert len(few) == 2
    assert three == {"vault given <*>"}


def test_a_template_does_not_depend_on_how_the_lines_are_cut_into_batches():
    lines = [f"user u{n} read {n} of /data/{n % 7}/part-{n:05} in {n}.5 ms" for n in range(700)]
    whole = TemplateMiner().templates_of(lines)
    miner = TemplateMiner()
    single = [miner.learn(line).template for line in lines]
    assert {template.text for template in whole} == set(single) == {single[0]}


def test_the_values_in_a_message_with_quotes_are_read_without_the_quotes():
    miner = TemplateMiner()
    found = miner.match_all(
        [r'"stop of \"b17\" in 3 s"', r'"stop of \"c99\" in 4 s"', "odd \x11 4"]
    )
    assert [match.variables for match in found] == [["b17", "3"], ["c99", "4"], ["4"]]
    assert found[0].template == r'"stop of \"<*>\" in <*> s"'


def test_values_are_read_past_any_header_and_in_batches_as_alone():
    lines = [
        "2026-01-01 10:00:00,123 INFO [main] a.b.C: moved blk_17 to /10.0.0.3:50010.",
        "moved blk_18 to /10.0.0.4:50010.",
        '{"time": "x", "msg": "moved blk_19 to /10.0.0.5:50010."}',
        "moved blk_20 to /10.0.0.6:50010.\nTraceback\nKeyError: 5",
    ]
    miner = TemplateMiner()
    found = miner.match_all(lines)
    assert [match.variables for match in found[:3]] == [
        [f"blk_{17 + n}", f"/10.0.0.{3 + n}:50010"] for n in range(3)
    ]
    assert found == [miner.learn(line) for line in lines]


def test_what_a_network_device_calls_a_message_is_kept():
    up, changed = groups(
        [f"%LINK-3-UPDOWN: Interface Gi0/{n}, changed state to up" for n in range(3)],
        ["%LINK-5-CHANGED: Interface Gi0/3, changed state to administratively down"],
    )
    assert up == {"%LINK-3-UPDOWN: Interface <*>, changed state to up"}
    assert changed == {"%LINK-5-CHANGED: Interface <*>, changed state to administratively down"}


@pytest.mark.parametrize(
    "kinds",
    [
        # a category before the facility, digits in the name, a number for a name
        ("%ROUTING-LDP-5-NBR_CHANGE:", "%ROUTING-BGP-5-NBR_CHANGE:"),
        ("%MOVE-SW1-4-NOTIF:", "%SW_MOVE-4-NOTIF:"),
        ("%SSH-5-SSH1_SESSION:", "%SSH-5-SSH2_SESSION:"),
        ("%ASA-6-302013:", "%ASA-6-302014:"),
    ],
)
def test_what_a_network_device_calls_a_message_tells_messages_apart(kinds):
    found = groups(*[[f"{kind} Peer 10.0.0.{n} of port 7" for n in (3, 4)] for kind in kinds])
    assert found == [{f"{kind} Peer <*> of port <*>"} for kind in kinds]


def test_the_part_of_a_program_that_tells_is_no_value():
    lines = [f"{part}: got request for 10.0.0.{n}" for part in ("a/in", "a/out") for n in (3, 4)]
    miner = TemplateMiner()
    assert {t.text for t in miner.templates_of(lines)} == {
        "a/in: got request for <*>",
        "a/out: got request for <*>",
    }
    source = miner.learn("src/core/sealed_box.rs:540: opened a box of version 1")
    assert source.template == "src/core/sealed_box.rs:<*>: opened a box of version <*>"
    assert source.variables == ["540", "1"]
    place = miner.learn("/srv/data/a: opened")
    assert place.template == "<*>: opened"


@pytest.mark.parametrize(
    "statements",
    [
        # what happened to a thing, in capitals and right behind a value
        ["Job Modified at request of {}@head1", "Job Run at request of {}@head1"],
        ["Holds u{} released at request of root", "Holds o{} set at request of root"],
        # what a thing is whose name is quoted
        ['agent: Service "web-{}" in sync', 'agent: Check "disk-{}" in sync'],
    ],
)
def test_statements_that_differ_in_a_word_are_distinguished(statements):
    found = groups(*[[line.format(n) for n in range(17, 22)] for line in statements])
    assert all(len(templates) == 1 for templates in found)
    assert len(set.union(*found)) == len(statements)


@pytest.mark.parametrize(
    "lines",
    [
        [
            "beats []",
            "beats [Beat{at=1, rate=5}]",
            "beats [Beat{at=1, rate=5}, Beat{at=2}]",
        ],
        [
            f"sftp: user {user} open /a/b/{user} flags {flags} handle 7: {told}"
            for user in ("ann", "bob", "cyd", "dan")
            for flags in ("r", "", "w,c")
            for told in ("ok", "permission denied", "no such file")
        ],
    ],
)
def test_a_templates_text_says_what_each_of_its_lines_says(lines):
    for line, match in zip(lines, TemplateMiner().match_all(lines)):
        literals = match.template.split("<*>")
        said = literals[0] + "".join([v + b for v, b in zip(match.variables, literals[1:])])
        assert said.split() == line.split()


def test_a_label_before_values_is_no_value():
    kinds = ["EventJoin", "EventLeave", "EventUpdate", "EventFailed", "EventReap"]
    found = groups(*[[f"serf: {kind}: node{n} 10.0.0.{n}" for n in range(3)] for kind in kinds])
    assert len(set(map(frozenset, found))) == len(kinds)


def test_a_name_is_one_value_with_and_without_another_one_in_brackets():
    plain = [f'lock 17: "{page}" held 3 s' for page in ("a page", "another page")]
    named = [f'lock {name} (17): "a page" held 3 s' for name in ("cupsd", "mds.store", "backupd")]
    miner = TemplateMiner()
    first = {template.text for template in miner.templates_of(plain + named)}
    assert first == {'lock <*>: "<*>" held <*>'}
    assert miner.learn('lock sharingd (4): "a page" held 5 s').template in first


@pytest.mark.parametrize(
    ("lines", "template"),
    [
        (
            ["focus: a.widget.Frame{7f V.E} mode=1", "focus: a.widget.ListView{8 V.E} mode=2"],
            "focus: <*>{<*>} mode=<*>",
        ),
        (['ruled by "GEOIP,NO"', 'ruled by "*.a.example; *.b"'], 'ruled by "<*>"'),
        (["acl of XX:XX:XX:XX:4F:21 gone"], "acl of <*> gone"),
        (["answer of [2001:db8::1:9]:443 sent"], "answer of <*> sent"),
    ],
)
def test_what_is_a_value_by_its_form(lines, template):
    assert {t.text for t in TemplateMiner().templates_of(lines)} == {template}
