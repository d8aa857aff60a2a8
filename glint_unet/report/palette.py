"""The colours of the LEDs and of the curves: the same in every picture, overlay and report.

The twelve colours of the LEDs stay apart under the three common colour vision deficiencies, and from the grey of an eye
image: they maximise the least distance in OKLab (Ottosson, 2020) between any two of them, as seen normally and as
simulated by Machado et al. (IEEE TVCG 2009) for protanopia, deuteranopia and tritanopia. With more LEDs they repeat;
labels tell LEDs apart in any case.
"""

LEDS = (
    "#33ffff",
    "#9944ff",
    "#ee3300",
    "#ffdd11",
    "#22bbbb",
    "#ddaa11",
    "#aa88ff",
    "#ccffaa",
    "#ee7777",
    "#0088bb",
    "#99ddaa",
    "#bb5566",
)
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours of curves (Okabe and Ito, 2008), legible on white and on black."""
TRAIN, VAL = SERIES[0], SERIES[1]


def led_colour(channel: int) -> str:
    """The colour of an LED, `#rrggbb`; `channel` counts from 0."""
    return LEDS[channel % len(LEDS)]


def series_colour(number: int) -> str:
    """The colour of curve `number`, from 0; colours repeat."""
    return SERIES[number % len(SERIES)]
