"""`glint-unet sweep`: trains with many settings, some runs at a time, and reports the best."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from glint_unet.cli.arguments import flags_on_line, known_flags, parse, suggestions
from glint_unet.cli.config_file import with_config_file
from glint_unet.cli.train import parse_training
from glint_unet.config import TrainConfig
from glint_unet.errors import SettingError
from glint_unet.messages import set_language, text
from glint_unet.settings import Settings, language_setting, setting

if TYPE_CHECKING:
    from glint_unet.experiments.sweep_plan import Slot, SweepPlan
    from glint_unet.experiments.sweep_space import Space
    from glint_unet.experiments.sweep_study import SweepStudy

_PROG = "glint-unet sweep"
_DEFAULT_TRIALS = 20
_SET_BY_SWEEP = ("resume", "allow_changed", "best_metric", "gpu", "cleanup_shm", "model_path", "save")
_NOT_VARIED = (*_SET_BY_SWEEP, "h5", "output_dir", "config", "lang", "progress", "seed", "threads", "processes")
_WHERE_DATA_IS_HELD = frozenset({"cache", "shared_memory", "preload"})
_CHANGES_THE_LOSS = (
    "loss", "alpha", "gamma", "lam_votes", "lam_focal", "lam_bce", "lam_dice", "div_weight", "div_mode", "lam_agg",
    "agg_mode", "agg_wF", "agg_wB", "agg_wD", "targets", "sigma_px", "arch", "class_free", "recipe",
)  # fmt: skip


@dataclass(frozen=True)
class SweepArguments(Settings):
    """Search for the best settings: trains once for each combination, some runs at a time.

    All other flags are those of `train` and hold for every run. To continue a sweep that was interrupted or killed, run
    the same command again.
    """

    output_dir: str = ""
    """Directory of the sweep; each trial is a run directory in it."""
    set: str = setting("", is_path=False)
    """A setting to vary; repeat the flag for more. NAME=VALUE,VALUE,... or NAME=LOW..HIGH, :log for a log scale."""
    trials: int = setting(0, low=0, high=100_000)
    """Number of combinations to try. Default: all of them if every setting has a list, otherwise 20."""
    seeds: int = setting(1, low=1, high=100)
    """Runs of each combination, with different random seeds; the mean counts, and the spread is reported."""
    metric: Literal["f1", "px_error", "total"] = "f1"
    """Validation metric to optimise, at the best epoch of each run."""
    prune: bool = False
    """Stop runs that are worse than the median of the others at the same epoch."""
    retry_failed: bool = False
    """When a sweep is continued, repeat its failed trials, as new trials with the same settings."""
    parallel: int = setting(0, low=0, high=1024)
    """Runs at a time. Default: 1, or as many as fit on --gpus. On the CPU the cores are divided among them."""
    gpus: str | None = setting(None, is_path=False)
    """GPUs to use: 0,1,..."""
    per_gpu: int = setting(1, low=1, high=64)
    """Runs at a time on each GPU."""
    engine: Literal["local", "slurm"] = "local"
    """Where the runs are trained: on this machine, or as jobs of a Slurm cluster."""
    slurm: str = setting("", is_path=False)
    """Options of the jobs, e.g. partition=gpu,gpus_per_node=1,cpus_per_task=8,timeout_min=240,mem_gb=16."""
    config: str | None = None
    """TOML file with flags of sweep and train, and a table [set]; flags override it."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = SweepArguments


