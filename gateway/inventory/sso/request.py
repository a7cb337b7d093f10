"""The body of changing the settings of the identity provider, with the contract's names."""

import msgspec

__all__ = ["SsoRequest"]


class SsoRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /update/sso_settings`: what is sent changes, null or an empty text takes a member away."""

    google_client_id: str | None = None
    google_client_secret: str | None = None
    microsoft_client_id: str | None = None
    microsoft_client_secret: str | None = None
    microsoft_tenant: str | None = None
    generic_client_id: str | None = None
    generic_client_secret: str | None = None
    generic_authorization_endpoint: str | None = None
    generic_token_endpoint: str | None = None
    generic_userinfo_endpoint: str | None = None
    generic_scope: str | None = None
    saml_idp_metadata_url: str | None = None
    saml_idp_metadata_xml: str | None = None
    saml_sp_entity_id: str | None = None
    saml_allow_unsolicited: str | None = None
    proxy_base_url: str | None = None
    user_email: str | None = None
    ui_access_mode: str | dict[str, object] | None = None
    role_mappings: dict[str, object] | None = None
    team_mappings: dict[str, object] | None = None

    __repr__ = object.__repr__
