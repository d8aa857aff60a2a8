"""A checkpoint of a small network."""

import pytest

from glint_unet.runs.checkpoint_manager import CheckpointManager
from tests.network_files import ARGS, METRICS, network_and_optimizer


@pytest.fixture
def saved(tmp_path):
    """Its manager, path, network and optimizer."""
    network, optimizer = network_and_optimizer()
    manager = CheckpointManager(tmp_path)
    path = manager.save_checkpoint(7, network, optimizer, ARGS, METRICS)
    return manager, path, network, optimizer
