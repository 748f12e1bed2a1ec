"""How much of a node a run's pod gets on Kubernetes, where it does more than drive Ray; elsewhere the tag says nothing.

The limits of pods that only drive are in ``deploy/kubernetes/dagster-values.yaml``.
"""

from collections.abc import Mapping

TAG = "dagster-k8s/config"


def _pod(cpu: int, memory: str, disk: str) -> Mapping[str, object]:
    # Requested in full, since a pod that grows beyond its request is the first that a node evicts.
    room = {"memory": memory, "ephemeral-storage": disk}
    resources = {"requests": {"cpu": str(cpu), **room}, "limits": room}
    return {TAG: {"container_config": {"resources": resources}}}


READS_WAREHOUSE = _pod(2, "8Gi", "20Gi")
BUILDS_WAREHOUSE = _pod(4, "24Gi", "40Gi")
"""For 5 million rows; copies of all label parts, the build and what DuckDB spills are on its disk."""

TRAINS = _pod(8, "16Gi", "100Gi")
PUBLISHES = _pod(4, "16Gi", "500Gi")
"""The published folder is written to the disk before it is uploaded: 0.65 times the shards, which are read there."""
