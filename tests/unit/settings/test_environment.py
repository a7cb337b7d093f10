from pathlib import Path

import pytest

from gateway.domain import Secret
from gateway.errors import ConfigError
from gateway.settings import Flags, load_settings
from gateway.settings.data_folder import default_data_dir

STRONG = "sk-4f9a1c77e2b8d035"
OTHER = "sk-8c2e6f10b9a7d453"
THIRD = "sk-1b7d9e3f5a2c8064"


def test_without_a_file_the_environment_alone_decides():
    settings = load_settings(
        None, {"HOME": "/home/ann", "REDIS_URL": "redis://r", "LITELLM_SALT_KEY": "salt"}
    )
    assert settings.models == ()
    assert settings.environment.config_path is None
    assert settings.environment.data_dir == Path("/home/ann/.local/share/gatewright")
    assert settings.environment.redis_url == Secret("redis://r")
    assert settings.environment.salt_key == Secret("salt")
    assert settings.environment.database_url is None


def test_the_variable_names_the_file_where_the_command_line_does_not(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_text("litellm_settings: {json_logs: true}")
    settings = load_settings(None, {"HOME": "/h", "CONFIG_FILE_PATH": str(path)})
    assert settings.litellm.json_logs
    assert settings.environment.config_path == path


def test_the_master_key_is_taken_in_order(load):
    text = f"general_settings: {{master_key: {OTHER}}}"
    environ = {"GATEWAY_MASTER_KEY": STRONG, "LITELLM_MASTER_KEY": THIRD}
    assert load(text, environ).environment.master_key == Secret(STRONG)
    assert load(text, {"LITELLM_MASTER_KEY": THIRD}).environment.master_key == Secret(OTHER)
    assert load("", {"LITELLM_MASTER_KEY": THIRD}).environment.master_key == Secret(THIRD)
    assert (
        load("general_settings: {master_key: ''}", {"GATEWAY_MASTER_KEY": ""}).environment.master_key is None
    )


@pytest.mark.parametrize(
    "key", ["sk-1234", "sk-my-master-key", "sk-short-one", "sk-aaaaaaaaaaaaaaaaaaa", "password"]
)
def test_a_weak_master_key_is_refused_unless_that_is_said(load, key):
    text = f"general_settings:\n  master_key: {key}\n"
    with pytest.raises(ConfigError, match="administers the gateway") as caught:
        load(text)
    assert (caught.value.path, caught.value.line) == ("general_settings.master_key", 2)
    assert key not in str(caught.value)
    flag = "  dangerously_permit_weak_or_unset_master_key: true\n"
    assert load(text + flag).environment.master_key == Secret(key)
    variable = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
    assert load(text, variable).environment.master_key == Secret(key)


def test_a_weak_master_key_of_the_environment_is_refused(load):
    with pytest.raises(ConfigError) as caught:
        load("", {"LITELLM_MASTER_KEY": "sk-1234"})
    assert caught.value.file is None


def test_the_database_of_the_file_wins_with_a_notice(load):
    text = "general_settings: {database_url: 'postgresql://u@file/d'}"
    settings = load(text, {"DATABASE_URL": "postgresql://u@environment/d"})
    assert settings.environment.database_url == Secret("postgresql://u@file/d")
    assert [notice.path for notice in settings.notices] == ["general_settings.database_url"]


def test_a_database_can_be_given_in_parts():
    environ = {
        "HOME": "/h",
        "DATABASE_HOST": "h",
        "DATABASE_USERNAME": "u",
        "DATABASE_PASSWORD": "p@ss/w",
        "DATABASE_NAME": "d",
        "DATABASE_PORT": "5433",
    }
    assert load_settings(None, environ).environment.database_url == Secret(
        "postgresql://u:p%40ss%2Fw@h:5433/d"
    )


def test_another_kind_of_database_is_refused_without_showing_its_password(load):
    for text, environ in (
        ("", {"DATABASE_URL": "mysql://u:hunter2@h/d"}),
        ("general_settings: {database_url: 'mysql://u:hunter2@h/d'}", {}),
    ):
        with pytest.raises(ConfigError, match="PostgreSQL") as caught:
            load(text, environ)
        assert "hunter2" not in str(caught.value)


def test_flags_win_over_the_environment(load):
    flags = Flags(data_dir=Path("/srv/data"), server_root_path="/b", is_log_json=False)
    environ = {"GATEWAY_DATA_DIR": "/other", "SERVER_ROOT_PATH": "/a", "JSON_LOGS": "true"}
    found = load("", environ, flags).environment
    assert (found.data_dir, found.server_root_path, found.is_log_json) == (Path("/srv/data"), "/b", False)
    found = load("", environ).environment
    assert (found.data_dir, found.server_root_path, found.is_log_json) == (Path("/other"), "/a", True)


@pytest.mark.parametrize(
    ("given", "wanted"), [("/", ""), ("api", "/api"), ("/api/v2/", "/api/v2"), (" ", "")]
)
def test_the_root_path_is_brought_into_one_form(load, given, wanted):
    assert load("", {"SERVER_ROOT_PATH": given}).environment.server_root_path == wanted


@pytest.mark.parametrize("given", ["//x", "/a b", "/a/../b", "/a?b", "http://x"])
def test_a_root_path_that_is_none_is_refused(load, given):
    with pytest.raises(ConfigError):
        load("", {"SERVER_ROOT_PATH": given})


@pytest.mark.parametrize(
    ("environ", "platform", "wanted"),
    [
        ({"HOME": "/h"}, "linux", "/h/.local/share/gatewright"),
        ({"HOME": "/h", "XDG_DATA_HOME": "/x"}, "linux", "/x/gatewright"),
        ({"HOME": "/h", "XDG_DATA_HOME": "relative"}, "linux", "/h/.local/share/gatewright"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Application Support/gatewright"),
        ({"HOME": "/h", "LOCALAPPDATA": "/l"}, "win32", "/l/gatewright"),
    ],
)
def test_the_data_folder_follows_the_platform(environ, platform, wanted):
    assert default_data_dir(environ, platform) == Path(wanted)
