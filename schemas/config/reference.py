"""The page docs/config.md, made from the docstrings of the config: `python -m schemas.config.reference`.

Every key is listed with its type, its default and the reason for it. A test compares the committed page with this.
"""

import ast
import inspect
import sys
import typing
from collections.abc import Iterable, Iterator
from functools import cache
from types import UnionType
from typing import Any, Literal, Union

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas.config import Config

BASIC = {
    "run": "Name it first: everything that a run makes lies there, and the same folder resumes it.",
    "sources": "Without problems there is nothing to curate.",
    "model.name": "Difficulty is measured for a model, so it should be the one that will be trained.",
    "model.url": "A model of useful size runs on a server; the engine in this process is for small ones.",
    "sampling.n": "What a run costs grows with it, and so does how well a pass rate is known.",
    "sampling.max_tokens": "A completion that is cut off counts as wrong, so a model that reasons needs more.",
    "keep.min": "The lower end of the difficulty that is kept, in correct samples of 16.",
    "keep.max": "The upper end: lower it to keep only hard problems.",
    "decontaminate.benchmarks": "Name every benchmark that the trained model will be measured on; the default is none.",
    "train.stages": "How many steps, on which problems and how long: the curriculum of a training run.",
}
"""The keys to learn first, and why each of them."""

HEAD = """# The config

One YAML file is one run. `configs/quickstart.yaml` is an example. Only `run` and `sources` are needed.

Any value can be set from the command line, lists by number:

```bash
goldilocks curate configs/quickstart.yaml --set keep.max=12 --set sources.0.size=24
```

A key that does not exist is rejected with the file, the line and the nearest right name.

`python -m schemas.config.reference > docs/config.md` makes this page from the docstrings of
[schemas/config/](../schemas/config): change the text there.
"""


def write_reference() -> str:
    """The whole page: the basic keys, then every section with all its keys."""
    lines = [HEAD, "## Basic keys", "", "| key | default | why to know it |", "| --- | --- | --- |"]
    for path, why in BASIC.items():
        lines.append(f"| `{path}` | {describe_default(find_field(path))} | {why} |")
    lines += ["", "## Advanced: all keys by section"]
    for path, model in list_sections():
        lines += ["", f"### {path or 'The run'}", "", _join(inspect.getdoc(model)), ""]
        lines += ["| key | type | default | reason |", "| --- | --- | --- | --- |"]
        reasons = read_reasons(model)
        for name, field in model.model_fields.items():
            if name in reasons:
                cells = describe_type(field), describe_default(field), reasons[name]
                lines.append("| " + " | ".join((f"`{name}`", *(cell.replace("|", "\\|") for cell in cells))) + " |")
    return "\n".join(lines) + "\n"


def list_sections(model: type[BaseModel] = Config, path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section with its path, depth first; `[]` marks a list of them. A section used twice is listed once."""
    seen: set[type[BaseModel]] = set()

    def walk(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
        if model in seen:
            return
        seen.add(model)
        yield path, model
        for name, field in model.model_fields.items():
            for inner, many in _find_models(field.annotation):
                yield from walk(inner, f"{path}.{name}".lstrip(".") + "[]" * many)

    return walk(model, path)


def find_field(path: str) -> FieldInfo:
    """The field at a dotted path. Raises KeyError where there is none."""
    model: type[BaseModel] = Config
    *sections, last = path.split(".")
    for name in sections:
        [(model, _)] = _find_models(model.model_fields[name].annotation)
    return model.model_fields[last]


@cache
def read_reasons(model: type[BaseModel]) -> dict[str, str]:
    """Key -> the docstring below it, in one line; keys of a base class among them. A section needs none: its class has
    one.

    Raises ValueError for any other key without a reason.
    """
    [definition] = ast.parse(inspect.getsource(model)).body
    assert isinstance(definition, ast.ClassDef)
    reasons: dict[str, str] = {}
    for base in model.__bases__:
        if issubclass(base, BaseModel) and base.model_fields:
            reasons |= read_reasons(base)
    for node, below in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = below.value if isinstance(below, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                reasons[node.target.id] = _join(text.value)
    for name, field in model.model_fields.items():
        if name not in reasons and not _is_section(field):
            raise ValueError(f"{model.__name__}.{name} has no docstring; write below it why its default is what it is")
    return reasons


def describe_type(field: FieldInfo) -> str:
    """A field's type as a user writes it: words for YAML values, the bounds of a number."""
    return _add_bounds(_name_type(field.annotation), field.metadata)


def describe_default(field: FieldInfo) -> str:
    """The default as YAML has it; a list of sections by what differs from their own defaults."""
    if field.is_required():
        return "required"
    return f"`{_write(field.default)}`"


def _write(value: Any) -> str:
    if isinstance(value, BaseModel):
        set_here = value.model_dump(exclude_defaults=True)
        return "{" + ", ".join(f"{key}: {_write(set_here[key])}" for key in set_here) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_write(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return value if isinstance(value, str) else repr(value)


def _add_bounds(text: str, rules: Iterable[Any]) -> str:
    signs = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
    bounds = [
        f"{sign} {getattr(rule, kind):g}"
        for rule in rules
        for kind, sign in signs
        if getattr(rule, kind, None) is not None
    ]
    return " ".join((text, ", ".join(bounds))).strip()


def _name_type(kind: Any) -> str:
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        rules = [rule for given in inside[1:] for rule in (given.metadata if isinstance(given, FieldInfo) else [given])]
        return _add_bounds(_name_type(inside[0]), rules)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in inside)
    if origin in (Union, UnionType):
        return " or ".join(_name_type(part) for part in inside)
    if origin is tuple:
        return f"list of {_name_type(inside[0])}"
    if origin is dict:
        return "mapping"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "section"
    return {str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null"}[kind]


def _find_models(kind: Any, many: bool = False) -> list[tuple[type[BaseModel], bool]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [(kind, many)]
    many = many or typing.get_origin(kind) is tuple
    return [model for part in typing.get_args(kind) for model in _find_models(part, many)]


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _join(text: str | None) -> str:
    return " ".join((text or "").split())


if __name__ == "__main__":
    sys.stdout.write(write_reference())
