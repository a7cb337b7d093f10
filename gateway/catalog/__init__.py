"""Models, deployments, credentials and prices as one immutable snapshot that is replaced whole."""

from gateway.catalog.builder import build_catalog
from gateway.catalog.catalog import Catalog
from gateway.catalog.estimate import (
    Estimate,
    estimate_charge,
    estimate_output_tokens,
    estimate_prompt_tokens,
)
from gateway.catalog.price_book import PriceBook, load_price_book
from gateway.catalog.pricing import compute_charge

__all__ = [
    "Catalog",
    "Estimate",
    "PriceBook",
    "build_catalog",
    "compute_charge",
    "estimate_charge",
    "estimate_output_tokens",
    "estimate_prompt_tokens",
    "load_price_book",
]
