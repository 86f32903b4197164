"""The chunked protocol, spoken to commands written with the real splunklib."""

import io
import json
import time
from pathlib import Path

import pytest

from tests.contract.running.commands import COUNT, command
from tools.splunkd_lite.runners.chunk_codec import read_chunk
from tools.splunkd_lite.runners.chunked import COMMAND_TYPES, ChunkedCommand
from tools.splunkd_lite.runners.errors import CommandFailed, ProcessFailed


def test_a_streaming_command_sees_every_row_in_chunks_and_keeps_their_order(splunk, context):
    tiny = command(splunk, COUNT, chunk_rows=40)
    rows = ({"n": str(i), "text": "a b " * (i % 3)} for i in range(100))

    out = list(tiny.run(["fieldname=words", 'pattern="\\w+"', "text"], rows, context))

    assert [row["n"] for row in out] == [str(i) for i in range(100)]
    assert [row["words"] for row in out[:4]] == ["0", "2", "4", "0"]
    assert (tiny.type, tiny.generating) == ("streaming", False)


def test_searchinfo_says_who_searches_what_and_where(splunk, context):
    tiny = command(
        splunk,
        """
import json
@Configuration()
class Tiny(GeneratingCommand):
    def generate(self):
        info = dict(self.metadata.searchinfo.__dict__)
        yield {"_time": 1, "info": json.dumps(info)}
""",
    )
    [row] = tiny.run([], None, context)
    info = json.loads(row["info"])
    assert {
        "app": "tiny", "command": "tiny", "dispatch_dir": str(context.dispatch_dir),
        "earliest_time": 0.0, "latest_time": 1767268800.25, "maxresultrows": 50000,
        "owner": "admin", "search": '| tiny pattern="a b"', "session_key": "token-of-admin",
        "sid": "1767268800.7", "splunkd_uri": "https://127.0.0.1:18089", "username": "admin",
    }.items() <= info.items()  # fmt: skip
    assert tiny.generating is True


def test_multivalue_fields_survive_both_ways(splunk, context):
    tiny = command(
        splunk,
        """
@Configuration()
class Tiny(StreamingCommand):
    def stream(self, records):
        for record in records:
            record["back"] = list(reversed(record["tags"]))
            yield record
""",
    )
    out = list(tiny.run([], [{"tags": ["a$", "b;$c", "d\ne"]}], context))
    assert out == [{"tags": ["a$", "b;$c", "d\ne"], "back": ["d\ne", "b;$c", "a$"]}]


def test_a_reporting_command_answers_once_after_all_of_its_input(splunk, context):
    tiny = command(
        splunk,
        """
@Configuration()
class Tiny(ReportingCommand):
    def reduce(self, records):
        yield {"total": sum(int(r["n"]) for r in records)}
""",
    )
    out = list(tiny.run([], [{"n": "2"}, {"n": "5"}], context))
    assert out == [{"total": "7"}]
    assert tiny.type == "reporting"


def test_a_reporting_commands_map_step_runs_first_where_it_is_required(splunk, context):
    tiny = command(
        splunk,
        """
@Configuration(requires_preop=True)
class Tiny(ReportingCommand):
    @Configuration()
    def map(self, records):
        yield {"part": sum(int(r["n"]) for r in records)}
    def reduce(self, records):
        yield {"parts": ",".join(r["part"] for r in records)}
""",
        chunk_rows=2,
    )
    out = list(tiny.run([], [{"n": "1"}, {"n": "2"}, {"n": "3"}], context))
    assert out == [{"parts": "3,3"}]


def test_an_events_command_works_on_its_rows(splunk, context):
    tiny = command(
        splunk,
        """
@Configuration()
class Tiny(EventingCommand):
    def transform(self, records):
        return reversed(list(records))
""",
    )
    assert list(tiny.run([], [{"n": "1"}, {"n": "2"}], context)) == [{"n": "2"}, {"n": "1"}]
    assert tiny.type == "events"


def test_no_rows_at_all_still_reach_the_command(splunk, context):
    tiny = command(
        splunk,
        """
@Configuration()
class Tiny(ReportingCommand):
    def reduce(self, records):
        yield {"total": len(list(records))}
""",
    )
    assert list(tiny.run([], [], context)) == [{"total": "0"}]


def test_a_commands_messages_become_the_jobs(splunk, context):
    tiny = command(
        splunk,
        """
@Configuration()
class Tiny(GeneratingCommand):
    def generate(self):
        self.write_warning("the model is off")
        self.logger.error("goes to the log")
        yield {"n": 1}
""",
    )
    assert list(tiny.run([], None, context)) == [{"n": "1"}]
    assert context.messages == [("WARN", "the model is off")]
    assert splunk.logged("goes to the log")


def test_a_missing_option_fails_the_search_with_the_commands_own_words(splunk, context):
    tiny = command(splunk, COUNT)
    with pytest.raises(CommandFailed, match='A value for "fieldname" is required'):
        list(tiny.run(["pattern=x", "text"], [{"text": "x"}], context))


def test_an_exception_in_a_command_fails_the_search(splunk, context):
    tiny = command(
        splunk,
        """
@Configuration()
class Tiny(StreamingCommand):
    def stream(self, records):
        raise RuntimeError("no such thing")
        yield
""",
    )
    with pytest.raises(CommandFailed, match=r"Error in 'tiny' command: .*no such thing"):
        list(tiny.run([], [{"a": "1"}], context))


