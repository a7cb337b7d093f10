"""The bodies and queries of the routes of requests for models."""

import msgspec

__all__ = ["DecideRequest", "ModelRequest", "ModelRequestQuery"]


class ModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /user/request_model`: which models, and why; an administrator may say whom for."""

    models: list[str]
    justification: str
    user_id: str | None = None


class DecideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /user/approve_request` and `/user/disapprove_request`."""

    request_id: str


class ModelRequestQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /user/get_requests`."""

    status: str = ""
    user_id: str = ""
    page: int = 1
    page_size: int = 50
