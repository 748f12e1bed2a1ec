"""Imports point downward: the science never imports dagster, and loading the definitions is cheap."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import nca_assets

PACKAGE = Path(nca_assets.__file__).parent

LAYERS = [
    {"errors", "progress", "text", "versions"},
    {"store"},
    {"ids"},
    {"settings"},
    {"automaton"},
    {"description"},
    {"data_folder"},
    {"remedies"},
    {"vocabulary"},
    {"shards"},
    {"labels"},
    {"release"},
    {"warehouse"},
    {"loading"},
    {"figures"},
    {"explorer"},
    {"tasks"},
    {"sequences"},
    {"project"},
    {"api"},
    {"publishing"},
    {"workers"},
    {"orchestration"},
    {"definitions"},
    {"in_process"},
    {"cli"},
]
"""From the bottom up: a module may import its own part and those above it in this list."""

DAGSTER_HALF = {"orchestration", "definitions", "in_process"}


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
    names = imported(module)
    if module == PACKAGE / "__init__.py":  # the front door, which loads what is behind it when it is used
        homes = {f"nca_assets.{home}" for home in nca_assets.HOMES.values()}
        assert names <= homes | {"__future__", "importlib", "typing"}
        return
    if part_of(module) not in DAGSTER_HALF:
        assert not {name for name in names if name.split(".")[0].startswith("dagster")}
    for name in names:
        if name.startswith("nca_assets."):
            part = name.split(".")[1]
            below = layer(part) < layer(part_of(module))
            assert below or part == part_of(module), f"{module} imports {name}"


def test_modules_do_not_import_in_circles() -> None:
    """Not even within a package."""
    known = {".".join(("nca_assets", *m.relative_to(PACKAGE).with_suffix("").parts)): m for m in modules()}
    graph = {name: imported(module) & known.keys() for name, module in known.items()}
    assert list(TopologicalSorter(graph).static_order())


PACKAGES = [module.parent for module in modules() if module.name == "__init__.py" and module.parent != PACKAGE]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_each_package_says_what_belongs_there_and_does_nothing_else(package: Path) -> None:
    tree = ast.parse((package / "__init__.py").read_text())
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


def test_the_automaton_does_not_import_dagster() -> None:
    code = "import sys, pkgutil, importlib, nca_assets.automaton as a\n"
    code += "[importlib.import_module(f'nca_assets.automaton.{m.name}') for m in pkgutil.iter_modules(a.__path__)]\n"
    assert not loaded_by(code, {"dagster"})


def test_workers_load_neither_dagster_nor_torch() -> None:
    """A worker needs nothing of a run, and chooses its device before torch is there."""
    code = "import sys, pkgutil, importlib, nca_assets.workers as w\n"
    code += "[importlib.import_module(f'nca_assets.workers.{m.name}') for m in pkgutil.iter_modules(w.__path__)]\n"
    assert not loaded_by(code, {"dagster", "torch"})


def test_the_definitions_do_not_import_heavy_libraries() -> None:
    assert not loaded_by(
        "import sys, nca_assets.definitions\n", {"torch", "sklearn", "matplotlib", "polars", "duckdb", "sqlglot"}
    )


def loaded_by(code: str, names: set[str]) -> set[str]:
    code += "print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return names & set(done.stdout.split())
