"""Small search commands, written with the real splunklib."""

from tools.splunkd_lite.runners.chunked import MAX_CHUNK_ROWS, ChunkedCommand

HEAD = "import sys, time\nfrom splunklib.searchcommands import *\n"
TAIL = "\ndispatch({name}, sys.argv, sys.stdin, sys.stdout, __name__)\n"

COUNT = """
import re
@Configuration()
class Tiny(StreamingCommand):
    fieldname = Option(require=True)
    pattern = Option(require=True)
    def stream(self, records):
        for record in records:
            values = [record[f] for f in self.fieldnames]
            record[self.fieldname] = sum(len(re.findall(self.pattern, v, re.ASCII)) for v in values)
            yield record
"""


def command(splunk, body, name="Tiny", chunk_rows=MAX_CHUNK_ROWS, **settings):
    splunk.script("tiny.py", HEAD + body + TAIL.format(name=name))
    stanza = {"chunked": "true", "filename": "tiny.py", **settings}
    return ChunkedCommand(splunk, "tiny", stanza, "tiny", chunk_rows)
