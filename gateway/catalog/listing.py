"""Models as they were written, for showing them: those of the configuration and those of the database."""

from collections.abc import Container, Mapping

import msgspec

from gateway.catalog.added import AddedModels, ModelRow
from gateway.catalog.deployments import BuiltDeployment
from gateway.domain import Deployment
from gateway.settings import ModelEntry

__all__ = ["Listing", "list_models"]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One model. `deployment` is None for one that is not served: `is_blocked`, or `fault` says why.

    `entry` is None for a row that cannot be read. `row` is None for a model of the configuration.
    """

    id: str
    name: str
    entry: ModelEntry | None
    deployment: Deployment | None
    row: ModelRow | None = None
    fault: str = ""
    is_blocked: bool = False
    is_tenants: bool = False

    @property
    def team_id(self) -> str | None:
        """The team that alone may use the model."""
        team = self.entry.model_info.get("team_id") if self.entry is not None else None
        return None if team is None else str(team)

    @property
    def public_name(self) -> str:
        """The name under which callers ask for the model."""
        public = self.entry.model_info.get("team_public_model_name") if self.entry is not None else None
        return public if isinstance(public, str) and public else self.name


def list_models(
    entries: Mapping[str, ModelEntry],
    built: Mapping[str, BuiltDeployment],
    added: AddedModels,
    faults: Mapping[str, str],
    configured: Container[str],
) -> tuple[Listing, ...]:
    """The models in the order in which they are served: first those `configured`, then the database's."""
    rows = {model.row.model_id: model for model in added.models}
    found = [
        Listing(id=identifier, name=entry.model_name, entry=entry, deployment=built[identifier].deployment)
        for identifier, entry in entries.items()
        if identifier in configured
    ]
    for identifier, model in rows.items():
        is_served = identifier in built and identifier not in configured
        found.append(
            Listing(
                id=identifier,
                name=model.row.model_name,
                entry=model.entry,
                deployment=built[identifier].deployment if is_served else None,
                row=model.row,
                fault=faults.get(identifier, ""),
                is_blocked=model.is_blocked,
                is_tenants=model.is_tenants,
            )
        )
    return tuple(found)
