"""YAML 1.2: words stay words, and a repeated key is refused.

PyYAML reads YAML 1.1, in which `no` is false, `010` is eight, `1:30` is ninety and `1e-4` is text.
Here plain values are read as in YAML 1.2's core schema. Written texts have quotes where either
version would take them for something else.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import yaml

from optical_core.errors import InputError


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core: null, true and false, whole numbers, floats; all else is text."""

    yaml_implicit_resolvers: ClassVar[dict[str, list]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Construct a mapping.

        Raises:
            InputError: a key comes twice.
        """
        seen = set()
        for key, _ in node.value:
            entry = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if entry and entry in seen:
                line = key.start_mark.line + 1
                raise InputError(f"line {line}: {key.value!r} is there twice in one mapping")
            seen.add(entry)
        return super().construct_mapping(node, deep)


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


for _tag, _form, _first in (
    ("bool", r"(true|True|TRUE|false|False|FALSE)", "tTfF"),
    ("int", r"([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)", "-+0123456789"),
    (
        "float",
        r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)"
        r"|\.(nan|NaN|NAN))",
        "-+0123456789.",
    ),
    ("null", r"(~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"{_form}\Z"), list(_first)
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _whole)


def read_yaml(text: str, where: str) -> Any:
    """Parse a YAML text.

    Args:
        text: the YAML.
        where: the error begins with it.

    Raises:
        InputError: it is no YAML, or a key comes twice.
    """
    try:
        return _Loader(text).get_single_data()
    except InputError as error:
        raise InputError(f"{where}, {error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{where}{line}: this is no YAML") from error


class _Dumper(yaml.SafeDumper):
    """Texts of several lines are written as such."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out: there are no anchors."""
        return True


def _written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _written)
for _first, _found in _Loader.yaml_implicit_resolvers.items():
    for _tag, _pattern in _found:
        _Dumper.add_implicit_resolver(_tag, _pattern, [_first])


def write_yaml(content: Any) -> str:
    """Write mappings, lists, texts and numbers as YAML.

    Examples:
        >>> print(write_yaml({"name": "no", "note": "one\\ntwo"}), end="")
        name: 'no'
        note: |-
          one
          two
    """
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
