"""The chunked protocol as a real splunkd spoke it: recordings, and our side of them."""

import csv
import gzip
import io
import os
from pathlib import Path

import pytest

from tests.contract.running.commands import COUNT, HEAD, TAIL, command
from tools.splunkd_lite.runners.chunk_codec import (
    decode_body,
    encode_body,
    frame,
    read_chunk,
    unquote_argument,
)
from tools.splunkd_lite.runners.chunked import execute_protocol
from tools.splunkd_lite.runners.process import AppProcess

REPO = Path(__file__).resolve().parents[3]
RECORDINGS = Path(os.environ.get("SHARED_DATA", REPO / "../shared/data")) / "scpv2"


def _recording(name):
    path = RECORDINGS / f"{name}.input.gz"
    if not path.exists():
        pytest.skip(f"no recordings in {RECORDINGS}; set SHARED_DATA to the folder that holds them")
    return gzip.decompress(path.read_bytes()), (RECORDINGS / f"{name}.output").read_bytes()


def _chunks(data):
    stream = io.BytesIO(data)
    while (chunk := read_chunk(stream)) is not None:
        yield chunk


def test_our_framing_is_the_recorded_one_byte_for_byte():
    """The SDK rewrote the first chunk when it recorded; the second is splunkd's own bytes."""
    sent, _ = _recording("countmatches")
    metadata, body = list(_chunks(sent))[1]
    fields = next(csv.reader([body.partition(b"\n")[0].decode()]))
    again = encode_body(decode_body(body), fields[: len(fields) // 2])
    assert frame(metadata, again) == sent[sent.index(b"chunked 1.0,", 1) :]


def test_a_splunklib_command_answers_the_recorded_input_as_it_did_then(splunk):
    sent, answered = _recording("countmatches")
    path = splunk.script(
        "tiny.py", HEAD + COUNT.replace("Configuration()", "Configuration(distributed=False)")
        + TAIL.format(name="Tiny"),
    )  # fmt: skip
    process = AppProcess(splunk, [str(path)], "test", "tiny")
    output = execute_protocol(sent, process)

    then, now = list(_chunks(answered)), list(_chunks(output))
    assert [meta for meta, _ in now] == [meta for meta, _ in then]
    assert decode_body(now[1][1]) == decode_body(then[1][1])
    assert len(decode_body(now[1][1])) > 200


def test_our_own_driver_gets_the_recorded_answer(splunk, context):
    sent, answered = _recording("countmatches")
    rows = decode_body(list(_chunks(sent))[1][1])
    tiny = command(splunk, COUNT)
    out = list(tiny.run(["fieldname=word_count", 'pattern="\\w+"', "text"], rows, context))
    assert out == decode_body(list(_chunks(answered))[1][1])


def test_a_generating_command_gives_the_recorded_rows(splunk, context):
    _, answered = _recording("generatehello")
    (described, _), (_, body) = list(_chunks(answered))
    assert described == {"generating": True, "type": "streaming"}
    tiny = command(
        splunk,
        """
@Configuration()
class Tiny(GeneratingCommand):
    count = Option(require=True, validate=validators.Integer(0))
    def generate(self):
        for i in range(1, self.count + 1):
            yield {"_time": 1433261369.54, "_raw": "Hello World %d" % i, "event_no": i}
""",
    )
    then = [{k: v for k, v in row.items() if k != "_time"} for row in decode_body(body)]
    out = list(tiny.run(["count=1000"], None, context))
    assert [{k: v for k, v in row.items() if k != "_time"} for row in out] == then


@pytest.mark.parametrize(
    ("raw", "cooked"),
    [
        ('pattern="\\w+"', "pattern=\\w+"),
        ('"a \\"b\\""', 'a "b"'),
        ("plain", "plain"),
        ('x=""', "x="),
        ('odd="', 'odd="'),
    ],
)
def test_arguments_lose_their_quotes_as_recorded(raw, cooked):
    assert unquote_argument(raw) == cooked
