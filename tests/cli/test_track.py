"""`glint-unet track`; what it sends: tests/tracking."""


def test_mistakes_are_one_line(command, finished, tmp_path):
    for words in ([finished], [finished, "--tracker", "comet"], [tmp_path, "--tracker", "tensorboard"], []):
        status, out, err = command("track", *words, "--lang", "en")
        assert (status, out, err.count("\n")) == (2, "", 1)
