"""`--profile`."""

import json

import pytest

from glint_unet.training.loop import train
from tests.run_files import settings


def test_a_profile_of_the_steps_is_written(data, tmp_path):
    train(settings(data, tmp_path / "run", epochs=3, batch=4, profile=2))
    events = json.loads((tmp_path / "run/profile.json").read_text())["traceEvents"]
    steps = {event["name"] for event in events if str(event.get("name")).startswith("ProfilerStep")}
    assert len(steps) == 2
    assert any("convolution" in str(event.get("name")) for event in events)


@pytest.mark.parametrize("profile", [1, 3, 20])
def test_a_run_of_few_steps_is_profiled_too(data, tmp_path, profile):
    train(settings(data, tmp_path / "run", epochs=1, batch=8, profile=profile))
    events = json.loads((tmp_path / "run/profile.json").read_text())["traceEvents"]
    assert any("aten::" in event.get("name", "") for event in events)
