"""Chooses frames of an input evenly, and which of them are held out to judge the models on."""

from collections.abc import Iterator
from typing import NamedTuple

from glint_unet.data.media import Frame, Media

_MANY_FRAMES = 100


class Chosen(NamedTuple):
    """A frame to adapt to.

    Attributes:
        place: index among the chosen frames, from 0.
        frame: the frame, perhaps broken.
        is_held_back: whether the frame is kept out of training.
    """

    place: int
    frame: Frame
    is_held_back: bool


def choose_frames(media: Media, most: int) -> Iterator[Chosen]:
    """At most `most` evenly spaced frames; every tenth is held out, of fewer than 100 frames every fifth.

    Args:
        media: the input; the same frames are chosen each time.
        most: number of frames at most.
    """
    every = 10 if min(media.num_frames, most) >= _MANY_FRAMES else 5
    for place, frame in enumerate(media.evenly_spaced(most)):
        yield Chosen(place, frame, place % every == every // 2)
