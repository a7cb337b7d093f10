import re
from pathlib import Path

import msgspec
import pytest

import gateway.settings
from gateway.settings import GatewrightSettings, LimitSettings
from gateway.settings.known_keys import SECTIONS
from gateway.settings.own_section import COST_READERS, LIMIT_READERS, OWN_READERS, PLUGIN_READERS
from gateway.settings.reference import main, render_page, render_section

PAGE = Path(gateway.settings.__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_what_the_tables_say():
    text = PAGE.read_text("utf-8")
    assert render_page(text) == text, "run: python -m gateway.settings.reference docs/configuration.md"


def test_the_page_has_every_section():
    blocks = re.findall(r"<!-- keys: (\S+) -->", PAGE.read_text("utf-8"))
    assert len(blocks) == len(set(blocks)) == len(SECTIONS)


@pytest.mark.parametrize("section", list(SECTIONS))
def test_every_known_key_is_named(section: str):
    rendered = render_section(section)
    assert [name for name in SECTIONS[section] if f"`{name}`" not in rendered] == []


def test_a_stale_table_is_written_anew(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- keys: credential_item -->\nstale\n<!-- end -->\nafter\n")
    assert main([str(page)]) == 0
    text = page.read_text()
    assert "stale" not in text
    assert "`credential_name`" in text
    assert (text.startswith("before\n"), text.endswith("after\n")) == (True, True)


def test_the_page_has_every_key_of_our_own_with_its_default():
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|[^|]+\|$", PAGE.read_text("utf-8"), re.MULTILINE))
    groups = {"plugins": PLUGIN_READERS, "limits": LIMIT_READERS, "openai_costs": COST_READERS}
    wanted = set(OWN_READERS) - set(groups)
    wanted |= {f"{group}.{name}" for group, readers in groups.items() for name in readers}
    assert set(rows) == wanted
    defaults = {**msgspec.structs.asdict(GatewrightSettings())}
    defaults |= {f"limits.{name}": value for name, value in msgspec.structs.asdict(LimitSettings()).items()}
    numbers = {name: float(text) for name, text in rows.items() if text.replace(".", "").isdigit()}
    # An amount of money has another unit on the page.
    amounts = {"redis_allowance_nanos"}
    assert numbers == {
        name: value
        for name, value in defaults.items()
        if isinstance(value, int | float) and name not in amounts
    }