def run(argv: Sequence[str]) -> int:
    """Runs the sweep; returns 1 if no trial is complete, and 128 + the signal number if it was stopped by a signal."""
    own, training = _split(argv)
    given = flags_on_line(TrainConfig, training)  # by the user, not by the file
    line = with_config_file(argv, TrainConfig, SweepArguments, not_of_a_run=_SET_BY_SWEEP)
    own, training = _split(line)
    arguments = parse(SweepArguments, own, _PROG)
    set_language(arguments.lang)
    from glint_unet.compute.stop_signals import Interrupted
    from glint_unet.experiments.sweep_space import Space

    space = Space.parse(_values(own, "set"))
    _check_flags(arguments, training, space, given)
    options = _job_options(arguments)
    plan = _plan(arguments, space, training, int(options.get("cpus_per_task", 1)))
    from glint_unet.cli.sweep_view import ConsoleView
    from glint_unet.experiments.sweep import sweep
    from glint_unet.experiments.sweep_engine import LocalEngine
    from glint_unet.experiments.sweep_report import write_table
    from glint_unet.experiments.sweep_slurm import SubmititEngine

    view = ConsoleView(plan)
    is_local = arguments.engine == "local"
    try:
        study = sweep(plan, LocalEngine if is_local else lambda: SubmititEngine(plan.directory, options), view)
    except Interrupted as interrupted:
        view.say(text("sweep_interrupted", path=plan.directory))
        return 128 + interrupted.signal_number
    write_table(plan, study.results())
    return _report(plan, study)


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of the sweep's own flags, and all others, which are those of `train`."""
    switches = {field.name: field.type is bool for field in dataclasses.fields(SweepArguments)}
    own: list[str] = []
    training: list[str] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        name = word.lstrip("-").partition("=")[0].replace("-", "_")
        is_own = word.startswith("-") and (name.removeprefix("no_") in switches or name in ("h", "help"))
        (own if is_own else training).append(word)
        if is_own and words and "=" not in word and switches.get(name) is False:
            own.append(words.pop(0))
    return own, training


def _values(words: Sequence[str], flag: str) -> list[str]:
    """Every value of a flag that may be repeated."""
    values = []
    for word, following in zip(words, [*words, ""][1:], strict=True):
        if word.partition("=")[0] == f"--{flag}":
            values.append(word.partition("=")[2] if "=" in word else following)
    return values


def _check_flags(arguments: SweepArguments, training: Sequence[str], space: "Space", given: frozenset[str]) -> None:
    """Refuses flags that are unknown, set by the sweep itself, or in contradiction to --set."""
    known = [*known_flags(SweepArguments), *known_flags(TrainConfig)]
    for word in training:
        flag = word.partition("=")[0]
        name = flag.lstrip("-").replace("-", "_")
        if flag.startswith("--") and name not in known:
            close = ", ".join(f"--{one}" for one in suggestions(name, known))
            raise SettingError("flag_unknown", flag=flag, hint=f" ({close}?)" if close else "", prog=_PROG)
    if not arguments.output_dir:
        raise SettingError("sweep_without_directory")
    if not space.parameters:
        raise SettingError("sweep_nothing_to_vary")
    if taken := flags_on_line(TrainConfig, training) & set(_SET_BY_SWEEP):
        raise SettingError("sweep_flag_taken", flags=", ".join(f"--{name}" for name in sorted(taken)))
    if unfit := [name for name in space.names if name in _NOT_VARIED]:
        raise SettingError("sweep_not_varied", names=", ".join(unfit))
    if twice := [name for name in space.names if name in given]:
        raise SettingError("sweep_given_twice", name=twice[0])
    if arguments.metric == "total" and (names := [name for name in space.names if name in _CHANGES_THE_LOSS]):
        raise SettingError("sweep_total_differs", names=", ".join(names))


def _job_options(arguments: SweepArguments) -> dict[str, str | int]:
    """The options of --slurm; numbers as such."""
    misplaced = ("gpus", "per_gpu") if arguments.engine == "slurm" else ("slurm",)
    if flags := [name for name in misplaced if getattr(arguments, name) != getattr(SweepArguments(), name)]:
        listed = ", ".join(f"--{name}" for name in flags)
        raise SettingError("sweep_engine_flags", flags=listed, engine=arguments.engine)
    options: dict[str, str | int] = {}
    for part in filter(None, arguments.slurm.split(",")):
        name, is_assignment, value = part.partition("=")
        if not is_assignment or not name.isidentifier() or not value:
            raise SettingError("sweep_slurm_form", value=part)
        options[name] = int(value) if value.isdecimal() else value
    return options


