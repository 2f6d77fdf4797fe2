"""What `make gpu-check` times of the metrics is computed by both sides, and is the same."""

import pytest
import torch

from benchmarks.gpu.measure_metrics import comparisons

SCALE = 5e-4
COMPARISONS = list(comparisons(torch.device("cpu"), SCALE))


def test_every_family_is_timed_whole_and_has_a_peer():
    with_peers = {c.name.split(",")[0].split(" ")[0] for c in COMPARISONS if c.peers}
    assert with_peers == {"binary", "multiclass", "regression", "drift"}
    assert len({c.name for c in COMPARISONS}) == len(COMPARISONS)
    moved = {c.name: c.moved_bytes for c in COMPARISONS}
    assert moved["binary, float32, 5000 rows"] == 5000 * (4 + 8)
    assert moved["multiclass, 10 classes, float32, 500 rows"] == 500 * (40 + 8)
    assert moved["drift, both samples, weighted, float32, 2500 rows"] == 2500 * 16


@pytest.mark.parametrize("comparison", [c for c in COMPARISONS if c.peers], ids=lambda c: c.name)
def test_peers_compute_the_same(comparison):
    ours = comparison.ours()
    for peer in comparison.peers.values():
        given = peer()
        assert given.keys() <= ours.keys()
        assert len(given) >= 4
        for key, value in given.items():
            assert ours[key].double().reshape(-1).tolist() == pytest.approx(value.double().reshape(-1).tolist(), rel=1e-9), key


@pytest.mark.parametrize("comparison", [c for c in COMPARISONS if not c.peers], ids=lambda c: c.name)
def test_what_has_no_peer_runs(comparison):
    assert not any(value[-1].isnan().any() for value in comparison.ours().values() if value.dim())
