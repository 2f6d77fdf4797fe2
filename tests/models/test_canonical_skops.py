import hashlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression

from within_wf.errors import TrainingError
from within_wf.models.canonical_skops import TREES, load_estimator, save_estimator

SAVE = """
import sys
from pathlib import Path
import numpy as np
from sklearn.ensemble import IsolationForest
from within_wf.models.canonical_skops import save_estimator

padding = [object() for _ in range(int(sys.argv[2]))]
rows = np.random.default_rng(0).normal(size=(60, 3))
save_estimator(Path(sys.argv[1]), IsolationForest(n_estimators=5, random_state=0).fit(rows))
"""


def test_bytes_are_the_same_in_every_process(tmp_path):
    digests = set()
    for padding in (1, 1000, 100_000):
        path = tmp_path / f"{padding}.skops"
        subprocess.run([sys.executable, "-c", SAVE, str(path), str(padding)], check=True)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_loaded_estimator_scores_as_the_saved_one(tmp_path):
    rows = np.random.default_rng(1).normal(size=(80, 4))
    forest = IsolationForest(n_estimators=7, random_state=0).fit(rows)
    save_estimator(tmp_path / "forest.skops", forest)
    loaded = load_estimator(tmp_path / "forest.skops", trusted=TREES)
    assert np.array_equal(loaded.score_samples(rows), forest.score_samples(rows))


def test_loaded_and_saved_again_keeps_its_bytes(tmp_path):
    rows = np.random.default_rng(2).normal(size=(80, 4))
    save_estimator(tmp_path / "a.skops", LogisticRegression().fit(rows, rows[:, 0] > 0))
    save_estimator(tmp_path / "b.skops", load_estimator(tmp_path / "a.skops"))
    assert (tmp_path / "a.skops").read_bytes() == (tmp_path / "b.skops").read_bytes()


def test_another_type_is_refused(tmp_path):
    save_estimator(tmp_path / "path.skops", {"run": subprocess.Popen})
    with pytest.raises(TrainingError, match=r"subprocess\.Popen"):
        load_estimator(tmp_path / "path.skops")


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_broken_file_is_refused(tmp_path, content):
    path = tmp_path / "broken.skops"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other.json", "{}")
    else:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"broken\.skops.*Train the model again"):
        load_estimator(path)
