"""Calls of real models, from the configuration to the nano-dollar."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.catalog import PriceBook, compute_charge
from gateway.catalog.deployments import build_deployment
from gateway.catalog.price_snapshot import PriceSnapshot
from gateway.domain import Charge, Usage
from gateway.settings import Environment, ModelEntry, Settings

_CASES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("charges.json").read_text(encoding="utf-8")
)
_SETTINGS = Settings(environment=Environment(data_dir=Path("unused")))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_a_call_costs_what_its_provider_lists(case: dict[str, Any]) -> None:
    entry = ModelEntry(
        model_name="m",
        litellm_params={
            "model": case["model"],
            "api_key": "k",
            "api_base": "https://a.example",
            **case.get("params", {}),
        },
        model_info=case.get("info", {}),
    )
    at = datetime.fromisoformat(case.get("at", "2026-11-21T12:00:00+00:00"))
    now_nanos = int(at.timestamp()) * 1_000_000_000
    book = PriceBook(PriceSnapshot())

    deployment = build_deployment(entry, _SETTINGS, book, {}, now_nanos=now_nanos).deployment
    charge = compute_charge(deployment.price, msgspec.convert(case["usage"], Usage))

    assert charge == msgspec.convert(case["charge"], Charge)
