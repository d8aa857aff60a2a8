"""The short form of benchmarks/fuzz.py; `make torture` runs 10,000 cases."""


def test_random_command_lines_and_calls_end_as_documented(script):
    done = script("benchmarks/fuzz.py", "--num", 120, "--only", "commands,calls")
    assert done.returncode == 0, done.stderr
    assert "0 failures in 120 cases" in done.stdout
