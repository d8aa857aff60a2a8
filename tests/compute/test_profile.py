"""`--profile`."""

import json

from glint_unet.training.loop import train
from tests.run_files import settings


def test_a_profile_of_the_steps_is_written(data, tmp_path):
    train(settings(data, tmp_path / "run", epochs=3, batch=4, profile=2))
    events = json.loads((tmp_path / "run/profile.json").read_text())["traceEvents"]
    steps = {event["name"] for event in events if str(event.get("name")).startswith("ProfilerStep")}
    assert len(steps) == 2
    assert any("convolution" in str(event.get("name")) for event in events)
