"""How one deployment is chosen among those that could answer."""

import random
from collections.abc import Sequence

from gateway.domain import Deployment

__all__ = ["choose_by_weight", "lowest_order"]


def lowest_order(deployments: Sequence[Deployment]) -> Sequence[Deployment]:
    """Return those with the lowest `order`: the others are only asked when these fail."""
    first = deployments[0].order
    for deployment in deployments:
        if deployment.order != first:
            first = min(item.order for item in deployments)
            return [item for item in deployments if item.order == first]
    return deployments


def choose_by_weight(deployments: Sequence[Deployment], source: random.Random) -> Deployment:
    """LiteLLM's `simple-shuffle`: in proportion to `weight`; where none has one, to `rpm`, else to `tpm`.

    Where some have the number and others do not, those without it are not chosen. Without any numbers each
    is as likely as the others.
    """
    weight = rpm = tpm = 0.0
    for item in deployments:
        weight += item.weight or 0
        rpm += item.rpm or 0
        tpm += item.tpm or 0
    if weight > 0:
        return _spin(deployments, [item.weight for item in deployments], source.random() * weight)
    if rpm > 0:
        return _spin(deployments, [item.rpm for item in deployments], source.random() * rpm)
    if tpm > 0:
        return _spin(deployments, [item.tpm for item in deployments], source.random() * tpm)
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
