"""Figures and their floors as a table, for every benchmark that has some."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.floors import Figure


def print_figures(
    console: Console,
    figures: Sequence[Figure],
    *,
    title: str = "floors",
    value_format: str = ".3f",
    limit_format: str = ".2f",
) -> None:
    """Print a line for each figure.

    Args:
        console: Where to.
        figures: What was measured.
        title: Of the table.
        value_format: Of a measured value.
        limit_format: Of a floor.
    """
    table = Table("figure", "measured", "floor", "", "from", title=title)
    for figure in figures:
        value = "-" if figure.value is None else format(figure.value, value_format)
        limit = "-" if figure.limit is None else f"{figure.sense} {figure.limit:{limit_format}}"
        table.add_row(figure.name, value, limit, figure.verdict, figure.detail)
    console.print(table)
