import hashlib

import numpy as np
import pytest
import torch

from glint_unet.data.origin import FileOrigin, StreamOrigin, origin_of
from glint_unet.data.sources import FileSource, MemorySource
from glint_unet.data.synthetic.stream import SyntheticStream
from glint_unet.errors import DatasetError, RigError

CPU = torch.device("cpu")


@pytest.fixture
def stream(tmp_path):
    rig = "[leds]\nnumber = 3\n[image]\nsize = 32\nstride = 2\n[stream]\nimages = 12\nvalidation = 4\n"
    (tmp_path / "rig.toml").write_text(rig)
    return f"synth:{tmp_path / 'rig.toml'}"


def test_a_file_is_examined_split_and_opened_as_the_cache_says(data):
    origin = origin_of(str(data), seed=3)
    assert isinstance(origin, FileOrigin)
    info, md5 = origin.examine()
    assert md5 == hashlib.md5(data.read_bytes()).hexdigest()
    split = origin.new_split(info, 0.2)
    assert (len(split.train), len(split.val)) == (16, 4)
    assert origin.choose_cache("auto", info, CPU, 1) == "ram"
    for cache, kind in (("ram", MemorySource), ("none", FileSource)):
        source = origin.open(info, cache, num_workers=0, device=CPU)
        assert type(source) is kind
        rows = [split.train]
        assert source.rows_of_epoch(rows, 7) is rows
        source.close()


def test_a_rig_brings_its_own_split_and_is_never_held(stream):
    origin = origin_of(stream, seed=3)
    assert isinstance(origin, StreamOrigin)
    info, _ = origin.examine()
    split = origin.new_split(info, 0.5)
    assert (len(split.train), len(split.val)) == (12, 4)
    assert origin.choose_cache("ram", info, CPU, 2) == "none"
    source = origin.open(info, "none", num_workers=0, device=CPU)
    assert isinstance(source, SyntheticStream)
    assert not np.isin(source.rows_of_epoch([split.train], 2)[0], split.train).any()


def test_every_source_describes_itself_and_says_what_would_be_faster(data, stream, shm_root):
    lines = {}
    for h5, caches in ((str(data), ("ram", "shared", "device", "none")), (stream, ("none",))):
        origin = origin_of(h5, seed=0)
        info, _ = origin.examine()
        for cache in caches:
            source = origin.open(info, cache, num_workers=0, device=CPU)
            lines[source.describe()] = source.hint()
            source.close()
    assert len(lines) == 5
    assert [name for name in lines if "created" in name]
    assert {"--no_preload" in hint for hint in lines.values()} == {True, False}


def test_a_missing_file_and_a_missing_rig_are_refused():
    with pytest.raises(DatasetError, match="No such data set"):
        origin_of("none.h5", seed=0).examine()
    with pytest.raises(RigError):
        origin_of("synth:none.toml", seed=0).examine()