def _plan(arguments: SweepArguments, space: "Space", training: Sequence[str], job_cores: int) -> "SweepPlan":
    """Checks every value that a trial may get, and the data set, before anything is written."""
    from glint_unet.data.origin import origin_of
    from glint_unet.data.synthetic.stream import is_stream
    from glint_unet.experiments.sweep_plan import SweepPlan
    from glint_unet.experiments.sweep_space import flags_of

    config = parse_training(training, _PROG, TrainConfig())
    for parameter in space.parameters:
        for value in parameter.examples():
            parse_training([*training, *flags_of({parameter.name: value})], _PROG, TrainConfig())
    if not config.h5:
        raise SettingError("h5_required")
    slots, more = _slots(arguments, config, job_cores), []
    given = flags_on_line(TrainConfig, training)
    if not given & _WHERE_DATA_IS_HELD and not is_stream(config.h5):
        more.append("--shared_memory")
    if len(slots) > 1 and "num_workers" not in given:
        more.append(f"--num_workers={min(config.num_workers, slots[0].threads * config.processes)}")
    grid = space.grid()
    most = len(grid) if grid else arguments.trials or _DEFAULT_TRIALS
    _, md5 = origin_of(config.h5, config.seed).examine()
    return SweepPlan(
        directory=Path(arguments.output_dir),
        flags=tuple(training),
        more_flags=tuple(more),
        config=dataclasses.replace(config, lang=arguments.lang),
        dataset_md5=md5,
        space=space,
        num_trials=min(arguments.trials or most, most),
        num_seeds=arguments.seeds,
        metric=arguments.metric,
        prune=arguments.prune,
        retry_failed=arguments.retry_failed,
        slots=slots,
    )


def _slots(arguments: SweepArguments, config: TrainConfig, job_cores: int) -> tuple["Slot", ...]:
    """The places for runs: those on the GPUs in turn, shares of the cores of this machine, or jobs."""
    from glint_unet.compute.device import choose_device, gpu_numbers
    from glint_unet.compute.group import Group
    from glint_unet.experiments.sweep_plan import Slot

    numbers = [str(number) for number in gpu_numbers(dataclasses.replace(config, gpu=arguments.gpus))]
    places = numbers * arguments.per_gpu
    if arguments.per_gpu > 1 and not places:
        raise SettingError("sweep_per_gpu", value=arguments.per_gpu)
    num = arguments.parallel or len(places) or 1
    if places and num > len(places):
        raise SettingError("sweep_parallel", value=num, gpus=arguments.gpus, per_gpu=arguments.per_gpu)
    for number in numbers:
        choose_device(dataclasses.replace(config, gpu=number), Group())
    if arguments.engine == "slurm":
        return (Slot(None, job_cores),) * num
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = max(1, cores // (num * config.processes)) if num > 1 else 0
    return tuple(Slot(places[k] if places else None, share) for k in range(num))


def _report(plan: "SweepPlan", study: "SweepStudy") -> int:
    """Prints what was found and draws the picture; returns the exit status."""
    from glint_unet.experiments.sweep_picture import draw_sweep
    from glint_unet.experiments.sweep_report import best_command, in_words, not_distinguishable
    from glint_unet.experiments.sweep_study import best_first

    results = study.results()
    ranked = best_first(results, is_lower_better=study.is_lower_better)
    print(text("sweep_table_written", path=plan.directory / "sweep.csv"))
    if num_open := sum(result.state == "running" for result in results):
        print(text("sweep_some_interrupted", num=num_open))
    if not ranked:
        print(text("sweep_none_complete"))
        return 1
    picture = plan.directory / "sweep.png"
    draw_sweep(plan.space, results, study.importances(), plan.metric, picture, is_lower_better=study.is_lower_better)
    best = ranked[0]
    print(text("sweep_picture", path=picture))
    print(text("sweep_best", number=best.number, metric=plan.metric, value=best.mean, params=in_words(best.params)))
    if same := not_distinguishable(best, ranked[1:]):
        print(text("sweep_as_good", numbers=", ".join(str(result.number) for result in same)))
    print(text("sweep_command", command=best_command(plan, best)))
    return 0
