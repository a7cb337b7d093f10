"""What becomes of a model's members when it is made or changed."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from gateway.catalog.stored_rows import AUTHOR, OPERATOR, TENANT, is_of_tenant
from gateway.errors import PermissionDenied
from gateway.identity.faults import Faults
from gateway.identity.values import check_text
from gateway.ids import new_id
from gateway.inventory.masking import mask_params
from gateway.inventory.models.permits import CHANGE_MODEL, MAKE_MODEL
from gateway.inventory.models.request import NewModelRequest, UpdateModelRequest
from gateway.inventory.models.rules import check_tenants_fields
from gateway.inventory.models.team_links import PUBLIC_NAME
from gateway.inventory.sealed import merge_members

__all__ = [
    "NewModel",
    "build_new",
    "change_name",
    "check_is_tenants",
    "check_tenants_update",
    "without_masked",
]

_Members = dict[str, Any]


class NewModel(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a model to be, decrypted."""

    model_id: str
    name: str
    params: _Members
    info: _Members

    __repr__ = object.__repr__


def build_new(request: NewModelRequest, *, is_admins: bool) -> NewModel:
    """The model of a request; a team's gets an internal name, as in LiteLLM, beside its public one.

    Raises BadRequest for a name that is none, PermissionDenied for members that are the operator's.
    """
    params, info = merge_members({}, request.litellm_params), merge_members({}, request.model_info or {})
    _check_name(request.model_name)
    if not is_admins:
        check_tenants_fields(MAKE_MODEL, params, info, [] if request.blocked is None else ["blocked"])
    model_id, name = str(info.get("id") or new_id()), request.model_name
    if info.get("team_id") is not None:
        name = f"model_name_{info['team_id']}_{model_id}"
        info[PUBLIC_NAME] = request.model_name
    author = OPERATOR if is_admins and info.get(AUTHOR) != TENANT else TENANT
    info |= {"id": model_id, "db_model": True, AUTHOR: author}
    return NewModel(model_id=model_id, name=name, params=params, info=info)


def change_name(stored_name: str, former: Mapping[str, object], info: _Members, sent: str | None) -> str:
    """The name of a changed model, and in `info` its public one; raises BadRequest for what is no name."""
    if sent is not None:
        _check_name(sent)
    public = former.get(PUBLIC_NAME)
    if info.get("team_id") is None:
        info.pop(PUBLIC_NAME, None)
        return sent or (public if isinstance(public, str) else stored_name)
    if former.get("team_id") is None and AUTHOR not in info:
        info[AUTHOR] = OPERATOR
    if sent is not None or not isinstance(info.get(PUBLIC_NAME), str):
        info[PUBLIC_NAME] = sent or stored_name
    if info["team_id"] == former.get("team_id"):
        return stored_name
    return f"model_name_{info['team_id']}_{info.get('id') or new_id()}"


def without_masked(sent: Mapping[str, object], stored: Mapping[str, object]) -> dict[str, object]:
    """What was sent, without secrets that came back as they were shown."""
    masked = mask_params(stored)
    return {
        name: value
        for name, value in sent.items()
        if name not in masked or value != masked[name] or stored[name] == value
    }


def check_is_tenants(info: Mapping[str, object]) -> None:
    """Raise PermissionDenied for a model that the operator wrote, or may have written.

    It holds the operator's credential, which another address would lead away.
    """
    if info.get(AUTHOR) != TENANT or not is_of_tenant(info):
        raise PermissionDenied("A proxy admin wrote this model; it is not the team's to change.")


def check_tenants_update(
    info: Mapping[str, object], params: Collection[str], request: UpdateModelRequest
) -> None:
    """Raise PermissionDenied for what a team's administrator cannot change of such a model.

    `params` names what is stored of `litellm_params`. A null takes a member away, which is a change as well:
    a model without its team would be everybody's, and one without its author the operator's.
    """
    check_is_tenants(info)
    sent, sent_params = request.model_info or {}, request.litellm_params or {}
    changed = [name for name, value in sent.items() if value != info.get(name)]
    changed_params = [name for name, value in sent_params.items() if value is not None or name in params]
    others = [] if request.blocked is None else ["blocked"]
    check_tenants_fields(CHANGE_MODEL, changed_params, changed, others)


def _check_name(name: str) -> None:
    faults = Faults()
    check_text(faults, "model_name", name)
    faults.refuse()
