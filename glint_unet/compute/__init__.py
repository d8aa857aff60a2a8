"""The execution environment of a run: device, process group, stop signals, profiler."""
