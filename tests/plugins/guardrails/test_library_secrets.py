"""All that the library detect-secrets finds is found, though it is not shown all texts."""

import importlib
import inspect
import pkgutil
from typing import Any

import msgspec
import pytest
from detect_secrets import plugins
from detect_secrets.plugins.base import BasePlugin
from detect_secrets.plugins.ip_public import IPPublicDetector
from detect_secrets.plugins.keyword import KeywordDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from gateway_guardrails.detectors import DEFAULT_KINDS, KINDS
from gateway_guardrails.library_detectors import LIBRARY_DETECTORS, LibraryDetector
from gateway_guardrails.library_sources import ENTROPY_KINDS, SOURCES
from gateway_guardrails.linear import LinearPattern
from gateway_guardrails.secret_finder import SecretFinder
from gateway_guardrails.supersets import superset
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.guardrails.make_secret_corpus import make_secrets

_EXAMPLES = 30 if settings.default.max_examples <= 100 else 2_000
FINDER = SecretFinder(DEFAULT_KINDS)


UNCHECKED = [
    LibraryDetector(msgspec.structs.replace(source, check=bool, core=None), pattern, group)
    for source in SOURCES
    for pattern, group in source.list_patterns()
]
"""The detectors without what the gateway knows better than the library."""


def texts_of(detector: LibraryDetector) -> st.SearchStrategy[tuple[LibraryDetector, str]]:
    texts = st.from_regex(detector.pattern, fullmatch=False)
    return st.tuples(st.just(detector), texts.filter(lambda text: " " * 9 not in text))


@pytest.mark.hypothesis
@settings(max_examples=_EXAMPLES)
@given(st.sampled_from(UNCHECKED).flatmap(texts_of))
def test_whatever_a_plugin_of_the_library_finds_is_found(made: tuple[LibraryDetector, str]) -> None:
    detector, text = made
    assert detector.pattern.search(text)
    assert LinearPattern(detector.hint).is_in(text), detector.kind
    assert LinearPattern(superset(detector.pattern)).is_in(text), detector.kind
    # The library reads lines; how random a quoted text has to be, this one is not asked.
    asked: Any = [{detector.pattern: 0}] if isinstance(detector.plugin, KeywordDetector) else []
    lines = [line for line in text.split("\n") if len(line) < 1_000]
    if detector.kind not in ENTROPY_KINDS and any(
        True for line in lines for _ in detector.plugin.analyze_string(line, *asked)
    ):
        assert list(detector.find(text)), detector.kind


def list_plugins() -> set[type[BasePlugin]]:
    modules = [
        importlib.import_module(f"{plugins.__name__}.{one.name}")
        for one in pkgutil.iter_modules(plugins.__path__)
    ]
    found = {item for module in modules for item in vars(module).values() if inspect.isclass(item)}
    return {item for item in found if issubclass(item, BasePlugin) and not inspect.isabstract(item)}


def test_every_plugin_of_the_library_is_asked() -> None:
    """Public addresses are no credentials; of private keys the library finds the first line alone."""
    asked = {type(detector.plugin) for detector in LIBRARY_DETECTORS}
    assert list_plugins() - asked == {IPPublicDetector, PrivateKeyDetector}
    for pattern in PrivateKeyDetector.denylist:
        head = pattern.pattern
        text = f"{head}: x\nEncryption: none\n" if head.startswith("PuTTY") else f"-----{head}-----\nMIIE"
        assert [kind for kind, _, _ in FINDER.find(text)] == ["private_key"], head


@pytest.mark.parametrize("kind", KINDS)
def test_the_library_and_the_finder_agree_on_every_kind(kind: str) -> None:
    finder = SecretFinder((kind,))
    for before, value, after in make_secrets(kind):
        text = f"First line\n{before}{value}{after}\nlast line"
        start = text.index(value, len("First line\n") + len(before))
        assert finder.find(text) == [(kind, start, start + len(value))], text


def test_nothing_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins verify what they find in `analyze_line`, by the services whose credentials these are."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(BasePlugin, "analyze_line", refuse)
    monkeypatch.setattr("requests.sessions.Session.request", refuse)
    texts = ["".join(parts) for kind in DEFAULT_KINDS for parts in make_secrets(kind)]
    assert all(FINDER.find(text) for text in texts)


def test_a_payload_that_is_nested_to_no_end_is_no_token() -> None:
    nested = "eyJhbGciOiJIUzI1NiJ9." + "W1tb" * 50_000
    assert FINDER.find(f"{nested}.sig") == []
