#!/usr/bin/env python3
"""Show and remove shared copies of data sets: `python shm_manager.py --list`."""

import sys
from collections.abc import Sequence

from glint_unet.cli.exit_status import guarded


def _manage(argv: Sequence[str]) -> int:
    from glint_unet.cli import shm

    return shm.run(argv, prog="shm_manager.py")


def main() -> int:
    """Runs the command; returns its exit status."""
    return guarded(_manage, sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
