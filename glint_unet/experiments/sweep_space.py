"""The settings that a sweep varies, as given by `--set`: lists of values, and ranges."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from glint_unet.config import TrainConfig
from glint_unet.errors import SettingError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(:log)?")


@dataclass(frozen=True)
class Choices:
    """A list of values: `loss=focal,hybrid`.

    Attributes:
        name: the setting.
        values: its values, as text.
    """

    name: str
    values: tuple[str, ...]

    def suggest(self, trial: "Trial") -> str:
        """The value for a trial of the study."""
        return str(trial.suggest_categorical(self.name, self.values))

    def distribution(self) -> "BaseDistribution":
        """The distribution that optuna samples from."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def examples(self) -> tuple[str, ...]:
        """Values that are valid settings if all are."""
        return self.values

    def __str__(self) -> str:
        return f"{self.name}={','.join(self.values)}"


@dataclass(frozen=True)
class Range:
    """An interval: `lr=1e-4..1e-2:log`.

    Attributes:
        name: the setting.
        low, high: the ends, both included.
        is_log: sampled evenly on a logarithmic scale.
        is_whole: whole numbers only.
    """

    name: str
    low: float
    high: float
    is_log: bool
    is_whole: bool

    def suggest(self, trial: "Trial") -> str:
        """The value for a trial of the study."""
        if self.is_whole:
            return str(trial.suggest_int(self.name, int(self.low), int(self.high), log=self.is_log))
        return repr(trial.suggest_float(self.name, self.low, self.high, log=self.is_log))

    def distribution(self) -> "BaseDistribution":
        """The distribution that optuna samples from."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.is_whole:
            return IntDistribution(int(self.low), int(self.high), log=self.is_log)
        return FloatDistribution(self.low, self.high, log=self.is_log)

    def examples(self) -> tuple[str, ...]:
        """Values that are valid settings if all are."""
        return (str(int(self.low)), str(int(self.high))) if self.is_whole else (repr(self.low), repr(self.high))

    def __str__(self) -> str:
        low, high = self.examples()
        return f"{self.name}={low}..{high}{':log' if self.is_log else ''}"


@dataclass(frozen=True)
class Space:
    """All settings that a sweep varies.

    Attributes:
        parameters: one for each setting.
    """

    parameters: tuple[Choices | Range, ...]

    @classmethod
    def parse(cls, assignments: Sequence[str]) -> "Space":
        """Reads `NAME=VALUE,VALUE` and `NAME=LOW..HIGH[:log]`; of several for one setting, the last one counts.

        Raises:
            SettingError: an assignment has another form.
        """
        parsed = [_parameter(assignment) for assignment in assignments]
        return cls(tuple({parameter.name: parameter for parameter in parsed}.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the settings."""
        return tuple(parameter.name for parameter in self.parameters)

    def grid(self) -> list[dict[str, str]] | None:
        """Every combination of the values, if all settings have lists of values; None otherwise."""
        lists = [parameter.values for parameter in self.parameters if isinstance(parameter, Choices)]
        if len(lists) < len(self.parameters):
            return None
        return [dict(zip(self.names, values, strict=True)) for values in itertools.product(*lists)]


def flags_of(values: Mapping[str, str]) -> list[str]:
    """The flags of `train` that set these values; for switches, the values are true and false.

    Raises:
        SettingError: a switch has another value.
    """
    hints, flags = get_type_hints(TrainConfig), []
    for name, value in values.items():
        if hints.get(name) is not bool:
            flags.append(f"--{name}={value}")
        elif value.lower() in ("true", "false"):
            flags.append(f"--{name}" if value.lower() == "true" else f"--no_{name}")
        else:
            raise SettingError("setting_not_a_choice", flag=name, value=value, choices="true, false")
    return flags


def _parameter(assignment: str) -> Choices | Range:
    name, is_assignment, value = assignment.partition("=")
    name = name.strip().replace("-", "_")
    values = tuple(dict.fromkeys(word.strip() for word in value.split(",")))
    if not is_assignment or not name or not all(values):
        raise SettingError("sweep_set_form", value=assignment)
    kinds = _kinds(name)
    if ".." not in value or not {int, float} & kinds:
        return Choices(name, values)
    found = _RANGE.fullmatch(value.strip())
    if not found:
        raise SettingError("sweep_set_form", value=assignment)
    low, high, is_log = float(found[1]), float(found[2]), bool(found[3])
    is_whole = int in kinds
    if not low < high < math.inf or (is_log and low <= 0) or (is_whole and (low % 1 or high % 1)):
        raise SettingError("sweep_range", value=assignment)
    return Range(name, low, high, is_log, is_whole)


def _kinds(name: str) -> set[Any]:
    hint: Any = get_type_hints(TrainConfig).get(name)
    return set(get_args(hint) or (hint,))
