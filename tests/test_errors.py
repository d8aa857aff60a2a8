"""The exceptions for mistakes of the user."""

import pickle
import re
from pathlib import Path

from glint_unet import errors
from glint_unet.errors import DatasetError, GlintError, one_line, shortened, some
from glint_unet.messages import set_language


def test_the_docstring_draws_every_kind():
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, GlintError)}
    assert set(re.findall(r"\w+Error", errors.__doc__)) - {"AssertionError"} == kinds
    for name in kinds:
        assert issubclass(getattr(errors, name), GlintError)


def test_a_mistake_is_worded_in_the_language_of_the_moment_it_is_read():
    error = DatasetError("dataset_missing_file", path="eyes.h5")
    english = str(error)
    set_language("zh")
    assert str(error) != english
    assert "eyes.h5" in str(error)


def test_a_mistake_in_another_process_comes_back_as_itself():
    error = pickle.loads(pickle.dumps(DatasetError("dataset_missing_file", path="eyes.h5")))
    assert type(error) is DatasetError
    assert str(error) == str(DatasetError("dataset_missing_file", path="eyes.h5"))


def test_a_foreign_reason_is_one_line_of_limited_length():
    assert one_line(ValueError("a\n  b\t c")) == "a b c"
    assert len(one_line(ValueError("x" * 1000), most=200)) == 200


def test_a_long_value_loses_its_middle_in_the_line():
    line = str(DatasetError("dataset_missing_file", path=Path("first" + "x" * 5000 + "last")))
    assert "first" in line
    assert "last" in line
    assert len(line) < 500
    assert shortened("x" * 400) == "x" * 400
    assert len(shortened("x" * 401)) == 400


def test_a_command_is_never_shortened():
    command = "pip install " + "x" * 5000
    assert command in str(GlintError("package_missing", name="cv2", command=command))


def test_some_names_are_few_and_short():
    assert some(["a", "b"]) == "a, b"
    assert some(["x" * 5000] * 9).endswith("xxx, ...")
    assert len(some(["x" * 5000] * 9)) < 250
