"""The bodies of the invitation and onboarding routes, with the contract's names."""

import msgspec

__all__ = ["ClaimInvitation", "DeleteInvitation", "NewInvitation", "UpdateInvitation"]


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /invitation/new`."""

    user_id: str


class UpdateInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /invitation/update`."""

    invitation_id: str
    is_accepted: bool


class DeleteInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /invitation/delete`."""

    invitation_id: str


class ClaimInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /onboarding/claim_token`: the invitation, whose it is, and the password that is chosen."""

    invitation_link: str
    user_id: str
    password: str
