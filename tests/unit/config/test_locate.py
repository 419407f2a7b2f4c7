"""Lines of keys in TOML files."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.config.locate import Key, locate


def paths_of(value: Any, path: Key = ()) -> set[Key]:
    """Every table, key and element below a parsed value."""
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return {(*path, name) for name, _ in children}.union(
        *(paths_of(child, (*path, name)) for name, child in children)
    )


TRICKY = r'''
# fake = 1
top.dotted . "quoted.part" = 1
'single' = "# no = comment"
[table] # [not]
text = """
fake = 1
[fake]
""quotes"" \""""""
literal = \'\'\'
[[fake]]
it's \'\'\'
inline = {a = 1, "b c" = [1, {d = 2}], e = {}}
empty = []
array = [ # comment with ]
  1, "]", # another ]
  [2,
   3],
]
when = 1979-05-27 07:32:00 # a date
[[rows]]
n = 1
[[rows]]
[rows.sub]
x = "a"
[[rows.deep]]
y = true
[ "sp aced" . 'more' ]
z = -inf
'''.replace(r"\'", "'")


def test_every_key_of_a_tricky_document_is_found() -> None:
    """Dotted, quoted and inline keys, arrays of tables, keys in strings and comments."""
    assert set(locate(TRICKY)) == paths_of(tomllib.loads(TRICKY))


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("top", "dotted", "quoted.part"), 'top.dotted . "quoted.part" = 1'),
        (("single",), "'single' = \"# no = comment\""),
        (("table", "literal"), "literal = '''"),
        (("table", "inline", "b c", 1, "d"), 'inline = {a = 1, "b c" = [1, {d = 2}], e = {}}'),
        (("table", "array", 1), '  1, "]", # another ]'),
        (("table", "array", 2, 1), "   3],"),
        (("rows", 0, "n"), "n = 1"),
        (("rows", 1, "sub", "x"), 'x = "a"'),
        (("rows", 1, "deep", 0, "y"), "y = true"),
        (("sp aced", "more", "z"), "z = -inf"),
    ],
)
def test_a_key_is_found_on_its_own_line(key: Key, line: str) -> None:
    """The number leads an editor to the right line."""
    assert TRICKY.splitlines()[locate(TRICKY)[key] - 1] == line


def test_windows_line_ends_count_once() -> None:
    """A file from another system has the same numbers."""
    assert locate("a = 1\r\n\r\n[b]\r\nc = 2\r\n")["b", "c"] == 4


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
values = st.recursive(
    st.integers(0, 9) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def toml_of(value: Any, newline: str) -> str:
    """Render a value; lists are broken over lines."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{quoted(k)} = {toml_of(v, newline)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + "".join(f"{newline}{toml_of(v, newline)}," for v in value) + "]"
    return quoted(value) if isinstance(value, str) else str(value)


def quoted(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f") if text.isascii() else ascii_toml(text)


def ascii_toml(text: str) -> str:
    return '"' + "".join(f"\\U{ord(letter):08X}" for letter in text) + '"'


@given(st.lists(st.dictionaries(names, values, max_size=3), min_size=1, max_size=3))
def test_any_document_is_walked_as_tomllib_walks_it(tables: list[dict[str, Any]]) -> None:
    """Whatever the names and strings hold, the same keys are found, each on a line it stands on."""
    lines = ["# head"]
    where: dict[Key, int] = {}
    for number, table in enumerate(tables):
        lines.append("[[t]] # x = 1")
        for name, value in table.items():
            where["t", number, name] = len("\n".join(lines).split("\n")) + 1
            lines.append(f"{quoted(name)} = {toml_of(value, chr(10))}")
    text = "\n".join(lines)

    found = locate(text)

    assert set(found) == paths_of(tomllib.loads(text))
    assert {key: found[key] for key in where} == where
