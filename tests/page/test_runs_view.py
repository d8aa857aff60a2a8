def test_the_list_shows_the_runs_and_leads_to_them_and_to_their_comparison(page, served):
    page.goto(served.address)
    page.get_by_role("link", name="second run").wait_for()
    for name in ("first", "second run"):
        page.get_by_role("checkbox", name=f"Choose {name}").click()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/compare?**")
    page.get_by_text("Data set: the same").wait_for()
    assert page.locator("svg.chart").count() == 3
    page.goto(served.address)
    page.get_by_label("Filter").fill("second")
    page.get_by_role("link", name="first").wait_for(state="detached")
    page.get_by_role("link", name="second run").click()
    page.wait_for_url("**/run?name=second+run")
    page.get_by_role("heading", name="Run second run").wait_for()
