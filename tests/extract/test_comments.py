# ruff: noqa: E501 (mark-up stands as sites serve it)
"""Readers' comments of many systems, in pages of this project's own making: none may speak in a text."""

import pytest

from pipeline.extract.page import extract_page
from tests.extract.mutations import ARABIC, FIRST, SECOND
from tests.extract.test_page import NOW, page

READER = "Nonsense, there is no land and no people, only the creed without borders, and everybody here knows it well."
ANSWER = "And yet you drink from the well of those people, dear friend, as all who ever came to this valley did before."
PERSIAN = "نه زمینی هست و نه مردمی، تنها عقیده‌ای بی‌مرز است و همه اینجا این را خوب می‌دانند و می‌گویند."
PEOPLE = f"{READER} {READER}"

SYSTEMS = {
    "WordPress, classic": """<div id="comments"><h3>2 Responses to “The wells”</h3><ol class="commentlist">
        <li class="comment even depth-1"><div class="comment-body"><p>{0}</p></div><ul class="children"><li class="comment">
        <p>{1}</p></li></ul></li></ol><div id="respond"><h3>Leave a Reply</h3><form><p>{0}</p></form></div></div>""",
    "WordPress, block theme": """<div class="wp-block-comments"><h2 class="wp-block-comments-title">3 responses</h2>
        <ol class="wp-block-comment-template"><li><div class="wp-block-comment-content"><p>{0}</p><p>{1}</p></div></li></ol></div>""",
    "WordPress, headings only": """<div class="discussion-x"><h3>3 thoughts on “The wells”</h3></div>
        <div class="entry-x"><p>{0}</p><p>{1}</p></div>""",
    "Disqus, saved with its frame": '<div id="disqus_thread"><div class="post-list"><div class="post-message"><p>{0}</p><p>{1}</p></div></div></div>',
    "Facebook": '<div class="fb-comments" data-href="x"><div class="_5mdd"><span>{0}</span><p>{1}</p></div></div>',
    "Blogger": """<div class="comments" id="comments"><h4>2 comments:</h4><dl id="comments-block">
        <dt class="comment-author">A</dt><dd class="comment-body"><p>{0}</p></dd><dd class="comment-body"><p>{1}</p></dd></dl></div>""",
    "IntenseDebate": '<div id="idc-container"><div class="idc-c-t"><p>{0}</p><p>{1}</p></div></div>',
    "Livefyre": '<div id="livefyre-comments"><div class="fyre-comment"><p>{0}</p><p>{1}</p></div></div>',
    "Coral": '<div id="coral_talk_stream"><div class="talk-stream"><p>{0}</p><p>{1}</p></div></div>',
    "Movable Type": '<div id="comments" class="comments"><div class="comments-content"><p>{0}</p><p>{1}</p></div></div>',
    "Drupal": """<section class="field--name-comment comment-wrapper"><h2>Comments</h2><article class="comment js-comment">
        <div class="field--name-comment-body"><p>{0}</p></div></article><div class="indented"><article><p>{1}</p></article></div></section>""",
    "Joomla (JComments)": '<div id="jc"><div id="comments-list"><div class="rbox"><div class="comment-body">{0}</div><p>{1}</p></div></div></div>',
    "nested quotes": """<div id="comment-5" class="comment"><blockquote><p>{0}</p><blockquote><p>{1}</p></blockquote></blockquote>
        <p>{0}</p></div>""",
    "schema.org": '<div itemscope itemtype="http://schema.org/UserComments"><p itemprop="commentText">{0}</p><p>{1}</p></div>',
    "Persian blog, class": '<div class="nazarat"><div class="nazar"><b>رضا</b><p>{2}</p><p>{2}</p></div></div>',
    "Persian blog, heading with a number": "<div><h4>۵ نظر</h4></div><div><p>{2}</p><p>{2}</p></div>",
    "Persian blog, heading": "<div><h3>نظرات بینندگان</h3></div><div><p>{2}</p><p>{2}</p></div>",
    "Persian news": '<div class="didgah-box"><p>{2}</p><p>{2}</p></div><h3>ارسال نظر</h3><div>{2}</div>',
    "Persian, views": "<h3>دیدگاه‌ها</h3><div><p>{2}</p><p>{2}</p></div>",
    "Arabic blog, number and word": "<h3>3 تعليقات</h3><div><p>{3}</p><p>{0}</p></div>",
    "Arabic news": "<h4>التعليقات (12)</h4><div><p>{0}</p></div><h4>أضف تعليقك</h4><div><p>{1}</p></div>",
    "Arabic, class": '<div class="ta3likat"><p>{0}</p></div><div id="taliqat"><p>{1}</p></div>',
    "Pashto": "<h3>ستاسو نظر</h3><div><p>{0}</p></div>",
    "Urdu": "<h3>تبصرے (2)</h3><div><p>{0}</p></div>",
    "Turkish": '<div class="yorumlar"><p>{0}</p><p>{1}</p></div>',
    "Russian": '<div class="b-comments"><p>{0}</p></div><h3>Комментарии</h3><div><p>{1}</p></div>',
    "Spanish": '<div id="comentarios"><p>{0}</p><p>{1}</p></div>',
    "phpBB-like replies": '<div id="replies" class="replies"><div class="reply"><p>{0}</p><p>{1}</p></div></div>',
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("inside", [True, False], ids=["in the article", "after it"])
def test_no_reader_speaks_in_a_text(system, inside):
    below = SYSTEMS[system].format(PEOPLE, ANSWER, PERSIAN, f"{READER} {ARABIC}")
    article = f"<h1>The wells</h1><p>{FIRST}</p><p>{SECOND}</p>"
    body = f"<article>{article}{below}</article>" if inside else f"<article>{article}</article>{below}"
    text = extract_page(page(body=f"<main>{body}</main>").encode(), address="http://a.example/1", now=NOW).text
    assert FIRST in text
    assert SECOND in text
    for words in (READER[:40], ANSWER[:40], PERSIAN[:20]):
        assert words not in text


@pytest.mark.parametrize(
    "part",
    [
        "<h2>A comment on the treaty</h2><p>{}</p>",
        "<h2>The reply of the council</h2><p>{}</p>",
        "<h3>Comment</h3><p>{}</p>",
        "<h3>Response</h3><p>{}</p>",
        "<h3>نظر شورا درباره صلح</h3><p>{}</p>",
        '<div class="commentary-and-analysis"><p>{}</p></div>',
        '<div class="nazari-mp"><p>{}</p></div>',
        "<blockquote><p>{}</p></blockquote>",
        '<div class="post comments-closed"><p>{}</p></div>',
        '<div class="has-comments single"><p>{}</p></div>',
    ],
)
def test_words_of_the_author_stay(part):
    said = (
        "Whoever comes with a sword shall find the gate shut, the council said, and whoever comes with seed is welcome."
    )
    body = f"<main><h1>The wells</h1><p>{FIRST}</p><p>{SECOND}</p>{part.format(said)}<p>{FIRST} {SECOND}</p></main>"
    assert said in extract_page(page(body=body).encode(), address="http://a.example/1", now=NOW).text
