"""What readers wrote below a text, found and cut out of the tree: it would poison the framing of the text.

trafilatura leaves out comments where a container's class or id begins with "comment"; the rest is found here.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lxml import html

_CONTAINERS = frozenset(
    {"div", "section", "aside", "ol", "ul", "dl", "li", "article", "details", "footer", "table", "form", "iframe"}
)
_WORDS = frozenset({
    "comment", "comments", "disqus", "commentlist", "commentaires", "comentarios", "kommentare", "replies",
    # Turkish, Persian and Arabic in Latin letters
    "yorum", "yorumlar", "nazar", "nazarat", "nazarha", "didgah", "didgahha", "taliqat", "taaliqat",
})  # fmt: skip
# Comments on hire: the id or class that each service's instructions give its place; last, Arabic with digits.
_SERVICES = re.compile(
    r"\b(?:disqus_thread|idc-|livefyre|fyre-|coral[_-]talk|coral[_-]thread|talk-stream|spot-?im|hyvor-talk|remark42"
    r"|cackle|commento|isso-thread|graphcomment|vk_comments|viafoura|powr-comments|cusdis|giscus|utterances|ta3a?li[kq9]at)",
    re.IGNORECASE,
)
_HINT = re.compile(
    r"com+ent|kom+ent|repl|yorum|nazar|didgah|ta3?a?li|" + _SERVICES.pattern.removeprefix(r"\b"), re.IGNORECASE
)
# Before the word: whose comments. "tone-comment" is a newspaper's opinion page and stays.
_BEFORE = frozenset({
    "reader", "readers", "user", "users", "visitor", "visitors", "public", "post", "article", "entry", "page", "blog",
    "news", "site", "story", "all", "new", "old", "top", "latest", "recent", "fb", "facebook", "wp", "js", "view",
    "block", "list", "section", "area", "nested", "single", "item", "the",
})  # fmt: skip
# After the word: the state of a text, not a place for comments.
_STATES = frozenset({"open", "opened", "closed", "off", "on", "enabled", "disabled", "allowed", "free", "is"})
_SPLIT = re.compile(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])")
_HEADING = re.compile(
    r"""[(\[]?\d*[)\]]?\s*(?:
        (?:all\s|(?:the\s)?readers?[’']?s?[’']?\s|user\s|your\s|latest\s)?comments
        | (?:leave|post|write|add)\s(?:a|your)\s(?:comment|reply|response) | join\sthe\s(?:discussion|conversation)
        | commentaires? | comentarios? | kommentare? | yorumlar | yorum\syap(?:ın)?
        | комментари[ий] | (?:оставить|добавить)\sкомментарий
        | (?:ال)?تعليقات(?:\s(?:القراء|الزوار))? | تعليق(?:\sواحد|ا|اً)? | (?:[أا]ضف|اترك|اكتب)\s(?:تعليق|رد)(?:ا|اً|ك)?
        | نظرات(?:\s(?:کاربران|خوانندگان|بینندگان|بازدیدکنندگان|شما))? | (?:ارسال|ثبت|درج)\s(?:نظر|دیدگاه)(?:\sجدید)?
        | نظر\s(?:شما|بدهید|دهید) | دیدگاه[\u200c\s]?ها(?:ی\s(?:کاربران|خوانندگان|شما))?
        | تبصرې | نظرونه | (?:ستاسو|خپل)\sنظر(?:ونه)? | تبصرے | قارئین\sکے\sتبصرے | تبصرہ\sکریں
    )\s*[(\[]?\d*[)\]]?\s*:?
    | [(\[]?(?:\d+|one)[)\]]?\s(?:comment|repl(?:y|ies)|responses?|نظر|دیدگاه|رأی|رد|ردود)\s*:?
    | (?:\d+|one)\s(?:thoughts?\son|responses?\sto|repl(?:y|ies)\sto|comments?\son)\s.+""",
    re.VERBOSE | re.IGNORECASE,
)
_HEADINGS = ("h2", "h3", "h4", "h5", "h6", "summary", "legend")
_LONGEST_HEADING = 160


def _named_comments(name: str) -> bool:
    """Whether one class or id is that of a place for comments."""
    parts = [part.lower() for part in _SPLIT.split(name) if part]
    for place, part in enumerate(parts):
        if part in _WORDS:
            before, after = parts[:place], parts[place + 1 :]
            return all(one in _BEFORE or len(one) == 1 for one in before) and not (after and after[0] in _STATES)
    return False


@lru_cache(maxsize=20_000)
def _called_comments(names: str | None) -> bool:
    """Whether the value of a class or id is that of a place for comments. A page has few values, many times."""
    if not names or not _HINT.search(names):
        return False
    return bool(_SERVICES.search(names)) or any(map(_named_comments, names.split()))


def _is_comments(element: html.HtmlElement) -> bool:
    get = element.get
    if _called_comments(get("class")) or _called_comments(get("id")):
        return True
    if (prop := get("itemprop")) and "comment" in prop.lower().split():
        return True
    return bool((kind := get("itemtype")) and re.search(r"schema\.org/(?:User)?Comments?\b", kind))


def _holds_the_text(element: html.HtmlElement) -> bool:
    """Whether the text itself lies in the element: then it is no place for comments, whatever its name."""
    return bool(element.xpath("boolean(.//h1 | descendant-or-self::*[contains(@itemprop, 'articleBody')])"))


def _below_heading(heading: html.HtmlElement, done: set[html.HtmlElement]) -> list[html.HtmlElement]:
    """A heading "Comments" and all that follows it, in its section.

    ``done`` are the sections that an earlier heading has ended; so many headings cost no more than one.
    """
    start, title = heading, " ".join(heading.text_content().split())
    while (parent := start.getparent()) is not None:
        if parent in done:
            return []
        if " ".join(parent.text_content().split()) != title:
            done.add(parent)
            break
        start = parent
    if start.tag in {"body", "html"}:
        return []
    return [start, *start.itersiblings()]


def without_comments(tree: html.HtmlElement) -> None:
    """Take readers' comments out of the tree, in place."""
    doomed: list[html.HtmlElement] = []
    done: set[html.HtmlElement] = set()
    for element in tree.iter(*_CONTAINERS, *_HEADINGS):
        if element.tag in _CONTAINERS:
            if element.attrib and _is_comments(element) and not _holds_the_text(element):
                doomed.append(element)
        else:
            title = " ".join(element.text_content().split())
            if len(title) <= _LONGEST_HEADING and _HEADING.fullmatch(title):
                doomed += [part for part in _below_heading(element, done) if not _holds_the_text(part)]
    for element in doomed:
        if element.getparent() is not None:
            element.drop_tree()
