#!/usr/bin/env python3
"""Test the training system from a user's perspective: `python test_training_system.py` runs tests/system."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Runs the system tests; returns pytest's exit status."""
    root = Path(__file__).resolve().parent
    return subprocess.call([sys.executable, "-m", "pytest", "tests/system", *sys.argv[1:]], cwd=root)


if __name__ == "__main__":
    raise SystemExit(main())
