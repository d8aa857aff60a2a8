from glint_unet.page.parts import STATE_COLOURS, number, state_name, time_span


def test_what_is_unknown_is_a_dash():
    assert (number(None, 2), number(1.234, 2), time_span(None)) == ("-", "1.23", "-")
    assert time_span(-3.0) == time_span(0.0) != "-"


def test_every_state_has_a_name_of_its_own_and_a_colour():
    assert len({state_name(state) for state in STATE_COLOURS}) == len(STATE_COLOURS)
