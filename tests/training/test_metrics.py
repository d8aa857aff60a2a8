import torch

from glint_unet.training.metrics import KeypointMetrics

NAN = torch.nan


def test_right_missed_wrong_and_invented_glints_are_counted():
    truth = torch.tensor([[[10.0, 10.0], [20.0, 20.0], [30.0, 30.0], [NAN, NAN], [NAN, NAN]]])
    points = torch.tensor([[[10.0, 11.0], [20.0, 25.0], [30.0, 30.0], [40.0, 40.0], [0.0, 0.0]]])
    scores = torch.tensor([[0.9, 0.9, 0.1, 0.9, 0.1]])  # right, 5 px off, missed, invented, rightly silent
    metrics = KeypointMetrics()
    metrics.add(points, scores, truth)
    summary = metrics.summary()
    assert summary["precision"] == 1 / 3
    assert summary["recall"] == 1 / 3
    assert summary["f1"] == 1 / 3
    assert summary["px_median"] in (1.0, 5.0)


def test_batches_add_up():
    metrics = KeypointMetrics()
    for error in (0.0, 0.5, 1.0):
        metrics.add(torch.tensor([[[error, 0.0]]]), torch.ones(1, 1), torch.zeros(1, 1, 2))
    assert metrics.summary() == {"f1": 1.0, "precision": 1.0, "recall": 1.0, "px_median": 0.5}


def test_nothing_to_count_is_none_not_a_perfect_score():
    metrics = KeypointMetrics()
    assert set(metrics.summary().values()) == {None}
    metrics.add(torch.zeros(1, 1, 2), torch.zeros(1, 1), torch.full((1, 1, 2), NAN))
    assert set(metrics.summary().values()) == {None}
