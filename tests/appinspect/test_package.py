"""What must hold for the tarball that `./build.sh package` leaves in dist/."""

from __future__ import annotations

import ast
import configparser
import re
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = "incident_management"
PACKAGES = sorted((ROOT / "dist").glob(f"{APP}-*.tar.gz"))
MEGABYTE = 1_000_000
SCRIPTED = ("commands", "alert_actions")

pytestmark = pytest.mark.skipif(not PACKAGES, reason="no package in dist/: run ./build.sh package")


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    with tarfile.open(PACKAGES[-1]) as tar:
        tar.extractall(folder, filter="data")
    return folder / APP


def conf(app: Path, name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=True, delimiters=("=",), default_section="\0")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    text = (app / "default" / f"{name}.conf").read_text(encoding="utf-8").replace("\\\n", " ")
    parser.read_string("[default]\n" + text if not text.lstrip().startswith(("[", "#")) else text)
    return parser


def test_it_is_under_8_megabytes():
    assert PACKAGES[-1].stat().st_size < 8 * MEGABYTE


def test_entries_are_sorted_and_owned_by_nobody_in_particular():
    with tarfile.open(PACKAGES[-1]) as tar:
        entries = tar.getmembers()
    assert {entry.uid for entry in entries} == {0}
    assert len({entry.mtime for entry in entries}) == 1
    assert all(entry.name == APP or entry.name.startswith(APP + "/") for entry in entries)


def test_nothing_in_it_tells_when_it_was_built(app):
    with tarfile.open(PACKAGES[-1]) as tar:
        commit = str(int(tar.getmembers()[0].mtime))
    assert conf(app, "app").get("install", "build") == commit
    for page in ("base.html", "workbench.html"):
        text = (app / "appserver" / "templates" / page).read_text(encoding="utf-8")
        assert set(re.findall(r"/@(\w+)/", text)) == {commit}, page


def test_it_holds_no_compiled_module_and_no_local_folder(app):
    assert not [p for p in app.rglob("*") if p.suffix in (".so", ".pyd", ".pyc", ".dylib")]
    assert not (app / "local").exists()


def test_every_script_of_ours_parses_as_python_3_9(app):
    scripts = sorted((app / "bin").rglob("*.py"))
    assert len(scripts) > 30
    for script in scripts:
        ast.parse(script.read_text(encoding="utf-8"), str(script), feature_version=(3, 9))


def test_every_script_that_a_conf_names_is_there(app):
    for name in SCRIPTED:
        parser = conf(app, name)
        for stanza in parser.sections():
            script = parser.get(stanza, "filename", fallback=f"{stanza}.py")
            assert (app / "bin" / script).is_file(), f"[{stanza}] of {name}.conf"
    rest = conf(app, "restmap")
    for stanza in rest.sections():
        for key in ("script", "handlerfile"):
            if rest.has_option(stanza, key):
                assert (app / "bin" / rest.get(stanza, key)).is_file(), stanza


def test_every_script_stanza_names_both_pythons(app):
    rest = conf(app, "restmap")
    named = [(conf(app, name), s) for name in SCRIPTED for s in conf(app, name).sections()]
    named += [(rest, s) for s in rest.sections() if s.startswith(("script:", "admin_external:"))]
    assert len(named) >= 10
    for parser, stanza in named:
        assert parser.get(stanza, "python.required") == "3.9, 3.13", stanza
        assert parser.get(stanza, "python.version") == "python3", stanza


def test_no_endpoint_can_be_reached_without_logging_in(app):
    rest = conf(app, "restmap")
    scripts = [s for s in rest.sections() if s.startswith("script:")]
    assert scripts
    for stanza in scripts:
        assert rest.get(stanza, "requireAuthentication", fallback="true") == "true", stanza


def test_custom_confs_replicate_and_reload_in_a_cluster(app):
    server, app_conf = conf(app, "server"), conf(app, "app")
    ours = {p.name[:-5] for p in (app / "default").glob("incident_*.conf")}
    assert {"incident_actions", "incident_routing", "incident_management_settings"} <= ours
    for name in ours:
        assert server.get("shclustering", f"conf_replication_include.{name}") == "true"
        assert app_conf.get("triggers", f"reload.{name}") == "simple"


def test_the_indexers_get_what_searches_need_there_and_no_programs(app):
    denied = conf(app, "distsearch").get("replicationDenylist", APP)
    # Splunk's patterns: "..." is anything, the rest is a regular expression (distsearch.conf.spec).
    pattern = re.compile(denied.replace("...", ".*"))
    files = {str(p.relative_to(app)) for p in app.rglob("*") if p.is_file()}
    kept = {name for name in files if not pattern.fullmatch(f"apps/{APP}/{name}")}
    assert {name.split("/")[0] for name in files - kept} == {"appserver", "bin", "lib", "static"}
    assert {"default/props.conf", "default/transforms.conf", "metadata/default.meta"} <= kept
    assert sum((app / name).stat().st_size for name in kept) < 0.5 * MEGABYTE
    assert not pattern.fullmatch("apps/another_app/bin/command.py")


def test_no_command_is_distributed_to_indexers_that_lack_its_programs(app):
    commands = conf(app, "commands")
    for stanza in commands.sections():
        script = (app / "bin" / commands.get(stanza, "filename")).read_text(encoding="utf-8")
        stays = ("@Configuration(distributed=False)", '@Configuration(type="reporting")')
        assert any(line in stays for line in script.splitlines()), stanza


def test_every_conf_of_ours_has_a_spec(app):
    for path in (app / "default").glob("incident_*.conf"):
        assert (app / "README" / f"{path.name}.spec").is_file(), path.name


def test_the_app_does_not_know_what_it_runs_on(app):
    for script in (app / "bin").rglob("*.py"):
        text = script.read_text(encoding="utf-8")
        assert not any(word in text for word in ("splunkd_lite", "pytest", "TEST_MODE")), script


def test_an_older_setting_of_monitors_is_documented_in_their_stanza(app):
    spec = (app / "README" / "inputs.conf.spec").read_text(encoding="utf-8")
    monitor, _, buttons = spec.partition("[incident_slack_socket://<name>]")
    assert re.search(r"(?m)^search = ", monitor)
    assert not re.search(r"(?m)^search = ", buttons)


def test_each_kind_of_input_has_a_setting_that_splunkd_counts(app):
    """The stand-in's ``ModularInputs._declared`` says which."""
    spec = (app / "README" / "inputs.conf.spec").read_text(encoding="utf-8")
    for stanza in spec.split("[")[1:]:
        names = set(re.findall(r"(?m)^([0-9a-zA-Z][0-9a-zA-Z_-]*) = ", stanza))
        assert names - {"interval", "index", "host", "source", "sourcetype", "disabled"}, stanza


def test_the_libraries_are_without_what_the_app_never_loads(app):
    assert not [p for p in (app / "lib").rglob("tests") if p.is_dir()]
    assert not (app / "lib" / "slack").exists()


def test_each_setting_of_the_configuration_page_is_explained_in_its_spec(app):
    settings = conf(app, "incident_management_settings")
    spec = (app / "README" / "incident_management_settings.conf.spec").read_text(encoding="utf-8")
    for stanza in settings.sections():
        part = spec.partition(f"[{stanza}]\n")[2].partition("\n[")[0]
        for key in settings.options(stanza):
            explained = rf"(?m)^{key} = [<\w].*\n\* .*\n(?:\* .*\n)*\* Default: \S"
            assert re.search(explained, part), f"[{stanza}] {key}"
