import json

import msgspec
import pytest

from gateway.domain import Role
from gateway.errors import ConfigError
from gateway.settings.jwt import ClaimFields, JwtIssuer, JwtSettings
from gateway.settings.jwt_section import FIELD_READERS, JWT_READERS

ISSUER = {"issuer": "https://idp.example.com/", "audience": "gateway"}


def config(*issuers: object, **members: object) -> str:
    section = {"enable_jwt_auth": True, "litellm_jwtauth": {**members, "issuers": list(issuers or (ISSUER,))}}
    return json.dumps({"general_settings": section})


def test_without_the_switch_nothing_is_read(load):
    assert load("general_settings: {litellm_jwtauth: {no_such_key: 1}}").jwt is None
    assert load("general_settings: {enable_jwt_auth: false}").jwt is None


def test_an_issuer_has_its_discovery_document_and_the_general_fields(load):
    settings = load(config(user_id_jwt_field="sub", team_id_jwt_field="t")).jwt

    assert settings.issuers == (
        JwtIssuer(
            issuer="https://idp.example.com/",
            key_urls=("https://idp.example.com/.well-known/openid-configuration",),
            audience="gateway",
            fields=ClaimFields(user_id="sub", team_id="t"),
        ),
    )


def test_an_issuers_own_fields_replace_the_general_ones(load):
    entry = {**ISSUER, "jwks_url": "https://keys.example.com/jwks", "team_id_jwt_field": "sub"}
    [issuer] = load(config(entry, user_id_jwt_field="sub", team_id_jwt_field="t")).jwt.issuers

    assert issuer.key_urls == ("https://keys.example.com/jwks",)
    assert (issuer.fields.user_id, issuer.fields.team_id) == ("sub", "sub")


def test_the_environment_names_the_general_provider(load):
    environ = {
        "JWT_PUBLIC_KEY_URL": "https://a.example.com/jwks, https://b.example.com/jwks",
        "JWT_AUDIENCE": "gateway",
        "JWT_ISSUER": "https://a.example.com",
    }
    settings = load("general_settings: {enable_jwt_auth: true}", environ).jwt

    assert settings.key_urls == ("https://a.example.com/jwks", "https://b.example.com/jwks")
    assert (settings.audience, settings.issuer) == ("gateway", "https://a.example.com")


def test_every_setting_is_read(load):
    members = {
        "leeway": 30,
        "public_key_ttl": "5m",
        "public_key_stale_ttl": 60,
        "admin_jwt_scope": "boss",
        "admin_allowed_routes": ["/key/*"],
        "team_allowed_routes": ["/v1/chat/completions"],
        "team_id_default": "t",
        **dict.fromkeys(("team_id_upsert", "user_id_upsert", "upsert_sso_user_to_team"), True),
        "user_email_jwt_field": "email",
        "user_roles_jwt_field": "roles",
        "roles_jwt_field": "roles",
        "user_allowed_email_domain": "Example.com",
        "user_allowed_roles": ["basic"],
        "enforce_rbac": True,
        "role_mappings": [{"role": "api", "internal_role": "team"}],
        "jwt_litellm_role_map": [{"jwt_role": "admin-*", "litellm_role": "proxy_admin"}],
        "sync_user_role_and_teams": True,
        "scope_mappings": [{"scope": "s", "models": ["m"], "routes": ["/x"]}],
        **dict.fromkeys(("enforce_scope_based_access", "enforce_team_based_model_access"), True),
        **dict.fromkeys(("team_claim_fallback", "fallback_to_db_teams"), True),
        "unregistered_jwt_client_behavior": "reject",
        "virtual_key_mapping_cache_ttl": 60,
    }
    settings = load(config(**members)).jwt

    defaults = msgspec.structs.asdict(JwtSettings())
    unread = {name for name, value in msgspec.structs.asdict(settings).items() if value == defaults[name]}
    assert unread == {"key_urls", "audience", "issuer"}
    assert settings.user_allowed_email_domain == "example.com"
    assert settings.role_mappings[0].internal_role is Role.TEAM
    assert set(members) - set(FIELD_READERS) == set(JWT_READERS)


def test_the_section_wins_over_the_general_word(load):
    text = json.loads(config(unregistered_jwt_client_behavior="reject"))
    text["general_settings"]["unregistered_jwt_client_behavior"] = "auto_register"

    assert load(json.dumps(text)).jwt.unregistered_client == "reject"


WRONG = {
    "no provider": ('{"general_settings": {"enable_jwt_auth": true}}', "JWT_PUBLIC_KEY_URL"),
    "no audience": (config({"issuer": "https://a"}), "disable_audience_validation"),
    "both": (config({**ISSUER, "disable_audience_validation": True}), "disable_audience_validation"),
    "no issuer": (config({"audience": "a"}), "'issuer'"),
    "an issuer twice": (config(ISSUER, ISSUER), "two entries"),
    "an issuer that is no address": (config({"issuer": "idp", "audience": "a"}), "http(s)"),
    "keys in a file": (config({**ISSUER, "jwks_url": "file:///etc/keys"}), "http(s)"),
    "an unknown key": (config(user_id_jwt_fild="sub"), "Did you mean 'user_id_jwt_field'"),
    "an unknown key of an issuer": (config({**ISSUER, "audiense": "a"}), "Did you mean 'audience'"),
    "code": (config(custom_validate="a.b"), "no code"),
    "user info": (config(oidc_userinfo_enabled=True), "not supported"),
    "roles without a place": (config(user_allowed_roles=["a"]), "user_roles_jwt_field"),
    "a domain without a place": (config(user_allowed_email_domain="example.com"), "user_email_jwt_field"),
    "a domain that is an address": (
        config(user_allowed_email_domain="a@example.com", user_email_jwt_field="e"),
        "Expected a domain",
    ),
    "mappings without a place": (
        config(role_mappings=[{"role": "a", "internal_role": "team"}]),
        "roles_jwt_field",
    ),
    "an object of no kind": (config(object_id_jwt_field="oid"), "role_mappings"),
    "scopes that map nothing": (config(enforce_scope_based_access=True), "scope_mappings"),
    "a role that is none": (
        config(roles_jwt_field="r", role_mappings=[{"role": "a", "internal_role": "king"}]),
        "fixed choice",
    ),
    "half a mapping": (
        config(roles_jwt_field="r", role_mappings=[{"role": "a"}]),
        "'internal_role' is missing",
    ),
    "an empty path": (config(user_id_jwt_field=" "), "path of a claim"),
    "a behaviour that is none": (config(unregistered_jwt_client_behavior="guess"), "fixed choice"),
}


@pytest.mark.parametrize("case", WRONG)
def test_refused_is(case, load):
    text, said = WRONG[case]

    with pytest.raises(ConfigError) as caught:
        load(text)

    assert said in str(caught.value)


def test_addresses_of_the_environment_are_checked(load):
    with pytest.raises(ConfigError, match="JWT_PUBLIC_KEY_URL"):
        load("general_settings: {enable_jwt_auth: true}", {"JWT_PUBLIC_KEY_URL": "ftp://a"})


def test_what_is_switched_off_need_not_be_supported(load):
    assert load(config(oidc_userinfo_enabled=False)).jwt is not None
