import pytest

from glint_unet.errors import PageError
from glint_unet.page.context import Context, inside


def test_what_is_below_a_root_is_found(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "inner").symlink_to(tmp_path / "a b")
    assert inside(tmp_path, "a b") == inside(tmp_path, "inner") == (tmp_path / "a b").resolve()
    assert Context(tmp_path).run_path("a b").is_dir()


@pytest.mark.parametrize("name", ["..", "../root", "/etc", "out", "out/x", "nothing", "%2e%2e", "\0", "a" * 5000])
def test_what_is_elsewhere_is_refused(tmp_path, name):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "x").write_text("secret")
    (root / "out").symlink_to(tmp_path)
    if name == "../root":
        assert inside(root, name) == root.resolve()
        return
    with pytest.raises(PageError):
        inside(root, name)
