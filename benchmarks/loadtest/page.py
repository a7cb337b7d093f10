"""Writes results into a page of the documentation, between two marks."""

from pathlib import Path

__all__ = ["write_results"]

_BEGIN = "<!-- results: written by benchmarks/load.py, do not edit -->"
_END = "<!-- end of results -->"


def write_results(page: Path, text: str) -> None:
    """Replace what stands between the marks; raises ValueError for a page without them."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for results: a line '{_BEGIN}' and a line '{_END}'.")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
