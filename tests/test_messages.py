"""The table of messages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glint_unet.config import TrainConfig
from glint_unet.messages import TEXTS, environment_language, set_language, text

ROOT = Path(__file__).resolve().parent.parent
OF_THE_LANGUAGE = ("GLINT_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def test_a_sentence_is_in_the_language_chosen_with_its_values():
    assert text("dataset", path="a.h5") == "Data set: a.h5"
    set_language("zh")
    assert text("dataset", path="a.h5") == "数据集: a.h5"


def test_chinese_sentences_are_chinese_and_english_ones_have_only_latin_letters():
    for key, (chinese, english) in TEXTS.items():
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese), key
        assert not any("\u4e00" <= character <= "\u9fff" for character in english), key


def test_an_unknown_language_is_refused_in_one_line_and_changes_nothing():
    with pytest.raises(ValueError, match="--lang 'de' is not a valid choice; choose one of: zh, en"):
        set_language("de")
    assert text("dataset", path="a.h5") == "Data set: a.h5"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "zh_TW.Big5"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "C", "LC_MESSAGES": "zh_CN.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"GLINT_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
        ({"GLINT_LANG": "zh", "LC_ALL": "C"}, "zh"),
        ({"GLINT_LANG": "", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_environment(monkeypatch, environment, language):
    for name in OF_THE_LANGUAGE:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert environment_language() == language


def test_the_language_set_is_the_default_of_a_training():
    assert TrainConfig().lang == "en"
    set_language("zh")
    assert TrainConfig().lang == "zh"
    assert TrainConfig(lang="en").lang == "en"


@pytest.mark.parametrize(("locale", "said"), [("zh_CN.UTF-8", "数据集文件不存在"), ("C", "No such data set file")])
def test_a_program_and_a_command_speak_the_language_of_the_locale(locale, said):
    program = "from glint_unet.errors import DatasetError as E; print(E('dataset_missing_file', path='none.h5'))"
    kept = {name: value for name, value in os.environ.items() if name not in OF_THE_LANGUAGE}
    for words in (["-c", program], ["-m", "glint_unet", "check", "none.h5"]):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env={**kept, "LC_ALL": locale, "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert said in done.stdout + done.stderr
