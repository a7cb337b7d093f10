import pytest

from gateway.errors import ConfigError

BASE = {"PROXY_BASE_URL": "https://gateway.example.com"}


def client(prefix: str, **more: str) -> dict[str, str]:
    return {f"{prefix}_CLIENT_ID": "id", f"{prefix}_CLIENT_SECRET": "secret", **BASE, **more}


def test_without_a_client_there_is_no_provider(load):
    assert load("").sso is None


PROVIDERS = {
    "google": (client("GOOGLE"), "https://accounts.google.com", "sub"),
    "microsoft": (
        client("MICROSOFT", MICROSOFT_TENANT="t-1"),
        "https://login.microsoftonline.com/t-1/v2.0",
        "oid",
    ),
    "okta": (client("OKTA", OKTA_ISSUER="https://acme.okta.com"), "https://acme.okta.com", "sub"),
    "keycloak": (
        client("KEYCLOAK", KEYCLOAK_ISSUER="https://kc.example.com/realms/main"),
        "https://kc.example.com/realms/main",
        "sub",
    ),
    "generic": (client("GENERIC", GENERIC_ISSUER="https://idp"), "https://idp", "preferred_username"),
    "github": (client("GITHUB"), "", "id"),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_is_read(name, load):
    environ, issuer, id_claim = PROVIDERS[name]

    sso = load("", environ).sso

    assert (sso.provider, sso.issuer, sso.id_claim) == (name, issuer, id_claim)
    assert (sso.client_id, sso.client_secret.reveal()) == ("id", "secret")
    assert bool(sso.endpoints) is not bool(issuer)


@pytest.mark.parametrize(("said", "trusts"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_addresses_are_trusted_where_the_operator_says_so(said, trusts, load):
    environ = client("GENERIC", GENERIC_ISSUER="https://idp", SSO_TRUST_EMAIL=said)

    assert load("", environ).sso.trusts_addresses is trusts
    assert load("", client("GITHUB", SSO_TRUST_EMAIL=said)).sso.trusts_addresses is True
    with pytest.raises(ConfigError) as caught:
        load("", client("GENERIC", GENERIC_ISSUER="https://idp", SSO_TRUST_EMAIL="perhaps"))
    assert caught.value.path == "SSO_TRUST_EMAIL"


def test_the_generic_provider_has_litellms_variables(load):
    names = ("AUTHORIZATION_ENDPOINT", "TOKEN_ENDPOINT", "USERINFO_ENDPOINT")
    endpoints = {f"GENERIC_{name}": f"https://idp/{name.lower()}" for name in names}
    attributes = {
        "GENERIC_SCOPE": "openid",
        "GENERIC_USER_ID_ATTRIBUTE": "uid",
        "GENERIC_USER_EMAIL_ATTRIBUTE": "mail",
        "GENERIC_USER_ROLE_ATTRIBUTE": "rank",
        "ALLOWED_EMAIL_DOMAINS": "Example.com,b.org",
        "PROXY_ADMIN_ID": "boss",
    }

    sso = load("", client("GENERIC", **endpoints, **attributes)).sso

    assert sso.endpoints == tuple(endpoints.values())
    assert (sso.scope, sso.id_claim, sso.email_claim, sso.role_claim) == ("openid", "uid", "mail", "rank")
    assert (sso.allowed_domains, sso.admin_id) == (frozenset({"example.com", "b.org"}), "boss")


WRONG = {
    "GOOGLE_CLIENT_SECRET": {"GOOGLE_CLIENT_ID": "id", **BASE},
    "MICROSOFT_TENANT": client("MICROSOFT"),
    "PROXY_BASE_URL": {"GOOGLE_CLIENT_ID": "id", "GOOGLE_CLIENT_SECRET": "secret"},
    "GENERIC_AUTHORIZATION_ENDPOINT": client("GENERIC"),
    "GENERIC_ISSUER": client("GENERIC", GENERIC_ISSUER="idp"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_missing_or_wrong_is_named(name, load):
    with pytest.raises(ConfigError, match=name):
        load("", WRONG[name])


@pytest.mark.parametrize("tenant", ["common", "Organizations", "consumers", "a/b"])
def test_a_tenant_of_everybody_is_refused(tenant, load):
    with pytest.raises(ConfigError, match="MICROSOFT_TENANT"):
        load("", client("MICROSOFT", MICROSOFT_TENANT=tenant))
