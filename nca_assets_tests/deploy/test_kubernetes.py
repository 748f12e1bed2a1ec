"""What is written for Kubernetes is well-formed and agrees with itself, as far as that shows without a cluster."""

import copy
import re
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import kubernetes.client
import pytest
import yaml
from dagster._config import process_config
from dagster._core.instance.config import dagster_instance_config_schema
from dagster_k8s.job import get_user_defined_k8s_config

from nca_assets.definitions import defs
from nca_assets.orchestration.assets.pods import TAG
from nca_assets.settings import OWNERS, Orchestration, load
from nca_assets_tests.conftest import PROJECT

KUBERNETES = PROJECT / "deploy" / "kubernetes"
SCHEMAS = Path(__file__).parent / "schemas"

VALUES = yaml.safe_load((KUBERNETES / "dagster-values.yaml").read_text())
RAY_CLUSTER = yaml.safe_load((KUBERNETES / "ray-cluster.yaml").read_text())
SCHEMA_OF_VALUES = yaml.safe_load((SCHEMAS / "dagster-values.yaml").read_text())
SCHEMA_OF_RAY_CLUSTER = yaml.safe_load((SCHEMAS / "ray-cluster.yaml").read_text())


SCALARS: dict[str, type] = {"str": str, "int": int, "bool": bool, "float": float, "object": object, "datetime": str}


def faults(value: Any, schema: Any, where: str = "") -> Iterator[str]:
    """What in ``value`` is unknown to ``schema``, of another type, or missing from an object of Kubernetes.

    A schema is the name of a type, a list of one schema, or the schemas of an object's keys.
    """
    if isinstance(schema, list):
        yield from _faults_of_list(value, schema[0], where)
    elif isinstance(schema, dict):
        yield from _faults_of_object(value, schema.get, where)
    elif of_list := re.fullmatch(r"list\[(.+)\]", schema):
        yield from _faults_of_list(value, of_list[1], where)
    elif of_dict := re.fullmatch(r"dict[\[(]str, (.+)[\])]", schema):
        yield from _faults_of_object(value, lambda _: of_dict[1], where)
    elif schema in SCALARS:
        wanted = SCALARS[schema]
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted not in (bool, object)):
            yield f"{where}: {value!r} is not of type {schema}"
    else:
        yield from _faults_of_model(value, getattr(kubernetes.client, schema), where)


