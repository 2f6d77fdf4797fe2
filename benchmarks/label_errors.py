"""Wrong labels found, beside cleanlab.

    python benchmarks/label_errors.py [--quick]

Noise is put into labels of scikit-learn's digits (every third row), wine and breast cancer (``symmetric``: any other class;
``pairwise``: the next one) and into targets of diabetes and Friedman's first function (``shift``: 1.5 to 3 standard deviations
up or down; ``swap``: the target of another row). Means over three seeds. To reach: not below cleanlab on any, above on most.
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
import warnings
from collections import defaultdict
from functools import partial

import numpy as np
from common.measure import write_down

from within_wf.data.quality.confident import confirm, find_label_issues
from within_wf.data.quality.folds import fold_of, out_of_fold_probabilities
from within_wf.data.quality.learners import classifiers, regressors
from within_wf.data.quality.regression_labels import find_target_issues

RATES = (0.1, 0.2, 0.3)
SEEDS = (0, 1, 2)
MEASURES = ("precision", "recall", "F1", "AUC", "AP")
LEVEL = 0.005
"""Means that are nearer than this count as equal."""


class Averaged:
    """The mean of our classifiers, as cleanlab takes a classifier."""

    def __init__(self, rows=100):
        self.rows = rows

    def get_params(self, deep=True):
        """What cleanlab copies it by."""
        return {"rows": self.rows}

    def set_params(self, **params):
        """The other half of that."""
        self.rows = params.get("rows", self.rows)
        return self

    def fit(self, x, y):
        """Train all of them."""
        self.models = [model.fit(x, y) for model in classifiers(self.rows, 0)]
        self.classes_ = self.models[0].classes_
        return self

    def predict_proba(self, x):
        """The mean of their probabilities."""
        return sum(model.predict_proba(x) for model in self.models) / len(self.models)

    def predict(self, x):
        """The likeliest class."""
        return self.classes_[self.predict_proba(x).argmax(axis=1)]

    def score(self, x, y):
        """Accuracy."""
        return float((self.predict(x) == y).mean())


def judged(wrong, suspected, score):
    """Precision, recall, F1 of what is suspected, AUC and average precision of the ranking."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    hits = int((wrong & suspected).sum())
    precision, recall = hits / max(1, int(suspected.sum())), hits / int(wrong.sum())
    f1 = 2 * hits / max(1, int(suspected.sum()) + int(wrong.sum()))
    return (precision, recall, f1, float(roc_auc_score(wrong, score)), float(average_precision_score(wrong, score)))


def spoilt_labels(y, rate, kind, seed):
    """Labels of which a share is wrong."""
    draws = np.random.default_rng(seed)
    classes = int(y.max()) + 1
    chosen = draws.choice(y.size, round(rate * y.size), replace=False)
    step = 1 if kind == "pairwise" else draws.integers(1, classes, chosen.size)
    noisy = y.copy()
    noisy[chosen] = (y[chosen] + step) % classes
    return noisy


