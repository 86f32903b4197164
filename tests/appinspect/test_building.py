"""How the package is built on machines that are not like the one it was written on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import additional_packaging
from tools import packaging

ROOT = Path(__file__).resolve().parents[2]
SPEC = "[a://<name>]\nx = 1\n\n[b://<name>]\ny = 2\n"
_SCRIPT = (ROOT / "build.sh").read_text(encoding="utf-8")
BUILD_SCRIPT = "set -eu\n" + _SCRIPT[_SCRIPT.index("readonly APP") :].replace('main "$@"', "")
"""Its functions; nothing is run."""
ENDED_BY_PIP = """\
INFO: Installing requirements from requirements.txt
WARNING: The field 'title' does not have a validator specified.
ERROR: Command (pip install) returned 1 status code
ERROR: No matching distribution found for boto3
"""


def environment(folder: Path, script: str) -> Path:
    """An environment whose Python does as the script says, and whose ucc-gen can't be run."""
    (folder / "ucc-gen").write_text("#!/no/such/python\n", encoding="utf-8")
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)
    return folder


def test_sources_without_git_have_a_date_of_their_own(monkeypatch, tmp_path):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        subprocess.run(["git"], check=False)

    assert packaging.commit_time() == packaging.EPOCH_WITHOUT_GIT


def test_an_environment_that_was_moved_still_builds(tmp_path):
    """The first line of an environment's programs names the folder in which it was made."""
    output = tmp_path / "output"
    ucc = environment(
        tmp_path,
        f'[ "$1" = {tmp_path}/ucc-gen ] && mkdir -p {output}/{packaging.APP}/bin/{packaging.APP} '
        f"&& touch {output}/{packaging.APP}/bin/{packaging.APP}/__init__.py",
    )
    packaging.run_ucc(ucc, tmp_path, output, "1.0.0")


def test_an_environment_whose_python_is_gone_is_made_again(tmp_path):
    """As after an upgrade of the machine's Python."""
    made = tmp_path / ".build" / "venv" / "tool" / "bin" / "python"
    environment(tmp_path, f'[ "$2" != venv ] || {{ mkdir -p {made.parent}; ln -s $0 {made}; }}')
    (tmp_path / "lock.txt").write_text("", encoding="utf-8")
    asked = f"{BUILD_SCRIPT}\ncd {tmp_path}; environment tool {tmp_path}/python lock.txt"

    def set_up() -> str:
        run = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
        return run.stderr

    assert "Setting up" in set_up()
    assert set_up() == ""
    made.unlink()
    made.symlink_to(tmp_path / "no-such-python")
    assert "Setting up" in set_up()
    assert made.exists()


