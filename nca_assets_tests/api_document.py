"""``docs/API.md``, made of the docstrings: ``python -m nca_assets_tests.api_document`` writes it anew."""

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nca_assets as nca

FILE = Path(__file__).parent.parent / "docs" / "API.md"

HEAD = """# The public API

`import nca_assets as nca` provides these names and loads nothing until one is used. All other modules may change
without notice. Every example is run by the tests, with `torch` imported and `data = nca.open("data")`.
"""


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class defines itself, or inherits from the dataset's folder."""
    if not inspect.isclass(value) or issubclass(value, BaseException):
        return
    owners = [owner for owner in value.__mro__ if owner.__module__.startswith("nca_assets")]
    for owner in owners:
        for name, member in vars(owner).items():
            if not name.startswith("_") and getattr(member, "__doc__", None) and is_documented(member):
                yield name, member


def is_documented(member: Any) -> bool:
    function = getattr(member, "__func__", getattr(member, "func", getattr(member, "fget", member)))
    return inspect.isfunction(function)


def function_of(member: Any) -> Any:
    return getattr(member, "__func__", getattr(member, "func", getattr(member, "fget", member)))


def heading(name: str, member: Any) -> str:
    if isinstance(member, property) or hasattr(member, "func"):
        return name
    return f"{name}{signature(function_of(member))}"


def signature(function: Any) -> str:
    parameters = inspect.signature(function)
    shown: list[str] = []
    for name, parameter in parameters.parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        if name not in ("self", "cls"):
            shown.append(f"{name}: {parameter.annotation}{default}")
    return f"({', '.join(shown)}) -> {parameters.return_annotation}"


def body(docstring: str) -> str:
    """A docstring as Markdown: its examples as code, its double backquotes as single ones."""
    text = inspect.cleandoc(docstring)
    prose, _, code = text.partition(">>> ")
    lines = [re.sub(r"^(>>> |\.\.\. )", "", line) for line in (f">>> {code}".splitlines() if code else [])]
    example = "\n```python\n" + "\n".join(lines) + "\n```\n" if lines else ""
    return f"{prose.replace('``', '`').strip()}\n{example}"


def document() -> str:
    parts = [HEAD]
    for name in nca.__all__:
        value = getattr(nca, name)
        call = signature(value) if inspect.isfunction(value) else ""
        fields = ""
        if dataclasses.is_dataclass(value) and name in ("Rollout", "RolloutId"):
            fields = f"({', '.join(field.name for field in dataclasses.fields(value))})"
        parts.append(f"## `nca.{name}{call}{fields}`\n\n{body(value.__doc__ or '')}")
        parts += [
            f"### `{heading(f'{name}.{member_name}', member)}`\n\n{body(member.__doc__ or '')}"
            for member_name, member in members(value)
        ]
    return "\n".join(textwrap.dedent(part) for part in parts)


if __name__ == "__main__":
    FILE.write_text(document())
