"""What the database says of the identity provider, laid over the variables of the environment."""

from collections.abc import Mapping

from gateway.errors import ConfigError
from gateway.settings.sso import PROVIDERS

__all__ = ["STORED_VARIABLES", "UNSUPPORTED", "check_supported", "sso_environment", "stored_name"]

STORED_VARIABLES: Mapping[str, str] = {
    "google_client_id": "GOOGLE_CLIENT_ID",
    "google_client_secret": "GOOGLE_CLIENT_SECRET",
    "microsoft_client_id": "MICROSOFT_CLIENT_ID",
    "microsoft_client_secret": "MICROSOFT_CLIENT_SECRET",
    "microsoft_tenant": "MICROSOFT_TENANT",
    "generic_client_id": "GENERIC_CLIENT_ID",
    "generic_client_secret": "GENERIC_CLIENT_SECRET",
    "generic_authorization_endpoint": "GENERIC_AUTHORIZATION_ENDPOINT",
    "generic_token_endpoint": "GENERIC_TOKEN_ENDPOINT",
    "generic_userinfo_endpoint": "GENERIC_USERINFO_ENDPOINT",
    "generic_scope": "GENERIC_SCOPE",
    "proxy_base_url": "PROXY_BASE_URL",
    "user_email": "PROXY_ADMIN_EMAIL",
}
"""The members of the stored settings, with the variable that says the same."""

UNSUPPORTED: Mapping[str, str] = {
    **dict.fromkeys(
        ("saml_idp_metadata_url", "saml_idp_metadata_xml", "saml_sp_entity_id", "saml_allow_unsolicited"),
        "This gateway does not speak SAML.",
    ),
    "ui_access_mode": "There is no console whose access could be restricted; leave it out, or say 'all'.",
    "role_mappings": "Roles come from the claim that GENERIC_USER_ROLE_ATTRIBUTE names.",
    "team_mappings": "Teams come from SCIM, or from claims of tokens.",
}
"""Members that would restrict or give something and have no effect here, with why they are refused."""

_EVERYBODY = "all"
_CLIENTS = frozenset(f"{name}_CLIENT_ID" for name in PROVIDERS)
_ENDPOINTS = frozenset(
    {"GENERIC_AUTHORIZATION_ENDPOINT", "GENERIC_TOKEN_ENDPOINT", "GENERIC_USERINFO_ENDPOINT"}
)


def check_supported(stored: Mapping[str, object]) -> None:
    """Raise ConfigError for a member that says something, and could not be acted on."""
    for name, reason in UNSUPPORTED.items():
        value = stored.get(name)
        if value and not (name == "ui_access_mode" and value == _EVERYBODY):
            raise ConfigError(reason, path=name)


def sso_environment(environ: Mapping[str, str], stored: Mapping[str, object]) -> dict[str, str]:
    """The variables with what is stored in their place.

    A stored client id names the provider: those of the environment count no more. So does not
    `GENERIC_ISSUER` beside stored endpoints. Raises ConfigError for members that could not be acted on.
    """
    check_supported(stored)
    said = {
        STORED_VARIABLES[name]: str(value)
        for name, value in stored.items()
        if name in STORED_VARIABLES and value
    }
    aside = set(_CLIENTS) if _CLIENTS & said.keys() else set[str]()
    if _ENDPOINTS & said.keys():
        aside.add("GENERIC_ISSUER")
    return {**{name: value for name, value in environ.items() if name not in aside}, **said}


def stored_name(variable: str) -> str:
    """The member that says what a variable says; the name itself where there is none."""
    return next((name for name, other in STORED_VARIABLES.items() if other == variable), variable)
