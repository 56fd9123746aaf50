"""Safe YAML with places: every value knows its line, and what YAML would quietly misread is said.

Refused: duplicate keys, anchors and aliases, files over 1 MB, tags, anything but a mapping.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from callagent_cli.domain.errors import ConfigError
from callagent_cli.domain.text import one_line

_MOST_BYTES = 1_000_000
_DEEPEST = 50


@dataclass(slots=True)
class YamlFile:
    """values: as nested dicts; lines: dotted key path → line; problems: found while reading;
    raw: dotted key path → the scalar as it is spelled."""

    path: Path
    values: dict[str, object] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def where(self, key: str) -> str:
        """`config.yml:12`, for the key or the nearest one above it."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        line = self.lines.get(key)
        return f"{self.path.name}:{line}" if line else self.path.name


def read_yaml(path: Path) -> YamlFile:
    """Raises ConfigError when the file cannot be read at all; lesser problems are collected."""
    text = _text(path)
    try:
        _refuse_aliases(text, path)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_syntax(path, error), hint=_HINT) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {one_line(str(error))}", hint=_HINT) from None
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply", hint=_HINT) from None
    file = YamlFile(path)
    if node is None:
        return file
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{path}: the file must hold keys and values", hint=_HINT)
    values = _value(node, "", file, 0)
    file.values = values if isinstance(values, dict) else {}
    return file


_HINT = "`callagent config check` shows every problem; README has a sample"


def _text(path: Path) -> str:
    if path.is_dir():
        raise ConfigError(f"{path} is a folder", hint="name the config.yml inside it")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"there is no config file {path}", hint="check --config and $CALLAGENT_CONFIG"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise ConfigError(f"{path} is larger than 1 MB", hint="is it the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8", hint="save it as UTF-8 text") from None
    if "\x00" in text:
        raise ConfigError(f"{path} is not a text file", hint="is it the right file?")
    return text


def _refuse_aliases(text: str, path: Path) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ConfigError(
                f"{path}:{line}: anchors and aliases (& and *) are not allowed",
                hint="write the value out; a text that begins with & or * needs quotes",
            )


def _syntax(path: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
    problem = one_line(error.problem or "not YAML")
    if "\\t" in problem or "tab" in problem:
        problem = "a tab where only spaces are allowed"
    return f"{place}: {problem}"


def _value(node: yaml.Node, key: str, file: YamlFile, depth: int) -> object:
    if depth > _DEEPEST:
        raise ConfigError(f"{file.path} is nested too deeply", hint=_HINT)
    file.lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, key, file, depth)
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(item, f"{key}.{index}", file, depth + 1)
            for index, item in enumerate(node.value)
        ]
    file.raw[key] = node.value
    return _scalar(node, key, file)


def _mapping(node: yaml.MappingNode, key: str, file: YamlFile, depth: int) -> dict[str, object]:
    values: dict[str, object] = {}
    for name_node, value_node in node.value:
        line = name_node.start_mark.line + 1
        if not isinstance(name_node, yaml.ScalarNode):
            file.problems.append(f"{file.path.name}:{line}: a key must be a word")
            continue
        name = name_node.value
        inner = f"{key}.{name}" if key else name
        if name in values:
            first = file.lines[inner]
            file.problems.append(
                f"{file.path.name}:{line}: {inner} stands twice, first on line {first}"
            )
            continue
        file.lines[inner] = line
        values[name] = _value(value_node, inner, file, depth + 1)
    return values


def _scalar(node: yaml.Node, key: str, file: YamlFile) -> object:
    tag, text = node.tag.rpartition(":")[2], str(node.value)
    if getattr(node, "style", None) is None and (trap := _trap(tag, text)):
        file.problems.append(f"{file.where(key)}: {key}: {trap}")
        return text
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        file.problems.append(f"{file.where(key)}: {key}: {one_line(str(error))}")
        return text


def _trap(tag: str, text: str) -> str:
    """What YAML reads otherwise than a person does."""
    if tag == "int" and re.fullmatch(r"[+-]?\d+(:\d+)+", text):
        return f'{text} without quotes is read as a number; write "{text}"'
    if tag == "int" and re.fullmatch(r"\+\d{7,}", text):
        return "a phone number needs quotes, or its + is lost"
    if tag == "int" and re.fullmatch(r"0\d+", text):
        return f'{text} without quotes is read in base 8; write "{text}", or leave out the 0'
    return ""
