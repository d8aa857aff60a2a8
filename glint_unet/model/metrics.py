"""Detection and localisation metrics of glints, counted per glint and LED, in image pixels.

A prediction is *found* if its score reaches the threshold and its point is inside the image. In validation the
threshold is chosen by `best_threshold`; the checkpoint stores it, and a detector uses it (docs/adr/0011). A prediction
is *right* at r px if it is found, its LED is present, and it is within r px of the glint of that LED. For metrics
without identity, found predictions and present glints are paired one to one, nearest first, and a pair within r px is
right regardless of its LEDs.
"""

import torch
from torch import Tensor

from glint_unet.data.images import lies_inside

RIGHT_WITHIN_PX = 2.0
FURTHER_PX = (3.0, 5.0)
PRESENT_FROM_SCORE = 0.5
"""The threshold of models that store none, and of validation images without any glint."""

_CALIBRATION_BINS = 10
_NUM_THRESHOLDS = 20
_MOST_ERROR, _PREFERRED_THRESHOLD = 1.04, 0.6
LAPLACE_MEDIAN = 0.969  # of the distance under the density in model/votes.py, in units of its sigma: 1.678 b


class KeypointMetrics:
    """Collects the predictions of many batches and evaluates them once, so that no batch waits for the GPU.

    Args:
        image_size: (H, W) of the images: points outside are not found; None: they may lie anywhere.
    """

    def __init__(self, image_size: tuple[int, int] | None = None) -> None:
        self._image_size = image_size
        self._points: list[Tensor] = []
        self._scores: list[Tensor] = []
        self._sigmas: list[Tensor] = []
        self._truth: list[Tensor] = []

    def add(self, points: Tensor, scores: Tensor, sigmas: Tensor, truth: Tensor) -> None:
        """Adds a batch.

        Args:
            points, truth: (B, C, 2), (x, y) in image pixels; truth NaN where absent.
            scores: (B, C), 0..1.
            sigmas: (B, C), predicted standard deviations along x and along y in image pixels.
            truth: see points.
        """
        self._points.append(points)
        self._scores.append(scores)
        self._sigmas.append(sigmas)
        self._truth.append(truth)

    def best_threshold(self) -> float:
        """A threshold with nearly the greatest F1 within 2 px, right LED.

        Candidates are 0.05, 0.1, .. 0.95. Where F1 is flat, a threshold lower than necessary costs nothing here,
        but reports false glints on images unlike these; so, of those whose 1 - F1 is within 4% of the least, the one
        nearest to 0.6 is chosen. Where nothing is wrong at several of them, it is the middle one. On few images the
        choice flatters the figures of these same images. `PRESENT_FROM_SCORE` where no glint is present, or none right.
        """
        if not self._points:
            return PRESENT_FROM_SCORE
        points, scores, truth = self._collected()
        errors = (points - truth).norm(dim=-1)  # (N, C), NaN where absent
        num_present = int(errors.isfinite().sum())
        if not num_present:
            return PRESENT_FROM_SCORE
        candidates = torch.arange(1, _NUM_THRESHOLDS) / _NUM_THRESHOLDS
        found = self._is_found(points[:, :, None], scores[..., None], candidates)  # (N, C, candidates)
        right = (found & (errors <= RIGHT_WITHIN_PX)[..., None]).sum(dim=(0, 1))
        f1 = 2 * right / (found.sum(dim=(0, 1)) + num_present)
        if not right.any():
            return PRESENT_FROM_SCORE
        if f1.max() < 1:
            good = (1 - f1 < _MOST_ERROR * (1 - f1.max())).nonzero()[:, 0]
            chosen = good[(candidates[good] - _PREFERRED_THRESHOLD).abs().argmin()]
        else:
            good = (f1 == 1).nonzero()[:, 0]
            chosen = good[(len(good) - 1) // 2]
        return (int(chosen) + 1) / _NUM_THRESHOLDS

    def summary(self, threshold: float = PRESENT_FROM_SCORE) -> dict[str, float | None]:
        """The metrics over all batches; None where undefined.

        Args:
            threshold: lowest score of a found prediction.

        Returns:
            f1, precision, recall: within 2 px, with the correct LED.
            f1_3px, f1_5px: within 3 and 5 px, with the correct LED.
            f1_free: within 2 px, regardless of the LED.
            px_median, px_mean, px_p95: error in px of found glints that are present. A median or quantile is one of the
                values: the smallest that this share of them does not exceed.
            threshold: the argument; None if no glint is present.
            px_error: median error in px over *all* present glints, a missed one counted as infinite.
            presence: share of (image, LED) pairs whose presence or absence is predicted correctly.
            two_right: share, among images with at least two glints, of those with at least two right ones.
            calibration: expected calibration error of the score (Guo et al., ICML 2017, eq. 3), ten bins; the event is
                'LED present and within 2 px'.
            sigma_ratio: median of error / (0.969 sigma) of found glints that are present, sigma the predicted standard
                deviation; 1 if the prediction is calibrated, below 1 if it is too cautious.
            sigma_p95: 95% quantile in px of the predicted standard deviation of found glints.
            found_per_image: mean number of found glints; None if none is found.
        """
        if not self._points:
            return dict.fromkeys(_NAMES)
        points, scores, truth = self._collected()
        sigmas = torch.cat(self._sigmas).float().cpu()
        errors = (points - truth).norm(dim=-1)  # (N, C), NaN where absent
        found, present = self._is_found(points, scores, threshold), ~errors.isnan()
        right = found & (errors <= RIGHT_WITHIN_PX)
        num_found, num_present = int(found.sum()), int(present.sum())
        pairs = pair_without_identity(points, found, truth)
        num_free = int((pairs[2] <= RIGHT_WITHIN_PX).sum())
        located = errors[found & present]
        everywhere = torch.where(found, errors, torch.inf)[present]
        with_two = present.sum(dim=1) >= 2
        further = {
            f"f1_{limit:.0f}px": _ratio(2 * int((found & (errors <= limit)).sum()), num_found + num_present)
            for limit in FURTHER_PX
        }
        return {
            "f1": _ratio(2 * int(right.sum()), num_found + num_present),
            "precision": _ratio(int(right.sum()), num_found),
            "recall": _ratio(int(right.sum()), num_present),
            **further,
            "f1_free": _ratio(2 * num_free, num_found + num_present),
            "px_median": _quantile(located, 0.5),
            "px_mean": float(located.mean()) if len(located) else None,
            "px_p95": _quantile(located, 0.95),
            "threshold": threshold if num_present else None,
            "px_error": _quantile(everywhere, 0.5),
            "presence": float((found == present).float().mean()),
            "two_right": _ratio(int((right.sum(dim=1) >= 2)[with_two].sum()), int(with_two.sum())),
            "calibration": _calibration_error(scores, right | (present & (errors <= RIGHT_WITHIN_PX))),
            "sigma_ratio": _quantile((errors / (LAPLACE_MEDIAN * sigmas))[found & present], 0.5),
            "sigma_p95": _quantile(sigmas[found], 0.95),
            "found_per_image": num_found / len(points) if num_found else None,
        }

    def _collected(self) -> tuple[Tensor, Tensor, Tensor]:
        points, scores, truth = (torch.cat(parts).float().cpu() for parts in (self._points, self._scores, self._truth))
        return points, scores, truth

    def _is_found(self, points: Tensor, scores: Tensor, threshold: float | Tensor) -> Tensor:
        found = scores >= threshold
        return found if self._image_size is None else found & lies_inside(points, self._image_size)

    def confusion(self, threshold: float = PRESENT_FROM_SCORE) -> list[list[int]]:
        """Which LED each glint was taken for: entry [i][j] counts glints of LED i found within 2 px as LED j.

        Args:
            threshold: see `summary`.

        Returns:
            C rows of C + 1 counts; the last column counts the glints that no prediction was paired with.
        """
        points, scores, truth = self._collected()
        C = points.shape[1]
        found = self._is_found(points, scores, threshold)
        glint, predicted_led, distance = pair_without_identity(points, found, truth)
        near = distance <= RIGHT_WITHIN_PX
        counts = torch.zeros(C, C + 1, dtype=torch.long)
        true_led = torch.arange(C).repeat(len(points))
        taken_for = torch.full((len(points) * C,), C)
        taken_for[glint[near]] = predicted_led[near]
        present = truth.isfinite().all(dim=-1).flatten()
        counts.index_put_((true_led[present], taken_for[present]), torch.tensor(1), accumulate=True)
        return [[int(count) for count in row] for row in counts]


IN_LOG = ("f1", "precision", "recall", "f1_free", "px_median", "px_p95", "threshold")
ONLY_IN_JSON = (
    "f1_3px",
    "f1_5px",
    "px_mean",
    "px_error",
    "presence",
    "two_right",
    "calibration",
    "sigma_ratio",
    "sigma_p95",
    "found_per_image",
)
_NAMES = IN_LOG + ONLY_IN_JSON


def pair_without_identity(points: Tensor, found: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs found predictions and present glints of each image one to one, nearest first.

    Args:
        points, truth: (N, C, 2); found: (N, C) bool.

    Returns:
        For each pair: image * C + LED of the glint, LED of the prediction, distance in px.
    """
    N, C, _ = points.shape
    distances = (truth[:, :, None] - points[:, None]).norm(dim=-1)  # (N, glint, prediction)
    distances = torch.where(found[:, None] & ~distances.isnan(), distances, torch.inf)
    glints, predictions, nearest = [], [], []
    image = torch.arange(N)
    for _ in range(C):
        distance, index = distances.reshape(N, C * C).min(dim=1)
        glint, prediction = index // C, index % C
        paired = distance.isfinite()
        glints.append((image * C + glint)[paired])
        predictions.append(prediction[paired])
        nearest.append(distance[paired])
        distances[image, glint] = torch.inf
        distances[image, :, prediction] = torch.inf
    return torch.cat(glints), torch.cat(predictions), torch.cat(nearest)


def _calibration_error(scores: Tensor, event: Tensor) -> float:
    bins = (scores.flatten() * _CALIBRATION_BINS).long().clamp(0, _CALIBRATION_BINS - 1)
    sums = torch.zeros(2, _CALIBRATION_BINS)
    sums[0].index_add_(0, bins, scores.flatten())
    sums[1].index_add_(0, bins, event.flatten().float())
    return float((sums[0] - sums[1]).abs().sum() / scores.numel())


def _quantile(values: Tensor, share: float) -> float | None:
    """The smallest of the values that this share of them does not exceed; None where there is none or it is inf."""
    if not len(values):
        return None
    rank = max(1, -(-len(values) * round(share * 100) // 100))
    value = float(values.kthvalue(rank).values)
    return value if value < float("inf") else None


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
