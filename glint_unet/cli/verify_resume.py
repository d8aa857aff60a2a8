"""`glint-unet verify-resume`: trains, kills, resumes, and compares with an uninterrupted run."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glint_unet.cli.arguments import parse
from glint_unet.cli.config_file import with_config_file
from glint_unet.cli.train import parse_training
from glint_unet.config import TrainConfig
from glint_unet.errors import DatasetError, SettingError
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting, setting

_OWN = ("--h5", "--epochs", "--output_dir", "--output-dir", "--resume")


@dataclass(frozen=True)
class VerifyArguments(Settings):
    """Verify on your data and machine that a killed and resumed run ends exactly like an uninterrupted one.

    Further flags of `train` follow after a bare --, e.g. -- --loss dice --no_preload --num_workers 2
    """

    h5: str = ""
    """Data set."""
    epochs: int = setting(2, low=1, high=100_000)
    """Number of epochs of each of the two runs."""
    kills: int = setting(3, low=1, high=1000)
    """Number of times the second run is killed (SIGKILL) and resumed."""
    seed: int = setting(0, low=0, high=2**32 - 1)
    """Random seed of the instants of the kills."""
    work_dir: str | None = None
    """Empty directory for the two runs. Default: a temporary one, removed at the end."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = VerifyArguments


def run(argv: Sequence[str]) -> int:
    """Prints the verdict; returns 1 if the two runs differ."""
    end = list(argv).index("--") if "--" in argv else len(argv)
    arguments, flags = parse(VerifyArguments, argv[:end], "glint-unet verify-resume"), list(argv[end + 1 :])
    if not arguments.h5:
        raise SettingError("h5_required")
    if taken := [flag for flag in flags if flag.split("=")[0] in _OWN]:
        raise SettingError("verify_flag_taken", flags=", ".join(taken))
    from glint_unet.data.origin import origin_of

    origin_of(arguments.h5, arguments.seed).examine()  # refused here, before anything is created
    flags = ["--h5", arguments.h5, "--epochs", str(arguments.epochs), "--lang", arguments.lang, *flags]
    flags += ["--threads", str(_num_threads(flags))]
    if arguments.work_dir is None:
        with tempfile.TemporaryDirectory(prefix="glint_verify_") as temporary:
            return _verify(arguments, flags, Path(temporary))
    work_dir = Path(arguments.work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    if any(work_dir.iterdir()):
        raise DatasetError("directory_not_empty", path=work_dir)
    return _verify(arguments, flags, work_dir)


def _num_threads(flags: list[str]) -> int:
    """The number of threads of both runs, because sums depend on it: as in the flags, or chosen once for both."""
    from glint_unet.compute.threads import choose_threads

    config = parse_training(with_config_file(flags, TrainConfig), "glint-unet train", TrainConfig())
    return choose_threads(config.threads, config.processes).num


def _verify(arguments: VerifyArguments, flags: list[str], work_dir: Path) -> int:
    from glint_unet.training.verify_resume import verify_resume

    verdict = verify_resume(flags, work_dir, arguments.kills, arguments.seed, print)
    if verdict.differences:
        listed = ", ".join(verdict.differences[:10])
        print(text("verify_differs", kills=verdict.kills, num=len(verdict.differences), listed=listed))
        return 1
    print(text("verify_same", kills=verdict.kills))
    return 0
