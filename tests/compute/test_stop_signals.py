import os
import signal

import pytest

from glint_unet.compute.stop_signals import StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_is_noted_and_cuts_the_work_short(number):
    before = signal.getsignal(number)
    with StopSignals() as stop:
        seen = []
        for item in stop.cut_short(range(5)):
            seen.append(item)
            if item == 1:
                os.kill(os.getpid(), number)
        assert stop.received == number
        assert seen == [0, 1]
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_aborts_at_once():
    with StopSignals():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
