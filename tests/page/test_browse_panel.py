import re

from tests.browser import expect
from tests.page.conftest import choose


def test_labels_are_compared_with_a_model(browsing):
    choose(browsing, "Model", "first")
    browsing.get_by_role("button", name="Compare").click()
    expect(browsing.get_by_role("button", name=re.compile(r"the model disagrees: \d+"))).to_be_visible()
    browsing.get_by_role("button", name=re.compile("the model disagrees")).click()
    expect(browsing.get_by_text("the model disagrees", exact=True).last).to_be_visible()
