"""Labelled logs of real programs, made on this machine: what the miner was not written for.

    ./build.sh bench template_programs --out DIR
    ./build.sh bench templates --data DIR

Each program tells where in its source a line was written (Python's logging, PostgreSQL's LOCATION,
Chromium's file and line). That place is the line's true template: two lines are of one
template when one statement wrote them, or two statements that wrote the same text but for its
numbers. The files have the layout that ``bench templates`` reads,
with the place as EventTemplate; so its grouping accuracy means something and its parsing accuracy
does not. A program that is not installed is left out, and said so.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

LINES = 2000
LONGEST = 1000

# Where a statement logs whatever text it is given, the place tells nothing about the sentence.
SOME_TEXT = re.compile(r"\s*(%[rs]|%\(\w+\)s)?\s*\Z")


class Line(NamedTuple):
    """What a program said, and where in its source."""

    message: str
    place: str


_HOOK = """
import json, logging, os
_out = open(os.environ["TEMPLATE_LOG"], "a")
def handle(self, record):
    try:
        said = record.getMessage()
    except Exception:
        return
    place = "/".join(record.pathname.split("/")[-2:]) + ":" + str(record.lineno)
    _out.write(json.dumps([place, str(record.msg), said, bool(record.args)]) + "\\n")
    _out.flush()
logging.Logger.handle = handle
logging.Logger.isEnabledFor = lambda self, level: True
"""

_SERVER = """
import asyncio, threading, random
import httpx, uvicorn, requests, sqlalchemy as sa
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def page(request):
    return PlainTextResponse("x" * int(request.query_params.get("n", 1)))
rng = random.Random(1)
server = uvicorn.Server(uvicorn.Config(Starlette(routes=[Route("/{name}", page)]), port=18931))
thread = threading.Thread(target=server.run, daemon=True)
thread.start()
while not server.started:
    pass
for i in range(60):
    url = f"http://127.0.0.1:18931/{rng.choice(['a', 'login', 'cart', 'x1'])}"
    requests.get(url, params={"n": rng.randrange(99)})
    httpx.get(url, params={"n": rng.randrange(99)})
for port in (18932, 18933):
    for library in (requests, httpx):
        try:
            library.get(f"http://localhost:{port}/gone")
        except Exception:
            pass
