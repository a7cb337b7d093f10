"""Which of a model's deployments a request may reach: those of its team, in the regions of its end user."""

from collections.abc import Iterable, Sequence

from gateway.catalog.catalog import Catalog
from gateway.catalog.team_models import team_of
from gateway.domain import Deployment, ModelGroup, Principal, ScopeKind, Subject
from gateway.errors import ModelAccessDenied

__all__ = ["default_model_of", "find_group", "is_in_region", "region_refusal"]

_PREFIXES = {"eu": ("eu-", "europe-"), "us": ("us-",)}
_NAMES = {
    "eu": frozenset(
        {
            *("eu", "westeurope", "northeurope", "francecentral", "francesouth", "germanywestcentral"),
            *("germanynorth", "swedencentral", "swedensouth", "polandcentral", "italynorth", "spaincentral"),
        }
    ),
    "us": frozenset(
        {
            *("us", "eastus", "eastus2", "westus", "westus2", "westus3", "centralus", "northcentralus"),
            *("southcentralus", "westcentralus"),
        }
    ),
}
_OUTSIDE = frozenset({"eu-west-2", "eu-central-2", "europe-west2", "europe-west6"})
"""Regions in London and Zurich, whose names begin as if they were in the European Union."""


def find_group(
    catalog: Catalog, name: str, principal: Principal, subjects: Sequence[Subject] = ()
) -> ModelGroup | None:
    """The deployments behind a name that a request may reach; None for a name without any.

    Another team's model does not exist. Raises ModelAccessDenied where only a region is in the way.
    """
    group = catalog.find(name)
    if group is None or not (catalog.has_scoped_models or subjects):
        return group
    if catalog.has_scoped_models:
        group = _keep(group, [one for one in group.deployments if team_of(one) in (None, principal.team_id)])
    if group is None:
        return None
    for subject in subjects:
        if subject.allowed_region is not None:
            return _keep_regions(group, name, subjects)
    return group


def _keep_regions(group: ModelGroup, name: str, subjects: Sequence[Subject]) -> ModelGroup:
    """The deployments in the regions of end users. Raises ModelAccessDenied where there are none."""
    regions = [subject.allowed_region for subject in subjects if subject.allowed_region is not None]
    inside = [one for one in group.deployments if all(is_in_region(one, region) for region in regions)]
    narrowed = _keep(group, inside)
    if narrowed is None:
        raise region_refusal(name, regions[0])
    return narrowed


def default_model_of(subjects: Iterable[Subject]) -> str | None:
    """The model of an end user for where the asked one has no deployment in its region."""
    for subject in subjects:
        if subject.scope.kind is ScopeKind.END_USER and subject.allowed_region is not None:
            return subject.default_model
    return None


def is_in_region(deployment: Deployment, region: str) -> bool:
    """Whether a deployment is in a region; one that does not say where it is, is in none."""
    where, wanted = (deployment.region or "").lower(), region.lower()
    if not where or where in _OUTSIDE:
        return where == wanted != ""
    return where == wanted or where in _NAMES.get(wanted, ()) or where.startswith(_PREFIXES.get(wanted, ()))


def region_refusal(model: str, region: str) -> ModelAccessDenied:
    """Build the refusal of a model that is nowhere in an end user's region."""
    return ModelAccessDenied(
        f"The requested model '{model[:256]}' has no deployment in the region '{region}', and this end user "
        "may be served there only.",
        param="model",
        type="customer_model_access_denied",
    )


def _keep(group: ModelGroup, deployments: list[Deployment]) -> ModelGroup | None:
    if len(deployments) == len(group.deployments):
        return group
    return ModelGroup(group.name, tuple(deployments)) if deployments else None
