import pytest

from pipeline.collect.kinds.listing_page import soup_of
from pipeline.collect.kinds.suggest import suggest

PAGE = soup_of('<div id="main"><ul class="posts"><li><a href="/1">x</a></li><li><a href="/2">y</a></li></ul></div>')


@pytest.mark.parametrize(
    ("css", "said"),
    [
        ("ul.post a", "the page has no class 'post'; near it: posts; 'a' alone finds 2"),
        ("#mian li", "the page has no id 'mian'; near it: main; 'li' alone finds 2"),
        ("section > ul li a", "'ul li a' alone finds 2"),
        ("table [title='a b'] td", "nothing like it is on the page; scripts may build it, which are not run"),
    ],
)
def test_what_a_selector_may_have_meant(css, said):
    assert suggest(PAGE, css) == said
