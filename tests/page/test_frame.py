import json


def test_the_page_speaks_the_language_that_is_chosen_on_it(page, served):
    page.goto(served.address)
    page.get_by_role("button", name="中文").click()
    page.get_by_role("heading", name="训练").wait_for()
    page.goto(f"{served.address}/sweeps")
    page.get_by_role("heading", name="参数搜索").wait_for()
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="Sweeps").wait_for()


def test_light_and_dark_can_be_changed(page, served):
    page.goto(served.address)
    before = "body--dark" in page.locator("body").get_attribute("class")
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function(f"document.body.classList.contains('body--dark') !== {json.dumps(before)}")