def python_of(folder: Path, name: str, version: tuple[int, int], has_venv: bool = True) -> None:
    """A Python that tells its version, and whether it has venv, as the build script asks."""
    python = folder / name
    python.write_text(
        "#!/bin/sh\n"
        f'case "$*" in --version) echo Python {version[0]}.{version[1]}.0; exit;;\n'
        f"*ensurepip*) exit {0 if has_venv else 1};; esac\n"
        f'exec {sys.executable} -c "import sys; sys.version_info = {version}; $2"\n',
        encoding="utf-8",
    )
    python.chmod(0o755)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"python3": (3, 12)}, "python3"),
        ({"python3": (3, 14), "python3.13": (3, 13)}, "python3.13"),
        ({"python3": (3, 14)}, "3.11, 3.12 or 3.13 is needed, and there is Python 3.14.0."),
        ({"python3": (3, 9)}, "3.11, 3.12 or 3.13 is needed, and there is Python 3.9.0."),
        ({}, "3.11, 3.12 or 3.13 is needed, and there is no Python at all."),
    ],
)
def test_the_python_of_the_tools_is_one_that_they_install_on(tmp_path, there, said):
    for name, version in there.items():
        python_of(tmp_path, name, version)
    run = subprocess.run(
        ["/bin/bash", "-c", f"{BUILD_SCRIPT}\nfind_python"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in (run.stdout.split("\n") if run.returncode == 0 else run.stderr), run


def test_a_python_without_venv_is_reported_with_the_package_that_has_it(tmp_path):
    python_of(tmp_path, "python3.12", (3, 12), has_venv=False)
    run = subprocess.run(
        ["/bin/bash", "-c", f"{BUILD_SCRIPT}\nfind_python"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "python3.12 has no venv: on Debian, apt-get install python3.12-venv." in run.stderr


@pytest.mark.parametrize(
    ("arguments", "alone"),
    [
        ("tests/unit/test_durations.py -k minutes", True),
        ("-x tests/unit/api tests/unit/worker", True),
        ("tests/unit/api tests/browser", False),
        ("-k minutes", False),
        ("", False),
    ],
)
def test_unit_tests_alone_need_no_package_and_no_browser(arguments, alone):
    asked = f"{BUILD_SCRIPT}\nunit_tests_alone {arguments}"
    assert (subprocess.run(["bash", "-c", asked], check=False).returncode == 0) == alone


@pytest.mark.parametrize("name", ["", "nab_scoring", "__init__", "nonsense"])
def test_what_is_no_benchmark_is_answered_with_those_that_there_are(name):
    run = subprocess.run(
        ["bash", "-c", f"{BUILD_SCRIPT}\ncmd_bench {name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    told = run.stderr.split("one of: ")[1].split()
    assert {"nab", "storm", "searches"} <= set(told)
    assert not {"__init__", "nab_scoring", "grouping_variants"} & set(told)


def test_a_build_that_reaches_no_package_index_says_what_helps(tmp_path):
    (tmp_path / "said").write_text(ENDED_BY_PIP, encoding="utf-8")
    ucc = environment(tmp_path, f"cat {tmp_path}/said; exit 1")

    with pytest.raises(packaging.BuildError) as caught:
        packaging.run_ucc(ucc, tmp_path, tmp_path / "output", "1.0.0")
    first, *_, last = str(caught.value).splitlines()
    assert first == "ERROR: Command (pip install) returned 1 status code"
    assert last.endswith("set PIP_NO_INDEX=1 and PIP_FIND_LINKS=<folder>.")


def test_what_is_added_to_a_stanza_stands_in_it():
    added = "[a://<name>]\nz = 3\n"
    text = additional_packaging.with_addition(SPEC, added)
    assert text == "[a://<name>]\nz = 3\nx = 1\n\n[b://<name>]\ny = 2\n"


def test_parts_go_each_to_their_stanza():
    added = "[b://<name>]\nz = 3\n\n# c\n[c]\n\n[a://<name>]\nz = 4\n"
    assert additional_packaging.with_addition(SPEC, added) == (
        "[a://<name>]\nz = 4\nx = 1\n\n[b://<name>]\nz = 3\ny = 2\n\n# c\n[c]\n"
    )


def test_a_stanza_that_is_new_is_added_at_the_end():
    assert additional_packaging.with_addition(SPEC, "# c\n[c]\n") == f"{SPEC}\n# c\n[c]\n"
    assert additional_packaging.with_addition("", "[c]\n") == "[c]\n"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["clean", "--help"], 0, "./build.sh clean              delete all that was built\n"),
        (["demo", "-h"], 0, "./build.sh demo [--exit]"),
        (["bench", "help"], 0, "./build.sh bench NAME"),
        (["clean", "all"], 1, "build.sh: clean takes no arguments, and there is 'all'."),
        (["package", "--fast"], 1, "build.sh: package takes no arguments, and there is '--fast'."),
        (["tset"], 1, "build.sh: there is no command 'tset'."),
    ],
)
def test_help_and_wrong_words_set_nothing_up_and_delete_nothing(tmp_path, words, status, said):
    (tmp_path / "build.sh").write_text(_SCRIPT, encoding="utf-8")
    (tmp_path / "dist").mkdir()
    run = subprocess.run(
        ["bash", str(tmp_path / "build.sh"), *words], capture_output=True, text=True, check=False
    )
    assert run.returncode == status and said in run.stdout + run.stderr
    assert (tmp_path / "dist").exists() and not (tmp_path / ".build" / "venv").exists()


@pytest.mark.parametrize(
    ("module", "words"),
    [("tools.demo", ["--fault", "none"]), ("tools.splunkd_lite", ["serve", "--home", "/nowhere"])],
)
def test_words_are_checked_before_minutes_of_set_up(module, words):
    command = [sys.executable, "-m", module, *words, "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    wrong = subprocess.run([*command, "--wrong"], cwd=ROOT, capture_output=True, check=False)
    assert wrong.returncode == 2 and b"unrecognized arguments: --wrong" in wrong.stderr


def test_ctrl_c_ends_the_script_and_goes_on_with_nothing(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -INT $PPID\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    asked = f"{BUILD_SCRIPT}\ncmd_clean() {{ {python} || say went on; }}\nmain clean"
    # Whoever is started in the background ignores it, and so does all that it starts.
    script = ["env", "--default-signal=INT", "bash", "-c", asked]
    run = subprocess.run(script, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (130, "build.sh: interrupted.\n")
