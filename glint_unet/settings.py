"""Settings as dataclass fields: type, default, range and choices are declared once, in the field, for every command.

`Settings` is the base class of `TrainConfig` and of the arguments of every command. It checks values on construction,
whether they come from the command line, a checkpoint or Python code, and stores plain Python values only.
"""

import dataclasses
import math
import numbers
import os
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from glint_unet.errors import SettingError
from glint_unet.messages import current_language, text


def setting(
    default: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
    resume: Literal["free", "fixed", "per_start"] = "free",
    is_path: bool = True,
) -> Any:
    """A dataclass field with limits.

    Args:
        default: the default value.
        low, high, above: limits: `low <= number <= high` and `number > above`.
        resume: on a resume, the value is inherited and can be overridden ('free'), cannot be changed ('fixed'), or
            reverts to the default ('per_start').
        is_path: a string is a path: it must not contain NUL, and must not be empty unless that is the default.
    """
    limits = {"low": low, "high": high, "above": above}
    return field(default=default, metadata={"limits": limits, "resume": resume, "is_path": is_path})


def language_setting() -> Any:
    """The field `lang` of every command: the language of its messages, by default the current one."""
    return field(default_factory=current_language, metadata={"limits": {}, "resume": "free", "is_path": False})


@dataclass(frozen=True)
class Settings:
    """Base class of dataclasses whose fields are settings; validates every value and converts it to a plain type.

    NumPy scalars and paths become `bool`, `int`, `float` and `str`, so that checkpoints and JSON can store them.
    """

    def __post_init__(self) -> None:
        """Checks and converts every field.

        Raises:
            SettingError: a value is not allowed; the message names the flag, the value and the allowed values.
        """
        types = get_type_hints(type(self))
        for declared in dataclasses.fields(self):
            value = _plain_value(declared, types[declared.name], getattr(self, declared.name))
            object.__setattr__(self, declared.name, value)


def _plain_value(declared: "dataclasses.Field[Any]", hint: Any, value: Any) -> Any:
    """The value in its plain type; `hint` is a type, a Literal, or a union of these and None."""
    kinds = (hint,) if get_origin(hint) is Literal else get_args(hint) or (hint,)
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    flag = declared.name
    if get_origin(hint) is tuple:
        return tuple(_plain_path(declared, word) for word in value)
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
    return _plain_path(declared, value)


def _plain_path(declared: "dataclasses.Field[Any]", value: Any) -> str:
    plain = _plain_text(declared.name, value)
    if declared.metadata.get("is_path", True):
        _check_path(declared.name, plain, may_be_empty=declared.default == "")
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
    except OverflowError:  # an integer too large for a float
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
    """The limits of `setting` as text: "1 to 10", "> 0 and <= 1", ">= 0"; infinite bounds are omitted."""
    if above == -math.inf and -math.inf < low and high < math.inf:
        return text("range_between", low=f"{low:.12g}", high=f"{high:.12g}")
    lowest = f"> {above:.12g}" if above > -math.inf else f">= {low:.12g}" if low > -math.inf else ""
    highest = f"<= {high:.12g}" if high < math.inf else ""
    return text("range_both", low=lowest, high=highest) if lowest and highest else lowest or highest
