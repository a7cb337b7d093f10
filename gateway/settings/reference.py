"""Write the tables of known keys into the documentation (`python -m gateway.settings.reference PAGE`)."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from gateway.settings.known.deployment import OPEN_PREFIXES, UNSENT_PREFIXES
from gateway.settings.known_keys import (
    CREDENTIAL_ITEM,
    MODEL_INFO,
    MODEL_ITEM,
    MODEL_PARAMS,
    RETRY_POLICY,
    SECTIONS,
    TOP,
    KnownKey,
    Standing,
)

__all__ = ["main", "render_page", "render_section"]

_BLOCK = re.compile(r"(<!-- keys: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_NAMES = {
    "top": TOP,
    "model_item": MODEL_ITEM,
    "litellm_params": MODEL_PARAMS,
    "model_info": MODEL_INFO,
    "credential_item": CREDENTIAL_ITEM,
    "retry_policy": RETRY_POLICY,
    "general_settings": "general_settings",
    "litellm_settings": "litellm_settings",
    "router_settings": "router_settings",
}
"""The name that a page uses for each section."""


def render_page(text: str) -> str:
    """The page with every block between `<!-- keys: NAME -->` and `<!-- end -->` written anew.

    Raises KeyError for a name that is no section.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}\n{render_section(_NAMES[found[2]])}\n{found[3]}", text)


def render_section(section: str) -> str:
    """The keys of one section as Markdown, those that have an effect first."""
    keys = SECTIONS[section].values()
    parts = [_table(key for key in keys if key.standing is Standing.SUPPORTED)]
    if section == MODEL_PARAMS:
        families = ", ".join(f"`{prefix}*`" for prefix in OPEN_PREFIXES if prefix not in UNSENT_PREFIXES)
        unsent = ", ".join(f"`{prefix}*`" for prefix in UNSENT_PREFIXES)
        parts.append(f"Families of keys that are taken without a list: {families}.\n")
        parts.append(f"Families that are not supported yet, and never sent upstream: {unsent}.\n")
    refused = [key for key in keys if key.standing is Standing.REFUSED]
    if refused:
        parts.append("Refused, because ignoring them would open what they close:\n\n" + _list(refused))
    without = [key for key in keys if key.standing is Standing.NO_EFFECT]
    if without:
        parts.append("Accepted without effect:\n\n" + _list(without))
    unsupported = [key for key in keys if key.standing is Standing.UNSUPPORTED]
    if unsupported:
        names = ", ".join(f"`{key.name}`" for key in sorted(unsupported, key=lambda key: key.name))
        parts.append(f"Not supported yet, named once at the start: {names}.\n")
    return "\n".join(parts)


def _table(keys: Iterable[KnownKey]) -> str:
    rows = [f"| `{key.name}` | {key.note} |" for key in keys]
    return "\n".join(["| key | meaning |", "|---|---|", *rows]) + "\n"


def _list(keys: Iterable[KnownKey]) -> str:
    return "".join(f"- `{key.name}`{_values(key)}{f': {key.note}' if key.note else ''}\n" for key in keys)


def _values(key: KnownKey) -> str:
    if not key.refused_values:
        return ""
    code = " or a Python name" if key.is_code_refused else ""
    return f" with {', '.join(f'`{value}`' for value in sorted(key.refused_values))}{code}"


def main(arguments: list[str]) -> int:
    """Write the tables into the pages that are named."""
    for name in arguments:
        page = Path(name)
        page.write_text(render_page(page.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
