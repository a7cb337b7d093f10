"""The bodies of the routes of models' access groups, with the contract's names."""

import msgspec

__all__ = ["NewModelGroupRequest", "UpdateModelGroupRequest"]


class UpdateModelGroupRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which models a group has: all deployments of some names, or, if any is given, those of some ids."""

    model_names: list[str] | None = None
    model_ids: list[str] | None = None


class NewModelGroupRequest(UpdateModelGroupRequest, frozen=True, kw_only=True):
    """`POST /access_group/new`."""

    access_group: str
