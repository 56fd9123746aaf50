"""The keys of config.yml as tables, one for each section."""

from collections.abc import Iterator
from types import NoneType
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from callagent_cli.cli.reference.page import Table
from callagent_cli.config.effective import shown
from callagent_cli.config.secrets import Secrets
from callagent_cli.config.settings import Settings

_HEADINGS = ("key", "default", "meaning")


def config_tables() -> list[Table]:
    """A table for the keys at the top, one for each section, one for the environment."""
    top: list[tuple[str, ...]] = []
    tables: list[Table] = []
    for name, _, value in _fields(Settings()):
        match value:
            case BaseModel() if name == "services":
                tables += [
                    _table(f"services.{key}", inner)
                    for key, _, inner in _fields(value)
                    if isinstance(inner, BaseModel)
                ]
            case BaseModel():
                tables.append(_table(name, value))
            case _:
                top.append((name, shown(value), Settings.model_fields[name].description or ""))
    return [Table(_HEADINGS, top), *tables, _environment()]


def _environment() -> Table:
    rows = [(name.upper(), "", info.description or "") for name, info in _of(Secrets)]
    return Table(_HEADINGS, rows, "environment")


def _table(title: str, section: BaseModel) -> Table:
    return Table(_HEADINGS, list(_rows(section, f"{title}.")), title)


def _rows(section: BaseModel, prefix: str) -> Iterator[tuple[str, ...]]:
    for name, info, value in _fields(section):
        key = f"{prefix}{info.alias or name}"
        if isinstance(value, BaseModel):
            if NoneType in get_args(info.annotation):
                yield (key, "as below", info.description or "null: none")
            yield from _rows(value, f"{key}.")
        else:
            yield (key, shown(value), info.description or "")


def _fields(section: BaseModel) -> Iterator[tuple[str, FieldInfo, object]]:
    for name, info in _of(type(section)):
        yield name, info, getattr(section, name)


def _of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    return ((name, info) for name, info in model.model_fields.items() if not info.exclude)
