#!/usr/bin/env python3
"""Train a glint detector: `python train_glint_unet.py --h5 train_256.h5 --epochs 50`.

The public classes of `glint_unet`, such as `TrainingLogger` and `CheckpointManager`, can also be imported from here.
"""

import sys
from collections.abc import Sequence
from typing import Any

import glint_unet
from glint_unet.cli.exit_status import guarded


def __getattr__(name: str) -> Any:
    """Imports the public classes of the package on first use, so that --help stays fast."""
    return getattr(glint_unet, name)


def _train(argv: Sequence[str]) -> int:
    from glint_unet.cli import train

    return train.run(argv, prog="train_glint_unet.py")


def main() -> int:
    """Runs the command; returns its exit status."""
    return guarded(_train, sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
