"""Starting and ending an app's programs."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.splunkd_lite.runners.errors import ProcessFailed
from tools.splunkd_lite.runners.process import AppProcess, reap_orphans, script_path


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ending_a_program_ends_its_children_even_ones_that_ignore_the_request(splunk):
    child = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); "
    code = (
        f"import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {child + 'time.sleep(60)'!r}],"
        f" stdout=subprocess.PIPE)\n"
        f"p.stdout.readline()\nprint(p.pid, flush=True)\ntime.sleep(60)\n"
    )
    process = AppProcess(splunk, ["-c", code], "test", "parent")
    child_pid = int(process.stdout.readline())
    assert alive(child_pid)
    process.end(grace=0.2)
    until = time.monotonic() + 60
    while alive(child_pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(child_pid)


def test_every_line_of_stderr_is_logged_however_the_program_ends(splunk):
    code = "import os, sys; [print('line', i, file=sys.stderr) for i in range(500)]; os._exit(3)"
    process = AppProcess(splunk, ["-c", code], "test", "noisy")
    assert process.wait(10) == 3
    assert len(splunk.logged("line ")) == 500
    process.end()


def test_an_interpreter_that_is_not_there_is_named(splunk):
    splunk.python = "/no/such/python"
    with pytest.raises(ProcessFailed, match=r"could not be started.*/no/such/python"):
        AppProcess(splunk, [], "test", "nothing")


def test_orphans_are_ended_but_not_a_process_that_has_their_number_by_chance(splunk):
    marks = splunk.home / "var/run/splunk/processes"
    marks.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        try:
            (marks / str(other.pid)).write_text("12345")  # not when this one started
            assert reap_orphans(splunk.home) == []
            assert alive(other.pid)
        finally:
            other.kill()
    assert list(marks.iterdir()) == []


@pytest.mark.parametrize("name", ["../secret.py", "missing.py", "/etc/passwd"])
def test_only_scripts_in_the_apps_bin_are_run(splunk, name):
    (splunk.home / "etc/apps/tiny/secret.py").write_text("")
    with pytest.raises(ProcessFailed, match="bin"):
        script_path(splunk, "tiny", name)


def test_programs_do_not_run_in_our_working_folder(splunk):
    process = AppProcess(splunk, ["-c", "import os; print(os.getcwd())"], "test", "cwd")
    assert process.stdout.read().strip() == b"/"
    process.end()
    assert str(Path.cwd()) != "/"
