"""The documentation as a reader walks through it: every page can be reached, every link leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/*.md")]
)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def prose_of(page: str) -> str:
    return FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))


def links_of(page: str) -> list[str]:
    return [link for link in LINK.findall(prose_of(page)) if not re.match(r"\w+:", link)]


def anchor_of(heading: str) -> str:
    """The anchor as GitHub makes it: lower case, hyphens for spaces, no other signs."""
    shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")


def target_of(page: str, link: str) -> str:
    path = link.partition("#")[0]
    target = (ROOT / page).parent / path if path else ROOT / page
    return target.resolve().relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_lead_somewhere(page: str) -> None:
    missing = [link for link in links_of(page) if not (ROOT / target_of(page, link)).exists()]

    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_anchors_are_headings(page: str) -> None:
    missing: list[str] = []
    for link in links_of(page):
        _, _, anchor = link.partition("#")
        target = target_of(page, link)
        if anchor and anchor not in {anchor_of(heading) for heading in HEADING.findall(prose_of(target))}:
            missing.append(link)

    assert not missing


def test_every_page_is_in_the_index() -> None:
    listed = {target_of("docs/index.md", link) for link in links_of("docs/index.md")}

    assert {page for page in PAGES if page.startswith("docs/")} - {"docs/index.md"} <= listed


def test_the_readme_leads_to_the_index() -> None:
    assert "docs/index.md" in {target_of("README.md", link) for link in links_of("README.md")}


def test_the_docs_name_only_modules_that_exist() -> None:
    """`gateway/pipeline/inference.py` and the like in the architecture page and for contributors."""
    missing = {
        (page, path)
        for page in ("docs/architecture.md", "CONTRIBUTING.md")
        for path in re.findall(r"`((?:gateway|plugins|tests|benchmarks|\.ci)/[\w./-]*\w)/?`", prose_of(page))
        if not (ROOT / path).exists()
    }

    assert not missing


def test_the_changelog_says_nothing_twice_and_everything_under_a_subject() -> None:
    """Merging two changes likes to leave a line in both places."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = re.findall(r"^- .*(?:\n  .*)*", text, re.MULTILINE)
    before_subjects = text.partition("### Added\n")[2].partition("####")[0]

    assert sorted(entries) == sorted(set(entries))
    assert before_subjects.strip() == ""
