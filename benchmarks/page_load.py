"""The page of a lab with many runs: first paint, time until the list is there, memory of the server.

Protocol. Directories with the small files of a run are made as `benchmarks/list_runs.py` makes them, a tenth of them
damaged. `glint-unet ui` serves them; a new tab of Chromium opens the list several times. First paint is what the
browser reports (first-contentful-paint); the list is there when its first row is. The first visit reads all runs.

    python benchmarks/page_load.py [--runs 500] [--visits 5]
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from list_runs import make_run
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--visits", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, {arguments.runs} runs")
    with tempfile.TemporaryDirectory(prefix="glint_page_") as directory:
        for number in range(arguments.runs):
            make_run(Path(directory) / f"run_{number}", number)
        words = [sys.executable, "-m", "glint_unet", "ui", "--runs", directory, "--port", "0", "--lang", "en"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        started = time.monotonic()
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment, text=True) as server:
            assert server.stdout
            address = server.stdout.readline().split()[1]
            print(f"start of the server: {time.monotonic() - started:.1f} s")
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
                first, *others = [visit(browser, address) for _ in range(1 + arguments.visits)]
                browser.close()
            paint, shown = (statistics.median(values) for values in zip(*others, strict=True))
            print(f"first visit: first paint {first[0]:.2f} s, list {first[1]:.2f} s")
            print(f"median of {len(others)} visits: first paint {paint:.2f} s, list {shown:.2f} s")
            print(f"memory of the server: {psutil.Process(server.pid).memory_full_info().pss / 1e6:.0f} MB (PSS)")
            server.terminate()


def visit(browser: Browser, address: str) -> tuple[float, float]:
    """Seconds until the first paint, and until the first row of the list."""
    page = browser.new_page()
    started = time.monotonic()
    page.goto(address)
    page.get_by_role("link", name="run_").first.wait_for()
    shown = time.monotonic() - started
    paint = page.evaluate(PAINT) / 1000
    page.close()
    return paint, shown


if __name__ == "__main__":
    main()
