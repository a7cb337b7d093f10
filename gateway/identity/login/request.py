"""The bodies of the login routes, with the contract's names."""

import msgspec

__all__ = ["ChangePasswordRequest", "LoginRequest"]


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v2/login`: the name, or the address, of a user, and the password."""

    username: str
    password: str


class ChangePasswordRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /user/password/change`."""

    current_password: str
    new_password: str
