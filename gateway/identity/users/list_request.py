"""The queries of the routes that list users, with the contract's names."""

import msgspec

__all__ = ["UserChoiceQuery", "UserListQuery"]


class UserListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /user/list`; `user_ids`, `sso_user_ids` and `organization_ids` are separated by commas."""

    role: str = ""
    user_ids: str = ""
    sso_user_ids: str = ""
    user_email: str = ""
    search: str = ""
    team: str = ""
    organization_ids: str = ""
    page: int = 1
    page_size: int = 25
    sort_by: str = ""
    sort_order: str = "asc"


class UserChoiceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /user/filter/ui`: a part of the id, of the address, or of either."""

    user_id: str = ""
    user_email: str = ""
    search: str = ""
    team_id: str = ""
    page: int = 1
    page_size: int = 50
