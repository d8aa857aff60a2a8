"""Tables on the console."""

from glint_unet.cli.tables import aligned, as_csv


def test_columns_are_aligned_in_terminal_cells():
    assert aligned([["名", "n"], ["abc", "12"]]) == ["名    n", "abc  12"]


def test_csv_quotes_and_leaves_unknown_cells_empty():
    assert as_csv([{"a": 'x,"y"', "b": None}]) == 'a,b\n"x,""y""",\n'
    assert as_csv([]) == ""
