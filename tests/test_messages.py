"""The table of messages."""

import pytest

from glint_unet.messages import TEXTS, set_language, text


def test_a_sentence_is_in_the_language_chosen_with_its_values():
    assert text("dataset", path="a.h5") == "Data set: a.h5"
    set_language("zh")
    assert text("dataset", path="a.h5") == "数据集: a.h5"


def test_chinese_sentences_are_chinese_and_english_ones_have_only_latin_letters():
    for key, (chinese, english) in TEXTS.items():
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese), key
        assert not any("\u4e00" <= character <= "\u9fff" for character in english), key


def test_an_unknown_language_is_a_bug():
    with pytest.raises(AssertionError):
        set_language("de")
