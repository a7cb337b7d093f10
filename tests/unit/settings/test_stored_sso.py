"""Settings of the identity provider in the database win over the environment's."""

import pytest

from gateway.errors import ConfigError
from gateway.settings.sso import read_sso_settings
from gateway.settings.stored_sso import sso_environment

ENVIRON = {
    "GOOGLE_CLIENT_ID": "google",
    "GOOGLE_CLIENT_SECRET": "google-secret",
    "GENERIC_CLIENT_SECRET": "generic-secret",
    "GENERIC_ISSUER": "https://issuer",
    "GENERIC_USER_ID_ATTRIBUTE": "uid",
    "PROXY_BASE_URL": "https://gateway.example.com",
}
ENDPOINTS = {
    f"generic_{name}_endpoint": f"https://idp/{name}" for name in ("authorization", "token", "userinfo")
}


def test_without_stored_settings_the_environments_hold():
    assert sso_environment(ENVIRON, {}) == ENVIRON


def test_a_stored_client_names_the_provider_and_the_environment_says_the_rest():
    settings = read_sso_settings(sso_environment(ENVIRON, {"generic_client_id": "mine"}))

    assert settings is not None
    assert (settings.provider, settings.client_id, settings.issuer) == ("generic", "mine", "https://issuer")
    assert (settings.client_secret.reveal(), settings.id_claim) == ("generic-secret", "uid")


def test_stored_endpoints_are_not_passed_over_for_an_issuer_of_the_environment():
    settings = read_sso_settings(sso_environment(ENVIRON, {"generic_client_id": "mine", **ENDPOINTS}))

    assert settings is not None
    assert (settings.issuer, settings.endpoints) == ("", tuple(ENDPOINTS.values()))


def test_empty_members_say_nothing():
    assert sso_environment(ENVIRON, {"google_client_id": "", "role_mappings": None}) == ENVIRON


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("saml_idp_metadata_url", "https://idp/metadata"),
        ("ui_access_mode", "admin_only"),
        ("ui_access_mode", {"type": "restricted_sso_group"}),
        ("role_mappings", {"roles": {}}),
        ("team_mappings", {"team_ids_jwt_field": "teams"}),
    ],
)
def test_what_could_not_be_acted_on_is_refused(name: str, value: object):
    with pytest.raises(ConfigError, match=name) as error:
        sso_environment(ENVIRON, {name: value})
    assert error.value.path == name


def test_a_console_for_everybody_is_no_restriction():
    assert sso_environment(ENVIRON, {"ui_access_mode": "all"}) == ENVIRON
