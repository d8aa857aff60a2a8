from glint_unet.messages import in_language
from glint_unet.page.views import all_views


def test_every_view_has_an_address_of_its_own_and_a_title_in_both_languages():
    views = all_views()
    assert len({view.route for view in views}) == len(views) == 7
    for view in views:
        with in_language("zh"):
            chinese = view.title()
        assert chinese != view.title()
