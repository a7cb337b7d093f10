"""Which models their providers stop serving, and when."""

from collections.abc import Iterable
from datetime import date

from gateway.catalog.catalog import Catalog
from gateway.catalog.listing import Listing

__all__ = ["sort_deprecations"]


def sort_deprecations(
    catalog: Catalog, listings: Iterable[Listing], today: date, warn_within_days: int
) -> dict[str, list[dict[str, object]]]:
    """The models with a date: those past it, those within so many days of it, and the others.

    The soonest first. A date that is none says nothing.
    """
    found: dict[str, list[dict[str, object]]] = {"deprecated": [], "imminent": [], "upcoming": []}
    for one in listings:
        entry = _describe(catalog, one)
        if entry is not None:
            days = (date.fromisoformat(str(entry["deprecation_date"])) - today).days
            kind = "deprecated" if days < 0 else "imminent" if days <= warn_within_days else "upcoming"
            found[kind].append({**entry, "days_until_deprecation": days})
    for entries in found.values():
        entries.sort(key=lambda entry: (str(entry["deprecation_date"]), str(entry["model_id"])))
    return found


def _describe(catalog: Catalog, listing: Listing) -> dict[str, object] | None:
    deployment = listing.deployment
    stated = None if deployment is None else catalog.deprecation_of(deployment)
    if deployment is None or stated is None:
        return None
    try:
        moment = date.fromisoformat(stated)
    except ValueError:
        return None
    return {
        "model_name": listing.public_name,
        "model_id": listing.id,
        "litellm_model": f"{deployment.provider}/{deployment.model}",
        "litellm_provider": deployment.provider,
        "deprecation_date": moment.isoformat(),
    }
