"""The documentation is true: commands run, numbers hold, dependencies are explained."""

import hashlib
import json
import re
import shlex
import subprocess
import tomllib
from math import isqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from nca_assets.automaton.compiled import hidden_states, simulate
from nca_assets.automaton.fixed_point import STATE_ONE
from nca_assets.automaton.philox import draw_words
from nca_assets.automaton.population import FAMILY_SHARES, Population
from nca_assets.automaton.recipe import draw_initial_state, draw_rule
from nca_assets.automaton.shape import draw_shape
from nca_assets.labels.schema import CLASSES, CURVE_COLUMNS, LABEL_COLUMNS, Column
from nca_assets.settings import OWNERS
from nca_assets.shards.manifest import rollout_digest
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION, VOCABULARY_VERSION
from nca_assets.vocabulary.centroids import digest
from nca_assets_tests.automaton import integer_reference
from nca_assets_tests.automaton.families.test_plain import worst_plain_rule
from nca_assets_tests.automaton.integer_families import recipe
from nca_assets_tests.automaton.integer_philox import philox
from nca_assets_tests.conftest import PROJECT
from nca_assets_tests.end_to_end.conftest import Project, clone

README = (PROJECT / "README.md").read_text()
SPEC = (PROJECT / "docs" / "SPEC.md").read_text()
LABELS = (PROJECT / "docs" / "LABELS.md").read_text()
ARCHITECTURE = (PROJECT / "docs" / "ARCHITECTURE.md").read_text()
OPERATIONS = (PROJECT / "docs" / "OPERATIONS.md").read_text()
WITH_COMMANDS = [
    README,
    OPERATIONS,
    *((PROJECT / "docs" / f"{n}.md").read_text() for n in ("TRAINING", "FIGURES", "PUBLISHING")),
]
BLOCKS = re.findall(r"```(console|python)\n(.+?)```", "".join(WITH_COMMANDS), re.DOTALL)


EXAMPLE = 36
"""The rollout of set1 that section 8 of the specification follows step by step."""


def worked_example(centroids: torch.Tensor) -> dict[str, object]:
    """The long example of section 8, computed by the package."""
    key, rule = (1, EXAMPLE), draw_rule(Population(1), EXAMPLE)
    tokens = simulate(rule, centroids, 500)
    states = list(hidden_states(rule, 500))
    cell = [state[0, 0] for state in states]
    scalars = rule.scalars
    units = (centroids * STATE_ONE).int().numpy()
    return {
        "words 0 to 7 of stream 1": draw_words(key, stream=1, step=0, cells=2).flatten().tolist(),
        "words taken": words_taken(1, EXAMPLE),
        "height, width": list(rule.shape),
        "family": scalars.family,
        "r, L, k": [scalars.residual_shift, scalars.leak, scalars.noise_shift],
        "F": list(rule.fields),
        "W1[0] at the center tap": rule.weights_in[0, :, 1, 1].tolist(),
        "W1[2, 0]": rule.weights_in[2, 0].flatten().tolist(),
        "W1[3, 15]": rule.weights_in[3, 15].flatten().tolist(),
        "sums of W1 by unit": rule.weights_in.sum(axis=(1, 2, 3)).tolist(),
        "W2[0] at the center tap": rule.weights_out[0, :, 1, 1].tolist(),
        "W2[1] at the center tap": rule.weights_out[1, :, 1, 1].tolist(),
        "B2": rule.bias_out.tolist(),
        "words of stream 3, cell 0, block 0": draw_words(key, stream=3, step=0, cells=1)[0].tolist(),
        "state at frame 0": cell[0].tolist(),
        **first_step(states[0]),
        "state at frame 1": cell[1].tolist(),
        "state at frame 499": cell[499].tolist(),
        "sums of the centroids with that state": (units @ cell[499].astype(int)).tolist(),
        "tokens of row 0 at frame 499": tokens[499, 0].tolist(),
        "digest of the rollout": rollout_digest(tokens),
        "digest of the centroids": digest(centroids),
    }


def first_step(state: np.ndarray) -> dict[str, list[int]]:
    """What lies between the states of frames 0 and 1 in cell 0, by the implementation from the specification."""
    spec = recipe(1, EXAMPLE)
    state = state.transpose(2, 0, 1).astype(np.int64)
    sums = integer_reference.convolve(state, spec.w1, spec.b1)
    hidden = np.clip(integer_reference.round_half_even(sums, 64), -1024, 1024)
    update = integer_reference.convolve(hidden, spec.w2, spec.b2) - spec.leak * state
    words = philox((4, 1, 0, 0), (1, EXAMPLE))
    return {
        "W1 * S + 1024 B1 at frame 0": sums[:, 0, 0].tolist(),
        "H": hidden[:, 0, 0].tolist(),
        "U": update[:, 0, 0].tolist(),
        "noise e at frame 1": [2 * (word >> shift & 255) - 255 for word in words for shift in (0, 8, 16, 24)],
    }


def words_taken(seed: int, index: int) -> int:
    return recipe(seed, index).words


