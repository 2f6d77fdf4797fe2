"""Numbers as people and the exports of ad platforms write them: ``1,234.50``, ``$12``, ``12.5 %``, ``(3.00)``, ``1.234,50 €``.

Which mark is the decimal one is a matter of the whole file and never guessed while it is read: a lone ``1.234`` says nothing.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

DecimalMark = Literal[".", ","]
OTHER: dict[DecimalMark, DecimalMark] = {".": ",", ",": "."}
_CURRENCY = r"(?:[A-Z]{0,3}[$€£¥₹₩₺]|[A-Z]{3})"
_SIGN = r"[-+−]?"


def parse_numbers(cells: pl.Series, decimal: DecimalMark = ".") -> pl.Series:
    """Texts as numbers; missing where a text is none.

    Thousands may be parted by the other mark, by spaces or apostrophes, in groups of three (``1,23,456`` too). A currency or a
    per cent sign may stand at either end; ``12.5 %`` is 12.5. Parentheses mean less than nothing.

    Args:
        cells: Texts without blanks at their ends.
        decimal: What parts a number from its fraction.

    Returns:
        Float64 of the same length and name.
    """
    return with_units(cells, decimal)[0]


def with_units(cells: pl.Series, decimal: DecimalMark = ".") -> tuple[pl.Series, set[str]]:
    """As :func:`parse_numbers`, and what the numbers but 0 count: currencies, ``%``, or ``""`` where cells do not say."""
    plain = (cells if decimal == "." else cells.set(cells.str.contains(".", literal=True), None)).cast(pl.Float64, strict=False)
    units = {""} if (plain != 0).any() else set()
    rest = cells.is_not_null() & plain.is_null()
    if not rest.any():
        return plain, units
    written = cells.set(~(rest & cells.str.contains(_pattern(decimal))), None)
    digits = written.str.replace_all(rf"[^0-9{decimal}]", "").str.replace(",", ".", literal=True)
    values = digits.cast(pl.Float64, strict=False)
    is_negative = written.str.contains(r"[-−(]").fill_null(value=False)
    counted = written.filter((values != 0).fill_null(value=False)).str.extract(rf"(%|{_CURRENCY})")
    units |= set(counted.fill_null("").unique().to_list())
    return plain.zip_with(~rest, (-values).zip_with(is_negative, values)), units


def _pattern(decimal: DecimalMark) -> str:
    mark = OTHER[decimal].replace(".", r"\.")
    grouped = "|".join(rf"[1-9][0-9]{{0,2}}(?:{part}[0-9]{{3}})+" for part in (mark, "['’]", "[ \u00a0\u202f]"))
    whole = rf"(?:[0-9]+|{grouped}|[1-9][0-9]?(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}})"
    point = decimal.replace(".", r"\.")
    number = rf"(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)"
    before = rf"(?:{_SIGN}\s*(?:{_CURRENCY})?|{_CURRENCY}\s*{_SIGN})"
    body = rf"(?:{before}\s*{number}\s*(?:%|{_CURRENCY})?)"
    return rf"^(?:{body}|\(\s*{body}\s*\))$"
