"""Rows of a table, varied: as plain torch has it, by as much as was asked, the same bits everywhere."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, chisquare, kstest
from torch._dynamo.testing import CompileCounterWithBackend

from tests.ops.cases import digest, run
from tests.ops.feature_cases import KEYS, feature_cases
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.errors import OperatorError
from within_wf.ops import FeatureAugmentation, augment_features, draw_mixup
from within_wf.ops.instruction_set import use_instruction_set
from within_wf.ops.reference import features as in_plain_torch

CASES = tuple(feature_cases())
OFF = {"noise_std": 0.0, "dropout": 0.0}
EVERY_STEP = FeatureAugmentation(swap_prob=0.2, mixup_prob=0.5, mixup_alpha=0.4, noise_std=0.3, dropout=0.1)
ROWS, COLUMNS = 2000, 17


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


X, BANK, STD, FILL = normal(ROWS, COLUMNS), normal(90, COLUMNS, seed=1), normal(COLUMNS).abs(), normal(COLUMNS, seed=2)
IDS = torch.arange(ROWS) - 100


def vary(config, x=X, ids=IDS, **more):
    return augment_features(x, **({"config": config, "seed": 5, "epoch": 3, "sample_ids": ids} | more))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "config",
    [EVERY_STEP, FeatureAugmentation(), FeatureAugmentation(swap_prob=1.0), FeatureAugmentation(mixup_prob=1.0, mixup_alpha=8),
     FeatureAugmentation(dropout=1.0), FeatureAugmentation(**OFF)],
    ids=["every step", "default", "swap", "mixup", "dropout", "none"],
)  # fmt: skip
@pytest.mark.parametrize("given", [{}, {"std": STD, "fill": FILL, "bank": BANK}], ids=["alone", "with a bank"])
def test_rows_are_varied_as_in_plain_torch(config, dtype, given):
    arguments = {name: tensor.to(dtype) for name, tensor in given.items()}
    got = vary(config, X.to(dtype), **arguments)
    want = in_plain_torch.augment_features(X.to(dtype), config=config, seed=5, epoch=3, sample_ids=IDS, **arguments)
    assert got.dtype == dtype
    # a normal draw is a polynomial's, to 1e-5
    torch.testing.assert_close(got.double(), want, rtol=2e-5, atol=2e-5)
    assert (got.double() == want).double().mean() > 0.3 or config.noise_std > 0


@settings(max_examples=60)
@given(
    st.integers(0, 40), st.integers(0, 1100), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1),
    st.integers(-(2**63), 2**63 - 40), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_any_shape_seed_epoch_and_id_will_do(rows, columns, seed, epoch, first, dropout, swap, mixup):
    config = FeatureAugmentation(swap, mixup, 0.5, 0.1, dropout)
    x, ids = normal(rows, columns), torch.arange(rows) + first
    arguments = {"config": config, "seed": seed, "epoch": epoch, "sample_ids": ids}
    want = in_plain_torch.augment_features(x, **arguments)
    torch.testing.assert_close(augment_features(x, **arguments).double(), want, rtol=2e-5, atol=2e-5)


def test_noise_is_normal_and_in_units_of_the_spread():
    noise = (vary(FeatureAugmentation(noise_std=0.25, dropout=0.0), std=STD) - X)[:, STD > 0.1] / STD[STD > 0.1]
    assert kstest(noise.flatten().double().numpy(), "norm", (0, 0.25)).pvalue > 1e-3
    correlations = torch.corrcoef(noise.T) - torch.eye(noise.shape[1])
    assert correlations.abs().max() < 0.1


def test_a_feature_without_spread_gets_no_noise():
    std = STD.clone()
    std[4] = 0
    varied = vary(FeatureAugmentation(dropout=0.0), std=std)
    assert torch.equal(varied[:, 4], X[:, 4])
    assert (varied != X).sum(dim=0)[5] > 0.99 * ROWS


def test_dropped_numbers_take_the_fill():
    varied = vary(FeatureAugmentation(noise_std=0.0, dropout=0.2), fill=FILL)
    assert torch.equal(torch.where(varied == FILL, X, varied), X)
    assert (varied == FILL).double().mean().item() == pytest.approx(0.2, abs=0.01)


def test_swapped_numbers_are_of_the_same_feature_of_any_row():
    bank = torch.arange(10.0)[:, None] + 100 * torch.arange(1, COLUMNS + 1)
    varied = vary(FeatureAugmentation(swap_prob=0.3, **OFF), bank=bank)
    is_swapped = varied != X
    assert is_swapped.double().mean().item() == pytest.approx(0.3, abs=0.01)
    feature, row = (varied // 100 - 1)[is_swapped], (varied % 100)[is_swapped]
    assert torch.equal(feature.long(), torch.arange(COLUMNS).expand(ROWS, -1)[is_swapped])
    assert chisquare(row.long().bincount().numpy()).pvalue > 1e-3


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5, 1.0, 3.0, 200.0])
def test_weights_of_mixtures_are_beta(alpha):
    config = FeatureAugmentation(mixup_prob=1.0, mixup_alpha=alpha)
    partners, weights = draw_mixup(config, seed=1, epoch=0, sample_ids=torch.arange(20_000), bank_rows=7)
    near_zero = weights[weights < 0.5]  # near 1 a float64 tells few weights apart
    assert kstest(near_zero.numpy(), lambda w: 2 * beta(alpha, alpha).cdf(w)).pvalue > 1e-3
    assert len(near_zero) / 20_000 == pytest.approx(0.5, abs=0.01)
    assert chisquare(partners.bincount().numpy()).pvalue > 1e-3


@pytest.mark.parametrize("alpha", [1e-6, 0.01, 1e6])
def test_weights_of_extreme_mixtures_are_weights(alpha):
    config = FeatureAugmentation(mixup_prob=1.0, mixup_alpha=alpha)
    weights = draw_mixup(config, seed=1, epoch=0, sample_ids=torch.arange(5000), bank_rows=7)[1]
    assert ((weights >= 0) & (weights <= 1)).all()
    assert weights.mean().item() == pytest.approx(0.5, abs=0.02)


def test_weights_are_those_of_the_formula():
    config = FeatureAugmentation(mixup_prob=0.7, mixup_alpha=0.3)
    arguments = {"seed": 1, "epoch": 0, "sample_ids": torch.arange(5000) - 9, "bank_rows": 2**32}
    got, want = draw_mixup(config, **arguments), in_plain_torch.draw_mixup(config, **arguments)
    assert torch.equal(got[0], want[0])
    torch.testing.assert_close(got[1], want[1], rtol=1e-9, atol=1e-12)


def test_labels_can_be_mixed_as_rows_are():
    config = FeatureAugmentation(mixup_prob=0.5, mixup_alpha=1.0, **OFF)
    partners, weights = draw_mixup(config, seed=5, epoch=3, sample_ids=IDS, bank_rows=len(BANK))
    want = X + weights.float()[:, None] * (BANK[partners] - X)
    assert torch.equal(vary(config, bank=BANK), torch.where(weights[:, None] > 0, want, X))


def test_a_rows_draws_are_its_own():
    whole = vary(EVERY_STEP, bank=BANK)
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(1))
    assert torch.equal(vary(EVERY_STEP, X[order], IDS[order], bank=BANK), whole[order])
    for row in (0, 99, 100, ROWS - 1):
        assert torch.equal(vary(EVERY_STEP, X[row : row + 1], IDS[row : row + 1], bank=BANK), whole[row : row + 1])
    for other in ({"seed": 6}, {"epoch": 4}, {"ids": IDS + 1}):
        assert (vary(EVERY_STEP, bank=BANK, **other) == whole).double().mean() < 0.1


def test_steps_do_not_move_each_others_draws():
    dropped = vary(FeatureAugmentation(noise_std=0.0, dropout=0.3), fill=FILL) == FILL
    assert torch.equal(vary(FeatureAugmentation(0.5, 0.5, 1.0, 0.3, 0.3), fill=FILL) == FILL, dropped)


def test_what_is_no_number_stays_none():
    x = X.clone()
    x[3, 5], x[4, 6] = math.nan, math.inf
    varied = vary(FeatureAugmentation(dropout=0.0), x)
    assert varied[3, 5].isnan()
    assert varied[4, 6] == math.inf
    assert varied.isfinite().sum() == x.numel() - 2


def test_an_input_of_strides_is_read_right():
    assert torch.equal(vary(EVERY_STEP, X.T.contiguous().T, bank=BANK.T.contiguous().T), vary(EVERY_STEP, bank=BANK))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_instruction_set_and_no_thread_changes_a_bit(case):
    with use_instruction_set("baseline"), threads(1):
        want = digest(run(case))
    for name in INSTRUCTION_SETS:
        with use_instruction_set(name):
            assert digest(run(case)) == want
    for count in (1, 2, 3, 7):
        with threads(count):
            assert digest(run(case)) == want


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shares_of_threads_change_no_bit_of_a_long_table(dtype):
    x, ids = normal(9000, 11, dtype=dtype), torch.arange(9000)
    with threads(1), use_instruction_set("baseline"):
        want = vary(EVERY_STEP, x, ids)
    for count in (1, 2, 3, 7):
        with threads(count):
            assert torch.equal(vary(EVERY_STEP, x, ids), want)


def test_gradients_are_those_of_finite_differences():
    x = normal(9, 6, dtype=torch.float64).requires_grad_()
    constants = {"bank": normal(4, 6, dtype=torch.float64), "std": STD[:6].double(), "fill": FILL[:6].double()}
    config = FeatureAugmentation(swap_prob=0.3, mixup_prob=0.5, mixup_alpha=1.0, noise_std=0.3, dropout=0.2)
    call = lambda x: vary(config, x, IDS[:9], **constants)  # noqa: E731
    assert torch.autograd.gradcheck(call, (x,))
    assert torch.autograd.gradgradcheck(call, (x,))


def test_a_bank_is_a_constant():
    x = normal(9, 6).requires_grad_()
    gradient = torch.autograd.grad(vary(FeatureAugmentation(swap_prob=1.0, **OFF), x, IDS[:9]).sum(), x)[0]
    assert torch.equal(gradient, torch.zeros(9, 6))


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # opcheck itself asks for it
@pytest.mark.parametrize("case", [c for c in CASES if c.name.startswith(("float32, 7 x 3", "alpha 0.2", "a seed"))], ids=str)
def test_opcheck_passes(case):
    arguments = list(case.make())
    for position in case.differentiable:
        arguments[position].requires_grad_()
    torch.library.opcheck(getattr(torch.ops.within, case.operator).default, tuple(arguments))


def test_it_compiles_whole_and_not_anew_for_each_epoch():
    counter = CompileCounterWithBackend("aot_eager")
    step = torch.compile(
        lambda x, ids, epoch: vary(EVERY_STEP, x, ids, bank=BANK, epoch=epoch), backend=counter, fullgraph=True
    )
    for epoch in range(12):
        assert torch.equal(step(X, IDS, epoch), vary(EVERY_STEP, bank=BANK, epoch=epoch))
    assert counter.frame_count <= 3


def test_seeds_of_a_compiled_call_are_told_apart():
    step = torch.compile(
        lambda x, ids, seed: vary(EVERY_STEP, x, ids, bank=BANK, seed=seed), backend="aot_eager", fullgraph=True
    )
    for seed in (0, 1, 2, 2**63 + 5):
        assert torch.equal(step(X, IDS, seed), vary(EVERY_STEP, bank=BANK, seed=seed))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dropout": 1.5}, "dropout: found 1.5, expected a number, 0 or more, at most 1"),
        ({"noise_std": -0.1}, "noise_std: found -0.1, expected a number, 0 or more"),
        ({"noise_std": math.inf}, "noise_std: found inf"),
        ({"swap_prob": math.nan}, "swap_prob: found nan"),
        ({"mixup_prob": True}, "mixup_prob: found True"),
        ({"mixup_alpha": 0}, "mixup_alpha: found 0, expected a number above 0, at most 1e"),
        ({"mixup_alpha": "x", "dropout": -1}, "(?s)mixup_alpha: found 'x'.*dropout: found -1"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(OperatorError, match=message):
        FeatureAugmentation(**settings)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x": X.half()}, ValueError, "x is Half, expected float32 or float64"),
        ({"x": X[0]}, ValueError, r"x has shape \[17\], expected \[N, D\]"),
        ({"ids": IDS.int()}, ValueError, "sample_ids is Int, expected int64"),
        ({"ids": IDS[:, None]}, ValueError, r"sample_ids has shape \[2000, 1\], expected \[N\]"),
        ({"ids": IDS[:5]}, ValueError, r"sample_ids has shape \[5\], expected \[2000\] as x has 2000 rows"),
        ({"epoch": -1}, ValueError, r"epoch is -1, expected 0 to 2\^32 - 1"),
        ({"epoch": 2**32}, ValueError, "epoch is 4294967296"),
        ({"seed": 2**64}, OperatorError, r"seed: found 18446744073709551616, expected an integer, 0 to 2\*\*64 - 1"),
        ({"std": STD.double()}, ValueError, "noise_scale is Double, expected Float as x is"),
        ({"std": STD[:3]}, ValueError, r"noise_scale has shape \[3\], expected \[17\]"),
        ({"fill": FILL[None]}, ValueError, r"fill has shape \[1, 17\], expected \[17\]"),
        ({"bank": BANK[:, :4]}, ValueError, r"bank has shape \[90, 4\], expected \[90, 17\]"),
        ({"bank": BANK[0]}, ValueError, r"bank has shape \[17\]"),
        ({"bank": BANK[:0]}, ValueError, r"bank has 0 rows, expected 1 to 2\^32"),
    ],
)
def test_what_cannot_be_varied_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        vary(EVERY_STEP, **changes)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"bank": None}, ValueError, "bank is None, expected rows to swap or mix with"),
        ({"fill": None}, ValueError, "fill is None, expected what dropped features become"),
        ({"partners": None}, ValueError, "one of partners and weights is None"),
        ({"partners": torch.full((ROWS,), 90)}, IndexError, r"partners\[0\] is 90, expected 0 to 89, the rows of bank"),
        (
            {"partners": torch.zeros(3, dtype=torch.int64)},
            ValueError,
            r"partners is Long \[3\] on cpu, expected int64 \[2000\]",
        ),
        ({"weights": torch.zeros(ROWS)}, ValueError, r"weights is Float \[2000\] on cpu, expected float64 \[2000\]"),
        ({"keys": torch.tensor(KEYS[:4])}, ValueError, r"keys is Long \[4, 2\] on cpu, expected int64 \[5, 2\] on cpu"),
        ({"dropout": 1.5}, ValueError, "dropout is 1.5, expected 0 to 1"),
        ({"swap": -0.5}, ValueError, "swap is -0.5, expected 0 to 1"),
    ],
)
def test_an_operator_that_is_called_wrongly_refuses(changes, error, message):
    arguments = {
        "x": X, "bank": BANK, "noise_scale": None, "fill": FILL, "partners": torch.zeros(ROWS, dtype=torch.int64),
        "weights": torch.ones(ROWS, dtype=torch.float64), "sample_ids": IDS, "keys": torch.tensor(KEYS), "epoch": 0,
        "dropout": 0.1, "swap": 0.1,
    }  # fmt: skip
    with pytest.raises(error, match=message):
        torch.ops.within.augment_features(**(arguments | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"chance": 2.0}, "chance is 2"), ({"alpha": 0.0}, "alpha is 0, expected above 0"), ({"alpha": 2e6}, "at most 1e6"),
     ({"bank_rows": 2**32 + 1}, "bank has 4294967297 rows")],
)  # fmt: skip
def test_a_mixture_that_cannot_be_drawn_is_refused(changes, message):
    arguments = {"sample_ids": IDS, "keys": torch.tensor(KEYS), "epoch": 0, "bank_rows": 5, "chance": 0.5, "alpha": 0.2}
    with pytest.raises(ValueError, match=message):
        torch.ops.within.feature_mixup(**(arguments | changes))
