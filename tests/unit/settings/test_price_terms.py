"""Discounts and margins in the configuration."""

import pytest

from gateway.errors import ConfigError
from gateway.settings.node import build_node
from gateway.settings.price_terms import Margin, read_discounts, read_margins


def test_shares_are_read_as_parts_per_million():
    assert read_discounts(build_node({"openai": 0.05, "azure": "0.5", "groq": 0}, "d")) == {
        "openai": 50_000,
        "azure": 500_000,
        "groq": 0,
    }


def test_margins_are_shares_or_have_two_parts():
    given = {
        "global": 0.1,
        "openai": {"percentage": 0.08, "fixed_amount": 0.0005},
        "azure": {"fixed_amount": 1, "percentage": None},
    }

    assert read_margins(build_node(given, "m")) == {
        "global": Margin(100_000),
        "openai": Margin(80_000, 500_000),
        "azure": Margin(0, 1_000_000_000),
    }


@pytest.mark.parametrize(
    ("read", "value", "path"),
    [
        (read_discounts, {"openai": 1.01}, "x.openai"),
        (read_discounts, {"openai": -0.1}, "x.openai"),
        (read_discounts, {"openai": True}, "x.openai"),
        (read_discounts, [0.1], "x"),
        (read_margins, {"openai": 101}, "x.openai"),
        (read_margins, {"openai": {"percent": 1}}, "x.openai"),
        (read_margins, {"openai": {"fixed_amount": -1}}, "x.openai.fixed_amount"),
    ],
)
def test_what_is_no_share_names_its_path(read, value, path):
    with pytest.raises(ConfigError) as error:
        read(build_node(value, "x"))

    assert error.value.path == path
