import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct

from within_wf.models import additive_kernel
from within_wf.models.additive_kernel import AdditiveKernel, Amplitudes, Rows, _solve, fit_additive_kernel


def drawn(seed: int, count: int, noise: float = 0.1) -> Rows:
    """A target that is linear in one view and bent in the other."""
    random = np.random.default_rng(seed)
    points = {"text": random.normal(size=(count, 6)) / np.sqrt(6), "table": random.normal(size=(count, 2)) / np.sqrt(2)}
    target = 1.2 * points["text"][:, 0] + np.sin(3 * points["table"][:, 0]) * points["table"][:, 1]
    return Rows(points, target + noise * random.normal(size=count), np.ones(count))


def kernel_of(rows: Rows, amplitudes: dict[str, Amplitudes]) -> AdditiveKernel:
    kernel = np.zeros((len(rows), len(rows)))
    for view, points in rows.points.items():
        kernel += amplitudes[view].similarity(*additive_kernel._compare(points, points))
    return AdditiveKernel(dict(rows.points), _solve(kernel, rows), amplitudes)


def test_for_given_amplitudes_it_is_scikit_learns_gaussian_process():
    train, test = drawn(1, 60), drawn(2, 20)
    linear, radial, rate = 2.0, 0.7, 0.4
    ours = kernel_of(
        Rows({"text": train.points["text"]}, train.target, train.weight), {"text": Amplitudes(linear, radial, rate)}
    )
    kernel = ConstantKernel(linear) * DotProduct(sigma_0=1e-9) + ConstantKernel(radial) * RBF(np.sqrt(0.5 / rate))
    theirs = GaussianProcessRegressor(kernel, alpha=1.0, optimizer=None).fit(train.points["text"], train.target)
    assert np.allclose(ours.predict({"text": test.points["text"]}), theirs.predict(test.points["text"]))


def test_finds_a_linear_and_a_bent_part():
    train, validation, test = drawn(1, 500), drawn(2, 300), drawn(3, 1000, noise=0)
    fitted = fit_additive_kernel(train, validation, seed=0)
    miss = fitted.predict(test.points) - test.target
    assert miss.var() < 0.1 * test.target.var()
    assert fitted.amplitudes["table"].radial > 0
    assert fitted.amplitudes["text"].linear > 0


def test_the_parts_add_up():
    fitted = fit_additive_kernel(drawn(1, 100), drawn(2, 50), seed=0)
    test = drawn(3, 30)
    parts = fitted.predict_parts(test.points)
    assert parts.keys() == {"text", "table"}
    assert np.allclose(sum(parts.values()), fitted.predict(test.points))


def test_a_row_twice_is_a_row_with_twice_the_weight():
    train, validation, test = drawn(1, 80), drawn(2, 50), drawn(3, 30)
    twice = train.take(np.r_[np.arange(80), np.arange(10)])
    heavy = Rows(train.points, train.target, np.r_[np.full(10, 2.0), np.ones(70)])
    expected = fit_additive_kernel(heavy, validation, seed=0).predict(test.points)
    # Weights are relative to their mean a row, which differs between the two: 80 rows against 90.
    found = fit_additive_kernel(twice, validation, seed=0).predict(test.points)
    assert np.corrcoef(found, expected)[0, 1] > 0.999
    assert len(fit_additive_kernel(twice, validation, seed=0).weights) == 80


def test_rows_without_weight_are_not_there():
    train, validation, test = drawn(1, 80), drawn(2, 50), drawn(3, 30)
    some = Rows(train.points, train.target, np.r_[np.zeros(30), np.ones(50)])
    expected = fit_additive_kernel(train.take(np.arange(30, 80)), validation, seed=0)
    assert np.array_equal(fit_additive_kernel(some, validation, seed=0).predict(test.points), expected.predict(test.points))


def test_more_rows_than_can_be_remembered(monkeypatch):
    monkeypatch.setattr(additive_kernel, "MOST_ROWS", 40)
    fitted = fit_additive_kernel(drawn(1, 300), drawn(2, 50), seed=0)
    assert len(fitted.weights) == 40
    other = fit_additive_kernel(drawn(1, 300), drawn(2, 50), seed=1)
    assert not np.array_equal(fitted.points["text"], other.points["text"])


def test_noise_alone_says_little():
    random = np.random.default_rng(5)
    rows = [Rows({"text": random.normal(size=(200, 4))}, random.normal(size=200), np.ones(200)) for _ in range(3)]
    fitted = fit_additive_kernel(rows[0], rows[1], seed=0)
    assert fitted.predict(rows[2].points).std() < 0.35


@pytest.mark.parametrize("count", [0, 1])
def test_few_rows_to_score(count):
    fitted = fit_additive_kernel(drawn(1, 20), drawn(2, 10), seed=0)
    assert fitted.predict(drawn(3, count).points).shape == (count,)
