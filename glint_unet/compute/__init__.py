"""Where and with whom a run computes: device, group of processes, stop signals, profile."""