def classification(x, y, rate, kind, seed):
    """Name to measures, of one set."""
    from cleanlab.classification import CleanLearning
    from cleanlab.filter import find_label_issues as cleanlab_issues
    from cleanlab.rank import get_label_quality_scores

    noisy = spoilt_labels(y, rate, kind, seed)
    wrong = noisy != y
    content = [str(row) for row in x.tolist()]
    fold, order = fold_of(content, noisy, 5, 0)
    learn = partial(out_of_fold_probabilities, x, noisy, int(y.max()) + 1, fold, order, lambda: classifiers(y.size // 2, 0))
    p = learn()
    p /= p.sum(axis=1, keepdims=True)
    first = find_label_issues(noisy, p)
    second = confirm(noisy, first, learn(~first.suspected))
    found = {
        "ours, same probabilities": judged(wrong, first.suspected, -first.quality),
        "ours, as called": judged(wrong, second.suspected, -second.quality),
    }
    theirs = cleanlab_issues(noisy, p, n_jobs=1)
    found["cleanlab, same probabilities"] = judged(wrong, theirs, -get_label_quality_scores(noisy, p))
    margin = get_label_quality_scores(noisy, p, method="normalized_margin")
    found["cleanlab, same probabilities, by margin"] = judged(wrong, theirs, -margin)
    for name, model in (("its default", None), ("our classifier", Averaged(y.size // 2))):
        issues = CleanLearning(clf=model, seed=0, find_label_issues_kwargs={"n_jobs": 1}).find_label_issues(x, noisy)
        found[f"cleanlab, {name}"] = judged(wrong, issues["is_label_issue"].to_numpy(), -issues["label_quality"].to_numpy())
    return found


def regression(x, y, rate, kind, seed):
    """Name to measures, of one set."""
    from cleanlab.regression.learn import CleanLearning

    draws = np.random.default_rng(seed)
    chosen = draws.choice(y.size, round(rate * y.size), replace=False)
    noisy = y.copy()
    if kind == "shift":
        noisy[chosen] += draws.choice([-1, 1], chosen.size) * draws.uniform(1.5, 3, chosen.size) * y.std()
    else:
        noisy[chosen] = draws.permutation(y)[: chosen.size]
    wrong = noisy != y
    ours = find_target_issues(x, noisy, [str(row) for row in x.tolist()])
    found = {"ours, as called": judged(wrong, ours.suspected, ours.score)}
    for name, model in (("its default", None), ("a kernel ridge of ours", regressors(y.size // 2, 0)[1])):
        np.random.seed(seed)  # noqa: NPY002 - cleanlab draws its folds from it
        issues = CleanLearning(model=model, seed=seed).find_label_issues(x, noisy)
        found[f"cleanlab, {name}"] = judged(wrong, issues["is_label_issue"].to_numpy(), -issues["label_quality"].to_numpy())
    return found


def tasks():
    """Name, kinds of noise, what is run, features and labels."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine, make_friedman1

    for name, load in (("digits", load_digits), ("wine", load_wine), ("breast cancer", load_breast_cancer)):
        x, y = load(return_X_y=True)
        every = 3 if name == "digits" else 1
        # Of two classes the next one is the other one.
        kinds = ("symmetric",) if name == "breast cancer" else ("symmetric", "pairwise")
        yield name, kinds, classification, x[::every], y[::every]
    yield "diabetes", ("shift", "swap"), regression, *load_diabetes(return_X_y=True)
    yield "friedman 1", ("shift", "swap"), regression, *make_friedman1(500, 8, noise=1.0, random_state=3)


def compared(means, ours, theirs):
    """Settings in which ours is above, level and below, by F1 and by average precision, and the worst difference."""
    texts = []
    for at in (2, 4):
        found = [(row[ours][at] - row[theirs][at], key) for key, row in means.items() if ours in row and theirs in row]
        above, below = sum(d > LEVEL for d, _ in found), sum(d < -LEVEL for d, _ in found)
        worst, where = min(found)
        texts.append(f"{above} | {len(found) - above - below} | {below} | {worst:+.3f} ({', '.join(map(str, where))})")
    return f"| {ours} | {theirs} | {texts[0]} | {texts[1]} |"


def main() -> int:
    """Measure, print and write down."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    began = time.perf_counter()
    seeds = SEEDS[:1] if "--quick" in sys.argv else SEEDS
    means, names = {}, []
    for name, kinds, run, x, y in tasks():
        for kind in kinds:
            for rate in RATES:
                found = defaultdict(list)
                for seed in seeds:
                    for method, values in run(x, y, rate, kind, seed).items():
                        found[method].append(values)
                means[name, kind, rate] = {
                    method: [statistics.fmean(each) for each in zip(*values, strict=True)] for method, values in found.items()
                }
                names += [method for method in found if method not in names]
                print(name, kind, rate, f"{time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    lines = [f"Means over {len(seeds)} seeds; {LEVEL} and less apart is level. cleanlab {_version()}.", ""]
    lines += [
        "| ours | beside | F1: above | level | below | worst | AP: above | level | below | worst |",
        "|---|---|" + "---:|" * 8,
    ]
    pairs = [("ours, same probabilities", "cleanlab, same probabilities")]
    pairs += [("ours, same probabilities", "cleanlab, same probabilities, by margin")]
    pairs += [
        ("ours, as called", f"cleanlab, {other}") for other in ("its default", "our classifier", "a kernel ridge of ours")
    ]
    lines += [compared(means, *pair) for pair in pairs]
    lines += ["", f"| data | noise | share | method | {' | '.join(MEASURES)} |", "|---|---|---:|---|" + "---:|" * 5]
    for (name, kind, rate), row in means.items():
        lines += [
            f"| {name} | {kind} | {rate:.0%} | {method} | {' | '.join(f'{value:.3f}' for value in row[method])} |"
            for method in names
            if method in row
        ]
    write_down("label_errors", "Wrong labels", lines)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    return 0


def _version() -> str:
    from importlib.metadata import version

    return version("cleanlab")


if __name__ == "__main__":
    sys.exit(main())
