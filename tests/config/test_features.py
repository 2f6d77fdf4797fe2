"""What is asked of features goes with the columns, or is refused where it is written."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from within_wf.config import load_run
from within_wf.config.features import AggregateConfig, HistoryConfig, PolynomialConfig
from within_wf.errors import ConfigError

WORLD = Path(__file__).parents[2] / "configs/experiment/sample_world.yaml"
FEATURES = "ad_score.data.features"


def load(*overrides):
    return load_run(WORLD, [f"{FEATURES}.{override}" for override in overrides])


def test_features_of_the_sample_world_can_be_asked_for():
    run = load(
        "columns.industry={encoding: target, target_smoothing: 20}",
        "columns.spend={outliers: robust_z}",
        "calendar=[weekday, month]",
        "aggregates=[{by: campaign_id, columns: [spend], rows: earlier, days: 28}, {by: campaign_id, columns: [spend]}]",
        "text_statistics=[words]",
        "image_statistics=[edges]",
        "crossings=[[platform, industry]]",
        "columns.platform x industry={encoding: hashed}",
        "polynomial={columns: [impressions, spend], interactions_only: false}",
    )
    features = run.models.ad_score.data.features
    assert features.of("industry").target_smoothing == 20
    assert features.of("spend").outliers == "robust_z"
    assert features.aggregates[0].functions == ["mean", "count"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("columns.colour={encoding: target}", "colour is neither in dataset.ads.numeric nor in categorical"),
        ("columns.spend={encoding: target}", "columns.spend.encoding means nothing to a column of numbers"),
        ("columns.industry={outliers: none}", "columns.industry.outliers means nothing to a column of categories"),
        (
            "columns.industry={encodng: target}",
            "columns.industry.encodng, expected one of encoding, .* Did you mean encoding",
        ),
        ("aggregates=[{by: campaign_id, columns: [effectiveness]}]", "aggregates.0 reads effectiveness, the target"),
        ("aggregates=[{by: ad_id, columns: [spend]}]", "aggregates.0 reads ad_id, the id"),
        ("aggregates=[{by: a, functions: [count]}, {by: a, columns: [b]}]", "aggregates say the same twice"),
        ("aggregates=[{by: a, functions: [count]}, {by: a, columns: [b], lag: 2}]", "aggregates say the same twice"),
        ("columns.industry={encoding: ordinal, order: [a, b, a]}", "a is in order twice"),
        ("order=[a, b]", "order is for single columns"),
        ("aggregates=[{by: a, colums: [b]}]", "aggregates.0.colums, expected one of by, .* Did you mean columns"),
        ("columns.industry.encodng=target", "unknown path .*columns.industry.encodng"),
        ("crossings=[[platform]]", r"\['platform'\] is no crossing: two different columns or more"),
        ("crossings=[[platform, platform]]", "is no crossing"),
        ("crossings=[[platform, industry], [industry, platform]]", "two crossings are of the same columns"),
        ("crossings=[[platform, spend, colour]]", "crossings.0 has spend, colour, not in dataset.ads.categorical, which has"),
        ("columns.platform x spend={encoding: hashed}", "platform x spend is neither .* nor a crossing"),
        ("polynomial={columns: [spend, platform]}", "polynomial.columns has platform, not in dataset.ads.numeric, which has"),
        ("polynomial={columns: [spend, spend]}", "columns names spend twice"),
        ("polynomial={columns: [spend]}", "has no other to be multiplied with"),
        ("polynomial={columns: [spend, impressions], degree: 1}", "polynomial.degree = 1"),
        ("calendar=[second]", "calendar.0 = 'second'"),
    ],
)
def test_what_does_not_go_with_the_columns_is_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        load(override)


def test_parts_that_need_a_role_say_which():
    with pytest.raises(ConfigError) as raised:
        load_run(
            WORLD,
            [
                "dataset.ads={time: null, text: [], image: null}",
                f"{FEATURES}.calendar=[month]",
                f"{FEATURES}.text_statistics=[words]",
                f"{FEATURES}.image_statistics=[edges]",
                f"{FEATURES}.aggregates=[{{by: campaign_id, functions: [count], rows: earlier}}]",
            ],
        )
    for said in (
        "calendar needs dataset.ads.time",
        "text_statistics needs dataset.ads.text",
        "image_statistics needs dataset.ads.image",
        "aggregates.0.rows is earlier, which needs dataset.ads.time",
    ):
        assert said in str(raised.value)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"by": "a", "functions": ["count"], "days": 3}, "days is for rows: earlier"),
        ({"by": "a"}, "columns is empty"),
        ({"by": "a", "columns": ["b", "b"]}, "columns names b twice"),
        ({"by": "a", "columns": ["b"], "functions": ["max", "max"]}, "functions names max twice"),
    ],
)
def test_aggregates_that_contradict_themselves_are_refused(section, message):
    with pytest.raises(ValidationError, match=message):
        AggregateConfig(**section)


@pytest.mark.parametrize("moments", [[0], [10_001], [3, 3]])
def test_numbers_of_moments_are_positive_and_named_once(moments):
    with pytest.raises(ValidationError, match="are no numbers of moments"):
        HistoryConfig(lags=moments)
    assert HistoryConfig(rolling=[1, 10_000]).is_on
    assert not HistoryConfig().is_on


def test_more_products_than_anybody_reads_are_refused():
    names = [str(number) for number in range(100)]
    with pytest.raises(ValidationError, match="degree 3 of 100 columns makes 166,750 products: at most 10,000"):
        PolynomialConfig(columns=names, degree=3)
    assert PolynomialConfig(columns=names).degree == 2


def test_a_crossing_called_as_a_column_is_refused():
    with pytest.raises(ConfigError, match=r"crossings\.0 would be called a x b, as a column of the dataset is"):
        load_run(WORLD, ["dataset.ads={categorical: [a, b, a x b], sensitive: []}", f"{FEATURES}.crossings=[[a, b]]"])
