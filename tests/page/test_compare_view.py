def test_one_run_alone_cannot_be_compared(page, served):
    page.goto(f"{served.address}/compare?run=first")
    page.get_by_role("alert").first.wait_for()
    assert page.locator("svg.chart").count() == 0
    assert "Traceback" not in page.content()