def test_a_command_that_dies_silently_fails_the_search_with_its_exit_code(splunk, context):
    splunk.script("tiny.py", "import sys; sys.stderr.write('gone'); sys.exit(3)")
    tiny = ChunkedCommand(splunk, "tiny", {"chunked": "1"}, "tiny")
    with pytest.raises(CommandFailed, match="non-zero error code 3"):
        list(tiny.run([], [{"a": "1"}], context))
    assert splunk.logged("gone")


def test_maxwait_ends_a_command_that_keeps_silent_and_its_children(splunk, context, tmp_path):
    mark = tmp_path / "child"
    tiny = command(
        splunk,
        f"""
import subprocess
@Configuration()
class Tiny(GeneratingCommand):
    def generate(self):
        child = subprocess.Popen(["sleep", "60"])
        open({str(mark)!r}, "w").write(str(child.pid))
        time.sleep(60)
        yield {{}}
""",
        maxwait="1",
    )
    with pytest.raises(CommandFailed, match="nothing for 1 seconds"):
        list(tiny.run([], None, context))
    _assert_ends(int(mark.read_text()))


def test_a_cancelled_search_ends_its_command(splunk, context):
    tiny = command(
        splunk,
        """
@Configuration()
class Tiny(GeneratingCommand):
    def generate(self):
        time.sleep(60)
        yield {}
""",
    )
    context.cancel = True
    with pytest.raises(CommandFailed, match="cancelled"):
        list(tiny.run([], None, context))


def test_a_consumer_that_stops_early_leaves_no_process(splunk, context):
    tiny = command(splunk, COUNT, chunk_rows=1)
    rows = ({"text": "x"} for _ in range(1000))
    results = tiny.run(["fieldname=n", "pattern=x", "text"], rows, context)
    next(results)
    results.close()
    assert not list((splunk.home / "var/run/splunk/processes").iterdir())


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"chunked": "false"}, "not chunked"), ({"chunked": "true", "maxinputs": "5"}, "maxinputs")],
)
def test_what_a_chunked_command_does_not_honour_is_refused(splunk, settings, named):
    with pytest.raises(CommandFailed, match=named):
        ChunkedCommand(splunk, "tiny", settings, "tiny")


def test_a_generating_command_must_come_first_and_only_it_may(splunk, context):
    with pytest.raises(CommandFailed, match="cannot start a search"):
        list(command(splunk, COUNT).run(["fieldname=n", "pattern=x"], None, context))
    generate = (
        "\n@Configuration()\nclass Tiny(GeneratingCommand):\n  def generate(self): yield {}\n"
    )
    with pytest.raises(CommandFailed, match="must be the first command"):
        list(command(splunk, generate).run([], [], context))


def test_text_that_is_no_chunk_is_named(splunk, context):
    splunk.script("tiny.py", "print('hello')")
    with pytest.raises(CommandFailed, match="where a chunk's header was due"):
        list(ChunkedCommand(splunk, "tiny", {"chunked": "1"}, "tiny").run([], None, context))


def test_a_cut_chunk_is_an_error():
    with pytest.raises(ProcessFailed, match="middle of a chunk"):
        read_chunk(io.BytesIO(b'chunked 1.0,10,5\n{"a": 1}'))


def _assert_ends(pid, within=5.0):
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} still runs")


BOOKKEEPING = """
def note(what):
    with open(os.path.join(os.environ["SPLUNK_HOME"], "notes"), "a") as file:
        file.write(what + chr(10))
note("launch")
"""
KINDS = {
    "streaming": ("StreamingCommand", "stream", "for r in records: yield r"),
    "stateful": ("StreamingCommand", "stream", "for r in records: yield r"),
    "events": ("EventingCommand", "transform", "for r in records: yield r"),
    "reporting": ("ReportingCommand", "reduce", "yield {'n': str(len(list(records)))}"),
}


@pytest.mark.parametrize("kind", COMMAND_TYPES)
def test_a_command_that_is_launched_several_times_does_its_work_once(splunk, context, kind):
    """Seen on a real splunkd: four launches for one use, three of them for getinfo alone."""
    base, method, work = KINDS[kind]
    settings = "distributed=False" if kind == "stateful" else ""
    body = f"""
import os
{BOOKKEEPING}
@Configuration({settings})
class Tiny({base}):
    def {method}(self, records):
        note("work")
        {work}
"""
    splunk.command_rehearsals = 3
    tiny = command(splunk, body)
    out = list(tiny.run([], [{"n": "1"}, {"n": "2"}], context))
    assert tiny.type == kind
    assert [row["n"] for row in out] == (["2"] if kind == "reporting" else ["1", "2"])
    notes = (splunk.home / "notes").read_text().split()
    launches = 5 if kind == "reporting" else 4  # its map step is asked, too
    assert (notes.count("launch"), notes.count("work")) == (launches, 1)


@pytest.mark.parametrize(("limit", "ends_well"), [("0", True), ("100000", True), ("2000", False)])
def test_an_answer_larger_than_maxchunksize_ends_the_command(splunk, context, limit, ends_well):
    """commands.conf.spec: bytes of metadata and body that the command may produce; 0: any."""
    tiny = command(splunk, COUNT, maxchunksize=limit)
    out = tiny.run(["fieldname=words", "pattern=x", "text"], [{"text": "x" * 5000}], context)
    if ends_well:
        assert len(list(out)) == 1
    else:
        with pytest.raises(CommandFailed, match="more than 2000"):
            list(out)
