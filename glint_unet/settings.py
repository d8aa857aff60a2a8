"""Settings as dataclass fields: type, default, range and choices are declared once, at the field, for every command.

`Settings` is the base of `TrainConfig` and of every command's arguments. It checks each value where the object is made,
whether the command line, a checkpoint or a Python program gives it, and stores plain Python values only.
"""

import dataclasses
import math
import numbers
import os
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from glint_unet.errors import SettingError
from glint_unet.messages import text


def setting(
    default: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
    resume: Literal["free", "fixed", "per_start"] = "free",
    is_path: bool = True,
) -> Any:
    """A field with its limits.

    Args:
        default: value where none is given.
        low, high, above: allowed are numbers with `low <= number <= high` and `number > above`.
        resume: whether a resume keeps the value unless another one is given ('free'), may not change it ('fixed'), or
            starts from the default again ('per_start').
        is_path: a text names a file or directory: it may not be empty, unless that is the default and means "not
            given", and holds no NUL.
    """
    limits = {"low": low, "high": high, "above": above}
    return field(default=default, metadata={"limits": limits, "resume": resume, "is_path": is_path})


@dataclass(frozen=True)
class Settings:
    """Base of dataclasses whose fields are settings; makes every value plain and refuses what a field cannot hold.

    NumPy scalars and paths become `bool`, `int`, `float` and `str`, so that checkpoints and JSON can store them.
    """

    def __post_init__(self) -> None:
        """Checks and converts every field.

        Raises:
            SettingError: naming the flag, its value and what is allowed.
        """
        types = get_type_hints(type(self))
        for declared in dataclasses.fields(self):
            value = _plain_value(declared, types[declared.name], getattr(self, declared.name))
            object.__setattr__(self, declared.name, value)


def _plain_value(declared: "dataclasses.Field[Any]", hint: Any, value: Any) -> Any:
    """The value as the field stores it; `hint` is a type, a Literal, or a union of these and None."""
    kinds = (hint,) if get_origin(hint) is Literal else get_args(hint) or (hint,)
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    flag = declared.name
    if value is None and type(None) in kinds:
        return None
    if isinstance(value, str) and value in choices:
        return str(value)
    if bool in kinds:
        return _plain_bool(flag, value)
    if int in kinds or float in kinds:
        return _plain_number(flag, value, declared.metadata.get("limits", {}), whole=int in kinds)
    if choices:
        raise SettingError("setting_not_a_choice", flag=flag, value=value, choices=", ".join(choices))
    plain = _plain_text(flag, value)
    if declared.metadata.get("is_path", True):
        _check_path(flag, plain, may_be_empty=declared.default == "")
    return plain


def _plain_bool(flag: str, value: Any) -> bool:
    is_numpy_bool = type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_")
    if not isinstance(value, bool) and not is_numpy_bool:
        raise SettingError("setting_not_a_choice", flag=flag, value=value, choices="True, False")
    return bool(value)


def _plain_number(flag: str, value: Any, limits: dict[str, float], *, whole: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not _is_finite(value):
        raise SettingError("setting_not_a_number", flag=flag, value=value)
    if whole and not isinstance(value, numbers.Integral):
        raise SettingError("setting_not_whole", flag=flag, value=value)
    number = int(value) if isinstance(value, numbers.Integral) and whole else float(value)
    low, high = limits.get("low", -math.inf), limits.get("high", math.inf)
    above = limits.get("above", -math.inf)
    if not (low <= number <= high and number > above):
        raise SettingError("setting_out_of_range", flag=flag, value=number, limit=range_text(low, high, above))
    return number


def _is_finite(value: numbers.Real) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:  # a whole number that no float holds
        return False


def _plain_text(flag: str, value: Any) -> str:
    plain = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(plain, str):
        raise SettingError("setting_not_text", flag=flag, value=value, kind=type(value).__name__)
    return str.__str__(plain)


def _check_path(flag: str, path: str, *, may_be_empty: bool) -> None:
    if not path and not may_be_empty:
        raise SettingError("setting_empty", flag=flag)
    if "\0" in path:
        raise SettingError("setting_not_a_path", flag=flag, value=path)


def range_text(low: float, high: float, above: float = -math.inf) -> str:
    """What `setting` allows, as a sentence has it: "1 to 10", "> 0 and <= 1", ">= 0"; infinite bounds are left out."""
    if above == -math.inf and -math.inf < low and high < math.inf:
        return text("range_between", low=f"{low:.12g}", high=f"{high:.12g}")
    lowest = f"> {above:.12g}" if above > -math.inf else f">= {low:.12g}" if low > -math.inf else ""
    highest = f"<= {high:.12g}" if high < math.inf else ""
    return text("range_both", low=lowest, high=highest) if lowest and highest else lowest or highest
