"""How one deployment is chosen among those that could answer."""

import random
from collections.abc import Sequence

from gateway.domain import Deployment

__all__ = ["choose_by_weight", "lowest_order"]


def lowest_order(deployments: Sequence[Deployment]) -> Sequence[Deployment]:
    """Return those with the lowest `order`: the others are only asked when these fail."""
    first = min(deployment.order for deployment in deployments)
    return [deployment for deployment in deployments if deployment.order == first]


def choose_by_weight(deployments: Sequence[Deployment], source: random.Random) -> Deployment:
    """LiteLLM's `simple-shuffle`: in proportion to `weight`; where none has one, to `rpm`, else to `tpm`.

    Where some have the number and others do not, those without it are not chosen. Without any numbers each
    is as likely as the others.
    """
    for weights in (
        [deployment.weight for deployment in deployments],
        [deployment.rpm for deployment in deployments],
        [deployment.tpm for deployment in deployments],
    ):
        total = sum(weight or 0 for weight in weights)
        if total > 0:
            return _spin(deployments, weights, source.random() * total)
    return deployments[int(source.random() * len(deployments))]


def _spin(deployments: Sequence[Deployment], weights: Sequence[float | None], at: float) -> Deployment:
    chosen = deployments[0]
    for deployment, weight in zip(deployments, weights, strict=True):
        if not weight:
            continue
        chosen = deployment
        at -= weight
        if at < 0:
            break
    return chosen
