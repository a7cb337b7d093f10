from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.settings import yaml_reader
from gateway.settings.faults import Faults
from gateway.settings.node import Node, plain
from gateway.settings.yaml_reader import MAX_DEPTH


def read_yaml_text(text: str, file: str) -> Node:
    faults = Faults()
    root = yaml_reader.read_yaml_text(text, file, faults)
    faults.refuse()
    return root


def read_yaml(path: Path) -> Node:
    faults = Faults()
    root = yaml_reader.read_yaml(path, faults)
    faults.refuse()
    return root


def test_every_value_knows_the_line_of_its_key():
    root = read_yaml_text("a: 1\nb:\n  - x\n  - c: y\n", "file.yaml")
    assert isinstance(root.value, dict)
    items = root.value["b"].value
    assert isinstance(items, list)
    assert (root.value["a"].line, root.value["b"].line, items[0].line) == (1, 2, 3)
    assert isinstance(items[1].value, dict)
    assert items[1].value["c"].line == 4
    assert plain(root) == {"a": 1, "b": ["x", {"c": "y"}]}


def test_a_key_that_stands_twice_is_refused_with_both_lines():
    with pytest.raises(ConfigError, match="first in line 1") as caught:
        read_yaml_text("a: 1\nb: 2\na: 3\n", "file.yaml")
    assert caught.value.line == 3


def test_anchors_and_merge_keys_work_and_own_keys_win():
    text = "base: &b {timeout: 5, rpm: 1}\nuse:\n  <<: *b\n  rpm: 2\nmore:\n  <<: [{rpm: 9}, *b]\n"
    found = plain(read_yaml_text(text, "f"))
    assert found == {
        "base": {"timeout": 5, "rpm": 1},
        "use": {"timeout": 5, "rpm": 2},
        "more": {"rpm": 9, "timeout": 5},
    }


def test_aliases_that_multiply_are_bounded():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match="values"):
        read_yaml_text("\n".join(lines), "f")


def test_merges_of_empty_mappings_that_multiply_are_bounded():
    lines = ["a0: &a0 [{}, {}, {}, {}, {}, {}, {}, {}, {}]"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    lines[0] = "a0: &a0 {}"
    with pytest.raises(ConfigError, match="values"):
        read_yaml_text("\n".join(lines), "f")


def test_a_value_that_contains_itself_is_refused():
    with pytest.raises(ConfigError, match="nested deeper"):
        read_yaml_text("a: &a [*a]", "f")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_without_end_is_refused_with_its_line(opening: str):
    with pytest.raises(ConfigError, match=f"deeper than {MAX_DEPTH}") as caught:
        read_yaml_text("x: 1\ny:\n " + opening * 5000, "f")
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2", "not valid YAML"),
        ("a: *nowhere", "not valid YAML"),
        ("a: !!python/object/apply:os.system [id]", "tag"),
        ("a: !custom x", "tag"),
        ("a: !!set {x, y}", "tag"),
        ("a: !!binary aGk=", "tag"),
        ('a: "\\ud800"', "surrogate"),
        ('a: "\\0"', "zero byte"),
        ('"\\0": a', "zero byte"),
        ("a: .nan", "finite"),
        ("a: .inf", "finite"),
        ("? [a]\n: 1", "plain text"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("a: \x01", "not valid YAML"),
        ("a: !!int x", "cannot be read"),
        ("a: " + "9" * 5000, "cannot be read"),
        ("<<: 3", "takes a mapping"),
        ('a: "\\UFFFFFFFF"', "not valid YAML"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        read_yaml_text(text, "f")


def test_dates_and_odd_keys_are_texts():
    found = plain(read_yaml_text("version: 2024-10-21\n404: no\ntrue: 1.5\n", "f"))
    assert found == {"version": "2024-10-21", "404": False, "true": 1.5}


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path):
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"a: 1\nb: \xe4\n")
    with pytest.raises(ConfigError, match="UTF-8") as caught:
        read_yaml(path)
    assert caught.value.line == 2


def test_a_byte_order_mark_does_no_harm(tmp_path: Path):
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert plain(read_yaml(path)) == {"a": 1}


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_yaml(path)