def _faults_of_list(value: Any, schema: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: {value!r} is not a list"
        return
    for number, item in enumerate(value):
        yield from faults(item, schema, f"{where}[{number}]")


def _faults_of_object(value: Any, schema_of: Callable[[str], Any], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is not an object"
        return
    for key, item in value.items():
        schema = schema_of(key)
        if schema is None:
            yield f"{where}: unknown key {key}"
        else:
            yield from faults(item, schema, f"{where}.{key}")


def _faults_of_model(value: Any, model: Any, where: str) -> Iterator[str]:
    types = {model.attribute_map[field]: kind for field, kind in model.openapi_types.items()}
    yield from _faults_of_object(value, types.get, where)
    if isinstance(value, dict):
        try:
            model(**{field: value.get(key) for field, key in model.attribute_map.items()})
        except ValueError as error:
            yield f"{where}: {error}"


def pods() -> dict[str, Any]:
    groups = RAY_CLUSTER["spec"]["workerGroupSpecs"]
    templates = {"head": RAY_CLUSTER["spec"]["headGroupSpec"], **{group["groupName"]: group for group in groups}}
    return {name: group["template"]["spec"] for name, group in templates.items()}


def containers() -> list[Any]:
    return [container for pod in pods().values() for container in pod["containers"]]


def code_server() -> Any:
    (deployment,) = VALUES["dagster-user-deployments"]["deployments"]
    return deployment


def environment(container: Any) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container["env"]}


def test_the_chart_knows_every_value() -> None:
    assert list(faults(VALUES, SCHEMA_OF_VALUES)) == []


def test_kuberay_and_kubernetes_know_every_field_of_the_ray_cluster() -> None:
    assert list(faults(RAY_CLUSTER, SCHEMA_OF_RAY_CLUSTER)) == []


@pytest.mark.parametrize(
    ("path", "key", "value", "fault"),
    [
        (["runLauncher"], "typ", "K8sRunLauncher", "unknown key typ"),
        (["dagsterDaemon", "runMonitoring"], "pollInterval", 60, "unknown key pollInterval"),
        (["dagster-user-deployments", "deployments", 0, "resources"], "limit", {}, "unknown key limit"),
        (["dagster-user-deployments", "deployments", 0, "env", 0], "nmae", "NCA_DATA", "unknown key nmae"),
        (["dagster-user-deployments", "deployments", 0], "port", "3030", "'3030' is not of type int"),
        (["dagster-user-deployments", "deployments", 0], "envSecrets", ["nca-s3"], "'nca-s3' is not an object"),
        (["telemetry"], "enabled", "no", "'no' is not of type bool"),
        (["concurrency", "pools"], "defaultLimit", True, "True is not of type int"),
    ],
)
def test_a_wrong_value_is_refused(path: list[str | int], key: str, value: object, fault: str) -> None:
    assert fault in " ".join(faults(with_change(VALUES, path, key, value), SCHEMA_OF_VALUES))


@pytest.mark.parametrize(
    ("path", "key", "value", "fault"),
    [
        (["spec"], "rayversion", "2.60.0", "unknown key rayversion"),
        (["spec", "headGroupSpec", "template", "spec"], "toleration", [], "unknown key toleration"),
        (["spec", "workerGroupSpecs", 0, "template", "spec", "containers", 0], "envfrom", [], "unknown key envfrom"),
        (["spec", "workerGroupSpecs", 0, "template", "spec", "containers", 0], "name", None, "not of type str"),
        (["spec", "workerGroupSpecs", 0], "maxReplicas", "8", "'8' is not of type int"),
        (["spec", "headGroupSpec", "rayStartParams"], "num-cpus", 0, "0 is not of type str"),
        (["spec", "autoscalerOptions", "resources", "limits"], "cpu", 1, "1 is not of type str"),
    ],
)
def test_a_wrong_field_of_the_ray_cluster_is_refused(
    path: list[str | int], key: str, value: object, fault: str
) -> None:
    assert fault in " ".join(faults(with_change(RAY_CLUSTER, path, key, value), SCHEMA_OF_RAY_CLUSTER))


def test_a_container_without_a_name_is_refused() -> None:
    cluster = copy.deepcopy(RAY_CLUSTER)
    del cluster["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["name"]
    assert "`name`, must not be `None`" in " ".join(faults(cluster, SCHEMA_OF_RAY_CLUSTER))


def with_change(document: Any, path: list[str | int], key: str, value: object) -> Any:
    changed = copy.deepcopy(document)
    inner = changed
    for step in path:
        inner = inner[step]
    inner[key] = value
    return changed


def instance_settings(values: dict[str, Any]) -> dict[str, Any]:
    """The part of Dagster's own settings that the chart makes of ``values`` by spelling the keys in its way."""

    def respelled(value: Any) -> Any:
        if isinstance(value, list):
            return [respelled(item) for item in value]
        if isinstance(value, dict):
            return {
                re.sub("[A-Z]", lambda capital: "_" + capital[0].lower(), k): respelled(v) for k, v in value.items()
            }
        return value

    settings = {
        "run_monitoring": values["dagsterDaemon"]["runMonitoring"],
        "run_retries": values["dagsterDaemon"]["runRetries"],
        "concurrency": {name: limits for name, limits in values["concurrency"].items() if name != "enabled"},
        "retention": {name: ticks for name, ticks in values["retention"].items() if name != "enabled"},
        "python_logs": values["pythonLogs"],
        "telemetry": values["telemetry"],
    }
    return respelled(settings)


def test_the_installed_dagster_accepts_the_settings_that_the_chart_makes() -> None:
    checked = process_config(dagster_instance_config_schema(), instance_settings(VALUES))
    assert checked.success, checked.errors


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (["dagsterDaemon", "runMonitoring"], "pollInterval", 60),
        (["dagsterDaemon", "runRetries"], "maxRetries", "twice"),
        (["retention", "sensor"], "purgeAfterDays", {"skiped": 7}),
    ],
)
def test_the_installed_dagster_refuses_wrong_settings(path: list[str | int], key: str, value: object) -> None:
    wrong = instance_settings(with_change(VALUES, path, key, value))
    assert not process_config(dagster_instance_config_schema(), wrong).success


def test_every_variable_of_the_project_is_a_setting() -> None:
    known = {f"NCA_{name.upper()}" for owner in OWNERS for name in owner.model_fields}
    named = {name for container in [code_server(), *containers()] for name in environment(container)}
    assert named <= known


def test_driver_and_workers_mean_the_same_shards() -> None:
    driver = environment(code_server())
    assert {"NCA_DATA", "NCA_SHARD_SIZE", "NCA_SHARDS_PER_SET"} <= set(driver)
    for container in containers():
        assert environment(container).items() <= driver.items()


def test_the_driver_finds_the_head_by_the_name_of_the_cluster() -> None:
    name = RAY_CLUSTER["metadata"]["name"]
    assert environment(code_server())["NCA_RAY"] == f"ray://{name}-head-svc:10001"
    (head,) = pods()["head"]["containers"]
    assert {"name": "client", "containerPort": 10001} in head["ports"]


def test_there_is_one_image_and_it_is_that_of_this_version() -> None:
    image = code_server()["image"]
    named = {container["image"] for container in containers()}
    assert named == {f"{image['repository']}:{image['tag']}"}
    assert image["tag"] == tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]


def test_ray_dagster_and_python_are_those_that_the_tests_run_on() -> None:
    assert RAY_CLUSTER["spec"]["rayVersion"] == version("ray")
    for text in ((KUBERNETES / "README.md").read_text(), (KUBERNETES / "dagster-values.yaml").read_text()):
        assert version("dagster") in text


