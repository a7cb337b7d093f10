"""The bodies of the mapping routes, with the contract's names."""

import msgspec

__all__ = ["DeleteMappingRequest", "NewMappingRequest", "UpdateMappingRequest"]


class NewMappingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /jwt/key/mapping/new`: the claim, and the key itself (`key`) or its hash (`token`)."""

    jwt_claim_name: str
    jwt_claim_value: str
    key: str | None = None
    token: str | None = None
    jwt_issuer: str | None = None
    description: str | None = None


class UpdateMappingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /jwt/key/mapping/update`: only what is sent changes."""

    id: str
    key: str | None = None
    token: str | None = None
    jwt_issuer: str | None = None
    description: str | None = None
    is_active: bool | None = None


class DeleteMappingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /jwt/key/mapping/delete`."""

    id: str
