"""The instance's database stops answering for a moment: whatever a run asks it then is asked again."""

from collections import Counter
from typing import Any

import dagster as dg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from nca_assets.errors import TransientError
from nca_assets.orchestration.instance import database
from nca_assets.orchestration.instance.database import retry_while_down
from nca_assets_tests.orchestration.test_chain import run_job

DOWN = OperationalError("SELECT 1", None, Exception("server closed the connection unexpectedly"))

INSTANCE = ("add_run_tags", "fetch_materializations", "get_asset_keys")
RUNS = ("get_cursor_values", "set_cursor_values")
EVENTS = ("get_latest_tags_by_partition",)
"""What our part of a run asks: the instance, its storage of runs, and that of events."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SECONDS_BETWEEN_TRIES", 0.0)


@pytest.mark.slow
@pytest.mark.usefixtures("vocabulary")
@pytest.mark.parametrize(("job", "partition"), [("make_shard", "set1-00000"), ("build_analytics", None)])
def test_a_run_outlives_the_failure_of_each_first_query(
    job: str, partition: str | None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not partition:
        assert run_job(instance, "make_shard", "set1-00000").success
    asked: Counter[str] = Counter()

    def failing_once(name: str, original: Any) -> Any:
        def ask(*arguments: Any, **options: Any) -> Any:
            asked[name] += 1
            if asked[name] == 1:
                raise DOWN
            return original(*arguments, **options)

        return ask

    queries = [(instance, INSTANCE), (instance.run_storage, RUNS)]
    if partition:  # before the tables are built, Dagster itself asks for the versions of their inputs
        queries.append((instance.event_log_storage, EVENTS))
    for owner, names in queries:
        for name in names:
            monkeypatch.setattr(type(owner), name, failing_once(name, getattr(type(owner), name)))
    assert run_job(instance, job, partition).success
    assert {"add_run_tags", "fetch_materializations"} <= {name for name, times in asked.items() if times > 1}


def test_what_the_database_refuses_is_not_asked_again() -> None:
    asked: list[int] = []

    def refused() -> None:
        asked.append(1)
        raise IntegrityError("INSERT", None, Exception("duplicate"))

    with pytest.raises(IntegrityError):
        retry_while_down(refused)
    assert len(asked) == 1


def test_an_outage_that_lasts_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> None:
        raise DOWN

    monkeypatch.setattr(database, "MAX_OUTAGE_S", 0.01)
    with pytest.raises(TransientError, match=r"does not answer \(.*server closed"):
        retry_while_down(down)
