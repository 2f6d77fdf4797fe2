"""Immutable versions of datasets: kept in the store, listed, compared and given out again."""