def test_the_image_starts_from_one_base_which_a_digest_names() -> None:
    bases = re.findall(r"^FROM (.+)$", (PROJECT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64}", bases[0])


def test_runs_get_the_environment_and_the_secrets_of_the_code_server() -> None:
    assert code_server()["includeConfigInLaunchedRuns"]["enabled"]
    assert VALUES["runLauncher"]["config"]["k8sRunLauncher"]["envSecrets"] == code_server()["envSecrets"]


def test_credentials_come_from_the_secret_alone() -> None:
    assert code_server()["envSecrets"] == [{"name": "nca-s3"}]
    for container in containers():
        assert container["envFrom"] == [{"secretRef": {"name": "nca-s3"}}]
    for file in sorted((PROJECT / "deploy").rglob("*")):
        if file.is_file() and file.suffix != ".md":
            assert not re.search(r"AWS_|password:|token:|-----BEGIN", file.read_text(), re.IGNORECASE), file


def test_the_database_is_outside_and_its_password_is_not_the_charts() -> None:
    assert not VALUES["postgresql"]["enabled"]
    assert not VALUES["generatePostgresqlPasswordSecret"]


def test_nothing_runs_as_root_or_may_become_it() -> None:
    restricted = [container["securityContext"] for container in containers()]
    restricted.append(RAY_CLUSTER["spec"]["autoscalerOptions"]["securityContext"])
    assert all(context["runAsNonRoot"] and not context["allowPrivilegeEscalation"] for context in restricted)
    assert code_server()["podSecurityContext"]["runAsNonRoot"]
    assert not code_server()["securityContext"]["allowPrivilegeEscalation"]
    assert not VALUES["runLauncher"]["config"]["k8sRunLauncher"]["securityContext"]["allowPrivilegeEscalation"]
    assert re.search(r"^USER [1-9]\d*$", (PROJECT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)


def test_the_head_runs_no_work_and_idle_workers_cost_nothing() -> None:
    assert RAY_CLUSTER["spec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert RAY_CLUSTER["spec"]["enableInTreeAutoscaling"]
    assert environment(code_server())["NCA_RAY_AUTOSCALES"] == "true"
    assert all(group["minReplicas"] == 0 for group in RAY_CLUSTER["spec"]["workerGroupSpecs"])


def test_a_shard_fits_a_gpu_worker_and_a_label_fits_beside_it() -> None:
    needs = environment(code_server())
    (gpu,), (cpu,) = pods()["gpu"]["containers"], pods()["cpu"]["containers"]
    assert int(gpu["resources"]["limits"]["nvidia.com/gpu"]) == int(needs["NCA_SHARD_GPUS"])
    assert int(gpu["resources"]["limits"]["cpu"]) >= int(needs["NCA_SHARD_CPUS"]) + int(needs["NCA_LABEL_CPUS"])
    assert int(cpu["resources"]["limits"]["cpu"]) >= int(needs["NCA_LABEL_CPUS"])


def test_a_full_pass_keeps_every_gpu_busy_and_is_asked_for_in_two_ticks() -> None:
    settings = environment(code_server())
    [gpus] = [group["maxReplicas"] for group in RAY_CLUSTER["spec"]["workerGroupSpecs"] if group["groupName"] == "gpu"]
    a_run, a_tick = int(settings["NCA_SHARDS_PER_RUN"]), int(settings["NCA_SHARDS_PER_TICK"])
    partitions = 3 * int(settings["NCA_SHARDS_PER_SET"])
    assert partitions == 4884
    assert 2 * a_tick >= partitions
    runs = a_tick // a_run
    assert 2 < runs <= VALUES["concurrency"]["runs"]["maxConcurrentRuns"]
    assert a_run >= 8 * gpus  # a run spreads over all of them
    assert "concurrency set device 2" in (KUBERNETES / "README.md").read_text()


def test_what_the_values_say_of_runs_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(code_server()).items():
        monkeypatch.setenv(name, value)
    loaded = load(Orchestration)
    assert (loaded.shards_per_run, loaded.shards_per_tick, loaded.top_up_cron) == (200, 3200, "*/5 * * * *")


DRIVERS = {"learn_vocabulary", "make_shard"}
"""Jobs whose pods do little themselves."""


def memory(resources: Any) -> int:
    return int(resources["limits"]["memory"].removesuffix("Gi"))


def test_runs_that_do_more_than_drive_have_larger_pods() -> None:
    driver = memory(VALUES["runLauncher"]["config"]["k8sRunLauncher"]["resources"])
    launched = {job.name: job.tags for job in defs.get_repository_def().get_all_jobs() if not job.name.startswith("__")}
    [sensor] = defs.get_repository_def().sensor_defs
    assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
    launched["sensor"] = sensor.run_tags
    assert {name for name, tags in launched.items() if TAG not in tags} == DRIVERS
    for name in launched.keys() - DRIVERS:
        # As the launcher reads it, which refuses what it does not know.
        container = get_user_defined_k8s_config({TAG: launched[name][TAG]}).container_config
        assert memory(container["resources"]) >= 4 * driver, name
        assert list(faults(container["resources"], "V1ResourceRequirements")) == []
