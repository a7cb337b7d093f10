from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.settings import load_settings
from gateway.settings.known_keys import SECTIONS, Standing
from gateway.settings.overlay import LIVE_FIELDS, is_variable_allowed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "config.yaml"
    found.write_text(
        "router_settings: {num_retries: 1, cooldown_time: 9}\nenvironment_variables: {OWN: file}\n"
    )
    return found


def test_the_overlay_wins_member_by_member(path: Path) -> None:
    settings = load_settings(path, {}, overlay={"router_settings": {"num_retries": 4}})
    assert (settings.router.num_retries, settings.router.cooldown_time) == (4, 9.0)


def test_references_of_the_overlay_are_looked_up(path: Path) -> None:
    overlay = {"router_settings": {"num_retries": "os.environ/RETRIES"}}
    assert load_settings(path, {"RETRIES": "3"}, overlay=overlay).router.num_retries == 3


def test_what_is_wrong_names_the_member(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {}, overlay={"router_settings": {"num_retries": "many"}})
    assert caught.value.path == "router_settings.num_retries"


def test_what_belongs_to_the_process_is_left_out(path: Path) -> None:
    overlay = {
        "general_settings": {
            "master_key": "sk-of-the-database-0123456789",
            "database_url": "postgresql://x/y",
        },
        "gatewright": {"cors_origins": []},
        "environment_variables": {"DATABASE_URL": "postgresql://x/y", "OWN": "stored", "LENT": "key"},
    }
    settings = load_settings(path, {}, overlay=overlay)
    assert (settings.environment.master_key, settings.environment.database_url) == (None, None)
    assert {name: secret.reveal() for name, secret in settings.variables.items()} == {
        "OWN": "stored",
        "LENT": "key",
    }


@pytest.mark.parametrize("section", LIVE_FIELDS)
def test_every_live_member_is_a_setting_that_has_an_effect(section: str) -> None:
    known = {key.name for key in SECTIONS[section].values() if key.standing is Standing.SUPPORTED}
    assert LIVE_FIELDS[section] <= known


@pytest.mark.parametrize(
    "name",
    ["GATEWAY_MASTER_KEY", "database_url", "LITELLM_SALT_KEY", "REDIS_URL", "PATH", "A=B", "", "LD_PRELOAD"],
)
def test_variables_of_the_process_are_not_the_databases(name: str) -> None:
    assert not is_variable_allowed(name)
