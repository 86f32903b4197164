"""Installing apps."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.contract.core.conftest import APP, write_app
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.install import install_app, prepare_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    prepare_home(tmp_path / "splunk")
    return tmp_path / "splunk"


def package(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def test_a_package_and_a_folder_install_alike(home: Path, tmp_path: Path, app: Path) -> None:
    with tarfile.open(tmp_path / "shop.tar.gz", "w:gz") as archive:
        archive.add(app, arcname=APP)

    assert install_app(home, tmp_path / "shop.tar.gz") == APP
    packaged = sorted(p.relative_to(home) for p in (home / "etc/apps" / APP).rglob("*"))
    assert install_app(home, app) == APP
    assert sorted(p.relative_to(home) for p in (home / "etc/apps" / APP).rglob("*")) == packaged


def test_an_upgrade_drops_old_files_and_keeps_what_the_admin_made(
    home: Path, tmp_path: Path
) -> None:
    first = {"default/app.conf": "", "bin/old.py": "", "lookups/shipped.csv": "a\n1\n"}
    install_app(home, write_app(tmp_path / "v1" / APP, first))
    target = home / "etc/apps" / APP
    write_app(target, {"local/app.conf": "[install]\nstate = enabled\n", "lookups/own.csv": "b\n"})
    install_app(home, write_app(tmp_path / "v2" / APP, {"default/app.conf": "", "bin/new.py": ""}))

    assert not (target / "bin/old.py").exists()
    assert (target / "bin/new.py").exists()
    assert (target / "local/app.conf").exists()
    assert (target / "lookups/own.csv").exists()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../evil/default/app.conf": ""}, "not a usable app package"),
        ({"/etc/evil": ""}, "exactly one folder|not a usable|has no default"),
        ({"one/default/app.conf": "", "two/default/app.conf": ""}, "exactly one folder"),
        ({"shop/readme": ""}, "has no default folder"),
    ],
)
def test_what_is_no_app_is_refused(
    home: Path, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    with pytest.raises(SplunkdError, match=said):
        install_app(home, package(tmp_path / "bad.tar.gz", files))

    assert sorted(p.name for p in (home / "etc/apps").iterdir()) == ["search", "splunk_httpinput"]
    assert not (home / "var/run/evil").exists()


def test_a_file_that_is_no_archive_or_missing_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "text.tar.gz").write_text("not an archive")
    with pytest.raises(SplunkdError, match=r"text\.tar\.gz is not a usable app package"):
        install_app(home, tmp_path / "text.tar.gz")
    with pytest.raises(SplunkdError, match="There is no app at"):
        install_app(home, tmp_path / "nowhere.tar.gz")


def test_a_disabled_app_leaves_rest_until_it_is_enabled(standin: StandIn) -> None:
    service = standin.service(app=APP, owner="nobody")
    service.apps[APP].disable()
    assert service.apps[APP].disabled == "1"
    assert [each.name for each in standin.service(app="search").saved_searches] == []
    service.apps[APP].enable()

    assert "Errors" in service.saved_searches


def test_installing_twice_on_one_home_and_restarting_changes_nothing(
    tmp_path: Path, app: Path
) -> None:
    with start_standin(tmp_path, [app]) as first:
        guid = first.splunk.guid
        names = first.splunk.conf.names()
    with start_standin(tmp_path, [app]) as second:
        assert second.splunk.guid == guid
        assert second.splunk.conf.names() == names
        assert second.splunk.admin_password == ""
