import json

from glint_unet.page.sweep_view import read_table, sweep_directories


def make_sweep(directory):
    directory.mkdir(parents=True)
    (directory / "sweep.json").write_text(json.dumps({"objective": "f1"}))
    (directory / "sweep.csv").write_text("trial,loss,f1,runs\n0,focal,0.5,a\n1,bce,,\n")


def test_sweeps_are_found_below_a_directory_and_links_are_not_followed(tmp_path):
    make_sweep(tmp_path / "deep" / "one")
    (tmp_path / "link").symlink_to(tmp_path / "deep")
    assert list(sweep_directories(tmp_path)) == [tmp_path / "deep" / "one"]
    assert list(sweep_directories(tmp_path / "nowhere")) == []


def test_a_missing_or_damaged_table_is_no_error(tmp_path):
    assert read_table(tmp_path / "none.csv") == []
    (tmp_path / "bad.csv").write_bytes(b"\xff\x00,a\n1")
    assert len(read_table(tmp_path / "bad.csv")) <= 1


def test_a_sweep_shows_its_trials(page, served):
    make_sweep(served.runs / "my sweep")
    page.goto(f"{served.address}/sweeps")
    page.get_by_role("link", name="my sweep").click()
    page.get_by_role("cell", name="focal").wait_for()
    page.get_by_text("objective").first.wait_for()