def example_of_a_family(index: int, centroids: torch.Tensor) -> list[str]:
    """A row of the table of section 8: a rollout of set1, computed by the package."""
    rule = draw_rule(Population(1), index)
    scalars, start = rule.scalars, rule.start
    arrays = rule.weights_in, rule.bias_in, rule.weights_out, rule.bias_out

    def beginning(*arrays: np.ndarray) -> str:
        return hashlib.sha256(b"".join(array.astype("<i2").tobytes() for array in arrays)).hexdigest()[:12]

    return [
        f"`{scalars.family}`",
        str(index),
        f"{scalars.height} x {scalars.width}",
        f"{scalars.residual_shift}, {scalars.leak}, {scalars.noise_shift}",
        f"{start.kind} {start.patch}, {start.density}, {len(start.seeds)}, {len(start.marks)}",
        str(words_taken(1, index)),
        ", ".join(str(array.sum()) for array in arrays),
        ", ".join(str(np.abs(array).sum()) for array in arrays),
        beginning(*arrays),
        beginning(draw_initial_state(rule)),
        rollout_digest(simulate(rule, centroids, 120))[:12],
    ]


def test_each_familys_example_is_what_the_package_computes(centroids: torch.Tensor) -> None:
    table = SPEC.split("## 8. Worked examples")[1].split("```json")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines() if re.match(r"\| `\w+` \|", row)]
    assert rows == [example_of_a_family(int(row[1]), centroids) for row in rows]
    assert {row[0] for row in rows} == {f"`{name}`" for name, _ in FAMILY_SHARES}


@pytest.mark.slow
def test_the_worked_example_is_what_the_package_computes(centroids: torch.Tensor) -> None:
    block = re.search(r"## 8\. Worked examples.*?```json\n(.+?)```", SPEC, re.DOTALL)
    assert block
    assert json.loads(block[1]) == worked_example(centroids)


def test_the_specification_lists_the_learned_centroids(centroids: torch.Tensor) -> None:
    """With them a third party needs no machine learning to get the tokens."""
    block = re.search(r"## 9\. The learned centroids.*?```\n(.+?)```", SPEC, re.DOTALL)
    assert block
    listed = [[int(number) for number in line.split()] for line in block[1].splitlines()]
    assert listed == (centroids * STATE_ONE).int().tolist()


def test_the_specification_has_the_present_version_families_and_bound() -> None:
    assert f"Recipe version **{RECIPE_VERSION}**" in SPEC
    assert f"(vocabulary version {VOCABULARY_VERSION})" in SPEC
    assert f"largest possible value {worst_plain_rule().largest_sum():,}" in SPEC
    listed = re.findall(r"\| `(\w+)` \| (\d+) \| ", SPEC.split("**Family**")[1].split("###")[0])
    assert sorted(listed) == sorted((name, str(share)) for name, share in FAMILY_SHARES)


