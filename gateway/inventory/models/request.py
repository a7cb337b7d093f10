"""The bodies of the routes of models."""

import msgspec

__all__ = ["BlockModelRequest", "DeleteModelRequest", "NewModelRequest", "UpdateModelRequest"]


class NewModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /model/new`."""

    model_name: str
    litellm_params: dict[str, object]
    model_info: dict[str, object] | None = None
    blocked: bool | None = None

    __repr__ = object.__repr__


class UpdateModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /model/update`, which names the model in `model_info.id`, and `PATCH /model/{id}/update`."""

    model_name: str | None = None
    litellm_params: dict[str, object] | None = None
    model_info: dict[str, object] | None = None
    blocked: bool | None = None

    __repr__ = object.__repr__


class BlockModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /model/block` and `/model/unblock`."""

    model_id: str


class DeleteModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /model/delete`."""

    id: str
