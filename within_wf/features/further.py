"""What groups, texts and pictures say of a row, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from within_wf.config.features import FeatureConfig
from within_wf.features.aggregates import GroupAggregates
from within_wf.features.image_statistics import statistics_of_pictures
from within_wf.features.numeric import Floats
from within_wf.features.text_statistics import text_statistics
from within_wf.features.texts import joined_text


def read_further(config: FeatureConfig, time: str | None, text: Sequence[str], image: str | None) -> list[str]:
    """The columns that :func:`further_numbers` reads."""
    read = [name for part in config.aggregates for name in (part.by, *part.columns)]
    read += [time] if time is not None and any(part.rows == "earlier" for part in config.aggregates) else []
    read += text if config.text_statistics else ()
    read += [image] if config.image_statistics and image is not None else []
    return list(dict.fromkeys(read))


def further_numbers(
    table: pl.DataFrame,
    config: FeatureConfig,
    aggregates: Sequence[GroupAggregates],
    text: Sequence[str],
    image: str | None,
    pictures: Mapping[str, bytes],
) -> dict[str, Floats]:
    """Numbers of each row by name, each of shape [rows], before they are scaled; a row's are of it alone.

    Args:
        table: The rows.
        config: Which numbers.
        aggregates: What training rows say of groups.
        text: The columns of prose.
        image: The column that names pictures.
        pictures: Name to picture file.
    """
    made: dict[str, Floats] = {}
    for part in aggregates:
        made |= part.transform(table)
    if config.text_statistics:
        statistics = text_statistics(joined_text(table, text), config.text_statistics)
        made |= {f"text: {name.replace('_', ' ')}": values for name, values in statistics.items()}
    if config.image_statistics and image is not None:
        names = table[image].cast(pl.String).to_list()
        measured = statistics_of_pictures(names, pictures, config.image_statistics)
        made |= {f"picture: {name.replace('_', ' ')}": values for name, values in measured.items()}
    return made