def test_the_specification_tells_how_cells_per_frame_are_distributed() -> None:
    """Over all blocks of 5 million rollouts of a set; which side is the longer one makes no difference."""
    cells = np.array([np.prod(shape_of_block(block)) for block in range(1_666_000 // 32)])
    assert (round(cells.mean()), np.median(cells)) == (723, 483)
    few, many = (sliding_window_view(cells, blocks) for blocks in (64, 1000))
    assert np.abs(few.mean(axis=1) / cells.mean() - 1).max() < 0.11
    assert np.abs(np.median(few, axis=1) / np.median(cells) - 1).max() < 0.10
    assert np.abs(many.mean(axis=1) / cells.mean() - 1).max() < 0.01
    assert shape_of_block(17) in (draw_shape(Population(1), 17 * 32), draw_shape(Population(1), 17 * 32)[::-1])
    assert "mean 723 and median 483" in SPEC
    assert "to within 11 and 10 %, and the mean in any 1,000 to within 1 %" in SPEC


FIRST_U, FIRST_V = draw_words((1, 0), stream=0, step=0, cells=1)[0, :2].tolist()


def shape_of_block(block: int) -> tuple[int, int]:
    """The longer and the shorter side of set1's rollouts in ``block``, by the text of the specification."""
    u, v = (FIRST_U + 49471 * block) % 2**16, (FIRST_V + 37345 * block) % 2**16
    side = 8 + isqrt(u**3) * 41 // 2**24
    widest = min(32, 1536 // side - 32, 4 * side - 32)
    stretch = 32 + v * (widest + 1) // 2**16
    return (side * stretch + 16) // 32, (32 * side + stretch // 2) // stretch


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone with small shards, otherwise as the README finds it."""
    return clone(tmp_path_factory.mktemp("readme") / "clone", NCA_SHARD_SIZE="16", NCA_FRAMES="140")


EXAMPLES = {
    "examples/sample_usage.py": r"batch 1 of",
    "examples/next_frame.py": r"test split: .* nats per cell",
    "examples/anomaly.py": r"tampered transitions: AUROC [01]\.\d+\nclasses never seen: AUROC [01]\.\d+",
    "examples/transfer.py": r"rollouts - shuffled: [+-]\d\.\d+ ± \d+\.\d+",
}
"""What each of them says."""


def test_every_example_is_in_the_documents() -> None:
    assert {file.relative_to(PROJECT).as_posix() for file in PROJECT.glob("examples/*.py")} == EXAMPLES.keys()
    run = {shlex.split(command)[1] for _, block in BLOCKS for command in commands(block) if "python" in command}
    assert run == EXAMPLES.keys()


@pytest.mark.each_share
@pytest.mark.long
def test_every_command_and_program_of_the_documents_runs_in_order(newcomer: Project) -> None:
    """Each once; all but make's, whose recipes are checked to exist; 'make demo' has a test of its own."""
    ran: set[str] = set()
    for kind, block in BLOCKS:
        if kind == "python":
            done = newcomer.python("-c", block)
            assert done.returncode == 0, f"{block}\n{done.stderr}"
            assert done.stdout.strip()
            continue
        for command in commands(block):
            if command not in ran:
                done = run_as_documented(newcomer, shlex.split(command))
                assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            ran.add(command)


def commands(block: str) -> list[str]:
    return re.findall(r"^\$ (.+)$", block, re.MULTILINE)


def run_as_documented(project: Project, words: list[str]) -> subprocess.CompletedProcess[str]:
    match words:
        case ["make", *rest]:
            return project.run("make", "--dry-run", *rest)
        case [".venv/bin/nca", *arguments]:
            return project.nca(*arguments)
        case [".venv/bin/python", example, *options]:
            done = project.python(example, *options)
            assert re.search(EXAMPLES[example], done.stdout), done.stdout + done.stderr
            return done
    raise AssertionError(f"no way to run {words[0]}")


def test_the_readme_names_every_setting_and_its_default() -> None:
    for name, field in (item for owner in OWNERS for item in owner.model_fields.items()):
        row = re.search(rf"\| `NCA_{name.upper()}` \| (.+?) \| (.+?) \|", README)
        assert row, name
        if name != "threads":
            assert row[1].strip("`") == (str(field.default) or "none").lower()


@pytest.mark.parametrize(("heading", "columns"), [("labels`", LABEL_COLUMNS), ("the curves", CURVE_COLUMNS)])
def test_the_label_documentation_is_the_schema(heading: str, columns: tuple[Column, ...]) -> None:
    table = LABELS.split(f"## Columns of {'`' if heading.endswith('`') else ''}{heading}")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert rows == [(column.name, column.type, column.description) for column in columns]


def test_the_label_documentation_has_the_present_version_and_classes() -> None:
    assert f"Label version **{LABEL_VERSION}**" in LABELS.replace("\n", " ")
    assert tuple(re.findall(r"^\| `(\w+)` \|", LABELS.split("## Classes")[1].split("## ")[0], re.MULTILINE)) == CLASSES


EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def installed(extra: str) -> list[str]:
    """What an extra brings itself, beside other extras."""
    return [dependency for dependency in EXTRAS[extra] if not dependency.startswith("nca-assets[")]


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    names = {
        re.split(r"[<>=\[]", dependency)[0]
        for dependency in [*project["dependencies"], *installed("platform"), *installed("s3"), *installed("scale")]
    }
    table = ARCHITECTURE.split("## Dependencies")[1]
    explained = {name for row in re.findall(r"^\| ([a-z].+?) \|", table, re.MULTILINE) for name in row.split(", ")}
    assert names - {"pydantic"} == explained - {"package"}


def test_the_changelog_has_the_present_version_with_a_date() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    sections = re.findall(r"^## (.+)$", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", sections[1])


def test_links_lead_somewhere() -> None:
    for document in [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document}: {target}"


def test_the_constraints_pin_what_the_project_needs() -> None:
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in read_pins()}
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    needed = {*project["dependencies"], *(name for extra in EXTRAS for name in installed(extra))}
    assert {re.split(r"[<>=\[]", dependency)[0] for dependency in needed} <= pinned


def read_pins() -> list[str]:
    lines = Path(PROJECT / "constraints.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(("target", "extras"), [("demo", "platform,s3"), ("test", "dev")])
def test_the_demo_installs_the_platform_and_tests_add_the_rest(target: str, extras: str) -> None:
    # As if nothing were installed yet.
    planned = subprocess.run(
        ["make", "--dry-run", "--always-make", target], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    installs = [line for line in planned.splitlines() if "pip install" in line]
    assert installs[-1].endswith(f"--editable '.[{extras}]'")
    assert ("[dev]" in planned) == (target == "test")


def test_the_platform_needs_no_package_for_tests_or_other_machines() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    platform = [*project["dependencies"], *installed("platform"), *installed("s3")]
    rest = [*installed("dev"), *installed("scale")]
    names = [{re.split(r"[<>=\[;]", dependency)[0].strip() for dependency in group} for group in (platform, rest)]
    assert not names[0] & names[1]
    assert {"ray", "triton", "grain", "datasets", "pytest"} <= names[1]
