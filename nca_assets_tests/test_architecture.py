"""Imports point downward: the science never imports dagster, and loading the definitions is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nca_assets

PACKAGE = Path(nca_assets.__file__).parent

LAYERS = [
    {"errors", "progress", "text", "versions"},
    {"bucket", "storage"},
    {"files", "seal"},
    {"versioned"},
    {"naming"},
    {"remedies", "settings"},
    {"automaton"},
    {"vocabulary"},
    {"shards"},
    {"labels"},
    {"warehouse"},
    {"loading"},
    {"figures"},
    {"tasks"},
    {"publishing"},
    {"assets", "automation", "definitions"},
    {"cli"},
]
"""From the bottom up: a module may import its own layer and those above it in this list."""

DAGSTER_HALF = {"assets", "automation", "definitions"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(module: Path) -> str:
    first = module.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(module: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def layer(part: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if part in layer)


@pytest.mark.parametrize("module", modules(), ids=lambda m: str(m.relative_to(PACKAGE)))
def test_imports_point_downward(module: Path) -> None:
    if module == PACKAGE / "__init__.py":
        assert not imported(module)
        return
    names = imported(module)
    if part_of(module) not in DAGSTER_HALF:
        assert not {name for name in names if name.split(".")[0].startswith("dagster")}
    for name in names:
        if name.startswith("nca_assets."):
            assert layer(name.split(".")[1]) <= layer(part_of(module)), f"{module} imports {name}"


@pytest.mark.parametrize("package", [p.parent for p in modules() if p.name == "__init__.py"], ids=lambda p: p.name)
def test_each_package_says_what_belongs_there_and_does_nothing_else(package: Path) -> None:
    tree = ast.parse((package / "__init__.py").read_text())
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


def test_the_automaton_does_not_import_dagster() -> None:
    code = "import sys, pkgutil, importlib, nca_assets.automaton as a\n"
    code += "[importlib.import_module(f'nca_assets.automaton.{m.name}') for m in pkgutil.iter_modules(a.__path__)]\n"
    assert not loaded_by(code, {"dagster"})


def test_the_definitions_do_not_import_heavy_libraries() -> None:
    assert not loaded_by("import sys, nca_assets.definitions\n", {"torch", "sklearn", "matplotlib", "polars", "duckdb"})


def loaded_by(code: str, names: set[str]) -> set[str]:
    code += "print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return names & set(done.stdout.split())
