"""The bodies of the routes of credentials."""

import msgspec

__all__ = ["NewCredentialRequest", "UpdateCredentialRequest"]


class NewCredentialRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /credentials`: values, or the model whose values they are to be."""

    credential_name: str
    credential_info: dict[str, object]
    display_name: str | None = None
    credential_values: dict[str, object] | None = None
    model_id: str | None = None

    __repr__ = object.__repr__


class UpdateCredentialRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /credentials/{credential_name}`."""

    credential_info: dict[str, object]
    credential_name: str | None = None
    display_name: str | None = None
    credential_values: dict[str, object] | None = None
    model_id: str | None = None
    credential_values_to_delete: list[str] | None = None

    __repr__ = object.__repr__
