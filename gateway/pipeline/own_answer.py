"""What the gateway answers in the place of a model, where a policy says so."""

from gateway.domain import Deployment, ModelGroup, Price, PriceTier

__all__ = ["answering_itself"]

_FREE = Price(tiers=(PriceTier(input=0, output=0),))


def answering_itself(group: ModelGroup, message: str) -> ModelGroup:
    """A model that says the message, in the shape that the caller asked for, and costs nothing."""
    own = Deployment(
        id="policy",
        group=group.name,
        provider="mock",
        model=group.deployments[0].model,
        urls={},
        price=_FREE,
        mock_response=message,
    )
    return ModelGroup(group.name, (own,))
