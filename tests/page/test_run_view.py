def test_a_run_shows_its_curves_its_log_and_its_settings(page, served):
    page.goto(f"{served.address}/run?name=first")
    page.get_by_role("heading", name="Run first").wait_for()
    page.locator("svg.chart").first.wait_for()
    page.locator("pre.glint-log").get_by_text("Training finished").wait_for()
    page.get_by_text("base_channels").first.wait_for(state="attached")
