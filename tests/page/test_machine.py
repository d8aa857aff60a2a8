import re

from glint_unet.page.machine import gpus, machine_lines


def test_the_machine_is_described_by_a_line_and_one_for_each_gpu():
    lines = machine_lines()
    assert len(lines) == 1 + len(gpus())
    assert re.search(r"\d+", lines[0])
