import pytest

from gateway.errors import ConfigError
from gateway.settings.rotation import KeyRotationSettings, read_rotation_settings


def test_keys_do_not_rotate_unless_the_environment_says_so():
    assert read_rotation_settings({"LITELLM_KEY_ROTATION_ENABLED": ""}) == KeyRotationSettings()
    assert not KeyRotationSettings().is_enabled


def test_litellms_variables_are_read():
    found = read_rotation_settings(
        {
            "LITELLM_KEY_ROTATION_ENABLED": "true",
            "LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS": "600",
            "LITELLM_KEY_ROTATION_GRACE_PERIOD": "2h",
        }
    )
    assert (found.is_enabled, found.check_seconds, found.grace_seconds) == (True, 600.0, 7200.0)


@pytest.mark.parametrize("name", ["LITELLM_KEY_ROTATION_ENABLED", "LITELLM_KEY_ROTATION_GRACE_PERIOD"])
def test_what_cannot_be_read_is_named(name: str):
    with pytest.raises(ConfigError, match=name):
        read_rotation_settings({name: "perhaps"})
