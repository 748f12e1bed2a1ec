"""The examples run as they stand in the documentation, on small data."""

import pytest

from nca_assets_tests.conftest import PROJECT
from nca_assets_tests.end_to_end.conftest import Project

pytestmark = pytest.mark.slow

EXAMPLES = {
    "sample_usage.py": ([], r"batch 1 of"),
    "next_frame.py": (["--steps", "20"], r"test split: .* nats per cell"),
    "anomaly.py": (["--steps", "20"], r"tampered transitions: AUROC [01]\.\d+\nclasses never seen: AUROC [01]\.\d+"),
    "transfer.py": (["--small"], r"rollouts - shuffled: [+-]\d\.\d+ ± \d+\.\d+"),
}


@pytest.fixture(scope="module")
def materialized(tmp_path_factory: pytest.TempPathFactory) -> Project:
    from nca_assets_tests.end_to_end.conftest import clone

    project = clone(tmp_path_factory.mktemp("examples") / "clone", NCA_SHARD_SIZE="64", NCA_FRAMES="140")
    made = project.nca("materialize", "set1-00000", "set2-00000")
    assert made.returncode == 0, made.stderr
    return project


def test_every_example_is_here() -> None:
    assert {file.name for file in (PROJECT / "examples").glob("*.py")} == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(materialized: Project, name: str) -> None:
    import re

    options, says = EXAMPLES[name]
    ran = materialized.python(str(PROJECT / "examples" / name), *options)
    assert ran.returncode == 0, ran.stderr
    assert re.search(says, ran.stdout), ran.stdout
