"""Whether the app was replaced while a process of it runs."""

import os

import pytest

from incident_management.installed import APP_CONF, LOCAL_APP_CONF, Installed, state_changed_at


@pytest.fixture
def conf(tmp_path):
    path = tmp_path / "app.conf"
    path.write_text("[install]\nbuild = 1\n")
    os.utime(path, ns=(10**18, 10**18))
    return path


def test_it_looks_at_the_apps_own_file():
    assert (APP_CONF.parent.name, APP_CONF.name) == ("default", "app.conf")
    assert APP_CONF.is_file() and not Installed().replaced()


def test_another_build_replaces_it(conf):
    installed = Installed(conf)
    assert not installed.replaced()
    conf.write_text("[install]\nbuild = 2\n")
    assert installed.replaced() and installed.replaced()


def test_a_file_that_is_gone_is_just_being_replaced(conf):
    installed = Installed(conf)
    conf.unlink()
    assert installed.replaced()


def test_the_same_build_again_replaces_nothing(conf):
    installed = Installed(conf)
    text = conf.read_text()
    conf.unlink()
    conf.write_text(text)
    assert not installed.replaced()


def test_a_file_that_can_not_be_read_ends_nothing(tmp_path):
    installed = Installed(tmp_path / "none.conf")
    assert not installed.replaced()
    (tmp_path / "none.conf").write_text("[install]\nbuild = 1\n")
    assert installed.replaced()


def test_when_it_was_switched_is_when_its_local_conf_was_written(tmp_path):
    assert LOCAL_APP_CONF.parts[-2:] == ("local", "app.conf")
    assert state_changed_at(tmp_path / "app.conf") == 0.0
    (tmp_path / "app.conf").write_text("[install]\nstate = enabled\n")
    os.utime(tmp_path / "app.conf", (1e9, 1e9))
    assert state_changed_at(tmp_path / "app.conf") == 1e9