engine = sa.create_engine("sqlite://", echo="debug", pool_size=2, poolclass=sa.pool.QueuePool)
table = sa.Table("things", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
for i in range(12):
    with engine.connect() as one:
        table.create(one, checkfirst=True)
        one.execute(table.insert().values(id=i))
        one.rollback()
asyncio.run(asyncio.sleep(0), debug=True)
server.should_exit = True
thread.join(5)
"""

_CLOUD = """
import boto3
from botocore.config import Config
from botocore.stub import Stubber
config = Config(retries={"max_attempts": 2}, connect_timeout=1)
for region in ("eu-west-1", "us-east-1"):
    for service in ("s3", "sqs", "ec2", "sts", "lambda"):
        client = boto3.client(
            service, region_name=region, config=config, endpoint_url="http://127.0.0.1:9",
            aws_access_key_id="none", aws_secret_access_key="none",
        )
        calls = {"s3": "list_buckets", "sqs": "list_queues", "ec2": "describe_vpcs",
                 "sts": "get_caller_identity", "lambda": "list_functions"}
        try:
            getattr(client, calls[service])()
        except Exception:
            pass
"""


def python_programs(folder: Path) -> dict[str, list[Line]]:
    """Run three Python programs under a hook in logging: pip, a web server, a cloud client."""
    (folder / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
    pip = ["-m", "pip", "-vvv"]
    target = str(folder / "target")
    runs: dict[str, list[list[str]]] = {
        "Pip": [
            [*pip, "install", "--target", target, "--no-cache-dir", "requests", "rich"],
            [*pip, "install", "--target", target, "no-such-package-at-all"],
            [*pip, "uninstall", "-y", "no-such-package-at-all"],
            [*pip, "list"],
            [*pip, "check"],
        ],
        "WebServer": [["-c", textwrap.dedent(_SERVER)]],
        "CloudClient": [["-c", textwrap.dedent(_CLOUD)]],
    }
    found: dict[str, list[Line]] = {}
    for name, commands in runs.items():
        log = folder / f"{name}.jsonl"
        environment = {**os.environ, "PYTHONPATH": str(folder), "TEMPLATE_LOG": str(log)}
        for command in commands:
            _run([sys.executable, *command], env=environment, cwd=folder)
        rows = [json.loads(row) for row in log.read_text(encoding="utf-8").splitlines()]
        texts: dict[str, set[str]] = {}
        for place, message, _, _ in rows:
            texts.setdefault(place, set()).add(message)
        found[name] = [
            Line(said, place)
            for place, message, said, has_values in rows
            if not SOME_TEXT.match(message) and (has_values or len(texts[place]) == 1)
        ]
    return found


def postgresql(folder: Path) -> dict[str, list[Line]]:
    """Start a server with all its debug messages, use it well and badly, and read its log."""
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    as_user = user if os.geteuid() == 0 else []
    home = folder / "postgres"
    home.mkdir()
    if as_user:
        shutil.chown(home, "postgres", "postgres")
        folder.chmod(0o755)
    data = home / "data"
    _run([*as_user, "initdb", "-D", str(data), "-A", "trust", "-U", "postgres"], cwd=home)
    settings = {
        "log_error_verbosity": "verbose",
        "log_min_messages": "debug2",
        "log_connections": "on",
        "log_disconnections": "on",
        "log_checkpoints": "on",
        "log_lock_waits": "on",
        "log_temp_files": "0",
        "log_autovacuum_min_duration": "0",
        "autovacuum_naptime": "1",
        "work_mem": "64kB",
        "log_line_prefix": "@@",
        "port": "18941",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(home),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log = folder / "postgres.log"
    with log.open("w") as out:
        command = [*as_user, "postgres", "-D", str(data), *options]
        server = subprocess.Popen(command, stdout=out, stderr=out, cwd=home)
        time.sleep(3)
        rng = random.Random(2)
        for number in range(60):
            _psql(home, _statements(rng, number))
        server.terminate()
        server.wait(30)
    found: list[Line] = []
    said = ""
    for row in log.read_text(encoding="utf-8", errors="replace").splitlines():
        message = re.match(r"@@[A-Z0-9]+:  [0-9A-Z]{5}: (.*)", row)
        place = re.match(r"@@LOCATION:  (.*)", row)
        if message:
            said = message.group(1)
        elif place and said:
            found.append(Line(said, place.group(1)))
            said = ""
    return {"PostgreSQL": found}


def _statements(rng: random.Random, number: int) -> list[str]:
    name = rng.choice(["orders", "users", "carts", "t9", "events"])
    some = [
        f"create table {name} (id int primary key, note text not null)",
        f"create index {name}_note_idx on {name} (note)",
        f"insert into {name} select g, 'row ' || g from generate_series({number}, {number * 9}) g",
        f"insert into {name} values ({number}, null)",
        f"select * from {name}_missing",
        f"select {rng.choice(['nme', 'colour', 'x2'])} from {name}",
        f"select 1/{rng.choice('01')}",
        f"select '{rng.choice(['abc', '12x', 'zzz'])}'::int",
        f"selct {number}",
        f"drop table {name}",
        f"alter table {name} add column c{number} int",
        f"vacuum {name}",
        f"analyze {name}",
        "checkpoint",
        f"set {rng.choice(['no.such', 'nosuch', 'work_mem'])} = 'x'",
        f"select no_such_function({number})",
        f"drop role r{number}",
        f"create role {rng.choice(['ann', 'bob', 'cyd'])}",
        "select g from generate_series(1, 20000) g order by g desc limit 1",
        f"create database {rng.choice(['one', 'two', 'three'])}",
    ]
    return rng.sample(some, 6)


def _psql(home: Path, statements: Sequence[str]) -> None:
    options = [part for statement in statements for part in ("-c", statement)]
    database = random.Random(statements[0]).choice(["postgres", "postgres", "nowhere"])
    _run(["psql", "-h", str(home), "-p", "18941", "-U", "postgres", "-d", database, *options])


def chromium(folder: Path) -> dict[str, list[Line]]:
    """Load a page without a screen, with the browser's verbose messages."""
    page = "<script>fetch('/x').catch(e=>console.error(e));localStorage.a=1;eval('(')</script>"
    (folder / "page.html").write_text(page, encoding="utf-8")
    text = ""
    for address in (folder.joinpath("page.html").as_uri(), "http://127.0.0.1:9/", "chrome://gpu"):
        flags = ["--headless", "--no-sandbox", "--enable-logging=stderr", "--v=2"]
        profile = f"--user-data-dir={folder}/profile"
        text += _run(["chromium", *flags, profile, "--dump-dom", address])
    rows = re.findall(r"^\[[\d:/.]*:[A-Z]+\d*:([\w./:-]+)[:(](\d+)\)?\] (.+)$", text, re.M)
    return {"Chromium": [Line(said, f"{file}:{line}") for file, line, said in rows]}


def _run(command: Sequence[str], **options: object) -> str:
    """Run a program to its end, for at most two minutes, and return what it wrote."""
    try:
        done = subprocess.run(
            list(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
            **options,  # type: ignore[call-overload]
        )
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode("utf-8", "replace")
    return str(done.stdout.decode("utf-8", "replace"))


SOURCES: dict[str, Callable[[Path], dict[str, list[Line]]]] = {
    sys.executable: python_programs,
    "postgres": postgresql,
    "chromium": chromium,
}


def told_apart(lines: Sequence[Line]) -> list[Line]:
    """Give one place to all statements that wrote the same text, numbers aside."""
    same: dict[str, str] = {}
    wrote: dict[str, str] = {}

    def root(place: str) -> str:
        while same.get(place, place) != place:
            place = same[place]
        return place

    for message, place in lines:
        text = re.sub(r"[\da-f]*\d[\da-f]*", "0", message)
        first = root(wrote.setdefault(text, place))
        same[root(place)] = first
    return [Line(message, root(place)) for message, place in lines]


def write(folder: Path, name: str, lines: Sequence[Line]) -> None:
    """Write one program's lines in the layout that ``bench templates`` reads."""
    numbers = {place: f"E{i}" for i, place in enumerate(dict.fromkeys(p for _, p in lines), 1)}
    (folder / f"{name}_2k.log").write_text("".join(f"{m}\n" for m, _ in lines), encoding="utf-8")
    file = folder / f"{name}_2k.log_structured_corrected.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["LineId", "Content", "EventId", "EventTemplate"])
        for number, (message, place) in enumerate(lines, 1):
            writer.writerow([number, message, numbers[place], place])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the programs and write their logs; see the module's text."""
    parser = argparse.ArgumentParser(prog="./build.sh bench template_programs")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for program, source in SOURCES.items():
        if not shutil.which(program):
            print(f"{program} is not installed: left out")
            continue
        with tempfile.TemporaryDirectory() as folder:
            for name, lines in source(Path(folder)).items():
                kept = [line for line in lines if "\n" not in line.message.strip()]
                kept = [Line(said.strip(), place) for said, place in kept if len(said) < LONGEST]
                kept = told_apart(kept[:LINES])
                if kept:
                    write(options.out, name, kept)
                places = len({place for _, place in kept})
                print(f"{name}: {len(kept)} lines from {places} statements")
    return 0


if __name__ == "__main__":
    sys.exit(main())
