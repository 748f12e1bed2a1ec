"""The vocabulary: ``data/centroids.pt``."""

import time

import dagster as dg

from nca_assets.orchestration.assets.about import OWNERS, documents
from nca_assets.orchestration.reporting import progress_in_log, seconds_since, working
from nca_assets.versions import CENTROIDS_CODE


@dg.asset(
    group_name="vocabulary",
    kinds={"torch", "scikitlearn"},
    code_version=CENTROIDS_CODE,
    owners=OWNERS,
    metadata=documents("SPEC.md"),
    pool="device",
)
def centroids(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The 32-token vocabulary: MiniBatchKMeans centroids of hidden states, in fixed point, in `data/centroids.pt`.

    An imported vocabulary (`nca import centroids FILE`) is checked and kept; to learn one instead, delete the file.
    """
    from nca_assets.vocabulary.centroids import digest, load_centroids, save_centroids
    from nca_assets.vocabulary.current import current_source
    from nca_assets.vocabulary.learn import learn_centroids

    started = time.perf_counter()
    with working(context) as (_, data), progress_in_log(context, "vocabulary", "blocks") as progress:
        source = current_source(data) or "learned"
        if source == "learned":
            save_centroids(learn_centroids(progress), data, source)
        vocabulary = load_centroids(data)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(digest(vocabulary)),
        metadata={
            "tokens": len(vocabulary),
            "source": source,
            "seconds": seconds_since(started),
            "digest": digest(vocabulary),
            "path": dg.MetadataValue.path(str(data.centroids_file)),
        },
    )
