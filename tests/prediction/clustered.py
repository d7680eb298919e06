"""Takes a file and an output, predicts on a Ray cluster of two nodes and kills one of them in the middle.

A process of its own, for Ray opens sockets that tests refuse. What it prints last is the result, and how many actors
scored.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.prediction.forking import Digests

from classifine.labels import FloatMatrix
from classifine.prediction.bulk import predict_file
from classifine.prediction.cluster import on_cluster


class Signing(Digests):
    """Leaves a file that says which process scores, and begins when another does, too; slow enough to be killed."""

    def __init__(self, folder: str) -> None:
        super().__init__(seconds=0.2)
        self._folder = Path(folder)

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        with (self._folder / str(os.getpid())).open("a") as stream:
            stream.write("shard\n")
        deadline = time.monotonic() + 200
        while len([*self._folder.iterdir()]) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        return super().predict_proba(texts)


class Opener:
    """Opens the classifier on a node."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __call__(self) -> Signing:
        return Signing(self._folder)


def main(source: str, out: str, signs: str) -> None:
    ray: Any = importlib.import_module("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    scoring = on_cluster(cluster.address, Opener(signs))
    done: list[int] = []

    def of_columns(added: Any) -> Any:
        score = scoring(added)

        def watched(tasks: Any) -> Any:
            for number, found in score(tasks):
                done.append(number)
                if len(done) == 8:
                    cluster.remove_node(second, allow_graceful=False)
                yield number, found

        return watched

    started = time.monotonic()
    result = predict_file(Digests(), source, Path(out), model={"sha256": "a"}, shard_rows=25, scoring=of_columns)
    told = {**result.to_dict(), "shards": sorted(done), "seconds": time.monotonic() - started}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    ray.shutdown()
    cluster.shutdown()  # type: ignore[no-untyped-call,unused-ignore]


if __name__ == "__main__":
    main(*sys.argv[1:])
