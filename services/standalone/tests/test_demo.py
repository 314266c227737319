"""The demo computes what the stations' files say, against a real server."""

import csv
from io import StringIO
from pathlib import Path
from statistics import mean

import pytest
from rich.console import Console

import sextant_standalone.demo
from sextant_standalone.demo import show_demo

DATA = Path(sextant_standalone.demo.__file__).with_name("data")


async def test_the_federated_average_is_the_average_of_all_rows() -> None:
    ages = [
        float(row["age"])
        for file in DATA.glob("*.csv")
        for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    ]
    shown = StringIO()

    result = await show_demo(Console(file=shown, width=100))

    assert result == {"average": pytest.approx(mean(ages)), "count": len(ages)}
    assert f"{mean(ages):.2f}" in shown.getvalue()
