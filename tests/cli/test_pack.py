"""`glint-unet pack` as a user runs it."""

import json


def test_files_skipped_for_one_cause_are_named_three_times_and_counted(tmp_path, command):
    for k in range(40):
        (tmp_path / f"eye_{k:02d}.json").write_text(json.dumps({"shapes": [], "imagePath": f"eye_{k:02d}.png"}))
    (tmp_path / "other.json").write_text("{")
    status, out, err = command("pack", "--in_dir", tmp_path, "--out_h5", tmp_path / "out.h5", "--lang", "en")
    assert status == 2
    assert "None of the 41 annotation files" in err
    lines = out.splitlines()
    assert sum(line.startswith("Skipped") and "eye_" in line for line in lines) == 3
    assert sum(line.startswith("37 more files skipped") and "eye_39" in line for line in lines) == 1
    assert sum(line.startswith("Skipped") and "other.json" in line for line in lines) == 1
