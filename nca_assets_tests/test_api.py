"""The front door: a dozen names that cost nothing to import, whose documentation is true."""

import doctest
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import nca_assets as nca
from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.warehouse.collections import freeze
from nca_assets_tests import api_document
from nca_assets_tests.conftest import labelled_shards

KEYS = [ShardKey("set1", 0), ShardKey("set2", 0), ShardKey("set2", 1)]
"""With a rollout of the test split."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    with labelled_shards(tmp_path_factory.mktemp("api"), KEYS) as data:
        freeze("few", "FROM labels LIMIT 3", data)
        yield data


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_it_loads_none_of_the_libraries_behind_it() -> None:
    loaded = run("import nca_assets, sys; print(*sys.modules)").split()
    assert not {"torch", "dagster", "numpy", "polars", "duckdb", "pydantic"} & set(loaded)


@pytest.mark.slow
def test_a_program_needs_neither_dagster_nor_the_cloud() -> None:
    """As where they are not installed."""
    refused = "dagster dagster_webserver obstore fsspec upath ray huggingface_hub dagster_postgres dagster_k8s"
    code = f"""
import sys
sys.modules.update(dict.fromkeys({refused.split()}))
import pkgutil, importlib
import nca_assets as nca
for package in ("automaton", "vocabulary", "shards", "labels", "warehouse", "loading", "tasks"):
    home = importlib.import_module(f"nca_assets.{{package}}")
    for module in pkgutil.walk_packages(home.__path__, f"{{home.__name__}}."):
        if module.name != "nca_assets.automaton.fused":  # it needs Triton
            importlib.import_module(module.name)
for name in nca.__all__:
    getattr(nca, name)
print("all there")
"""
    assert run(code) == "all there\n"


def test_it_has_the_names_that_it_says() -> None:
    assert set(nca.__all__) <= set(dir(nca))
    assert all(getattr(nca, name) for name in nca.__all__)
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        nca.opne  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018


def test_the_document_is_made_of_the_docstrings() -> None:
    """Else: python -m nca_assets_tests.api_document."""
    assert api_document.FILE.read_text() == api_document.document()


def documented() -> list[tuple[str, object]]:
    found = [(name, getattr(nca, name)) for name in nca.__all__]
    return found + [(f"{name}.{of}", member) for name, value in found for of, member in api_document.members(value)]


EXAMPLES = [(name, value) for name, value in documented() if ">>>" in (inspect.getdoc(value) or "")]


@pytest.mark.parametrize(("name", "value"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_the_examples_run(
    name: str,  # noqa: ARG001
    value: object,
    folder: DataFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    known = {"nca": nca, "data": nca.open(str(folder)), "torch": torch}
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(value) or ""):
        exec(example.source.replace('"data")', f'"{folder}")'), known)


def test_functions_and_methods_have_examples_and_whole_signatures() -> None:
    for name, value in documented():
        function = api_document.function_of(value)
        if inspect.isfunction(function) and not name.startswith(("Batch.", "RolloutId.", "Stream.")):
            kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
            assert inspect.Parameter.VAR_KEYWORD not in kinds, name
            assert function.__doc__, name


def test_a_rollout_is_the_same_from_its_shard_its_recipe_and_without_a_dataset(folder: DataFolder) -> None:
    data = nca.open(str(folder))
    [stored] = [rollout for rollout in data.rollouts() if str(rollout.id) == "set2/000005"]
    np.testing.assert_array_equal(stored.tokens, data.simulate("set2/000005"))
    np.testing.assert_array_equal(stored.tokens, nca.simulate("set2/000005", data.centroids, frames=140))
    assert nca.measure(np.asarray(stored.tokens))["token_entropy"] == stored.labels["token_entropy"]


def test_a_folder_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(nca.NcaError, match="holds no dataset"):
        nca.open(str(tmp_path))
    with pytest.raises(nca.NcaError, match="129 frames or more"):
        nca.classify(np.zeros((3, 8, 8), np.uint8))
    with pytest.raises(nca.NcaError, match="card's sets are set1, set2, set3"):
        nca.simulate("life/000001", None)  # pyright: ignore[reportArgumentType]
