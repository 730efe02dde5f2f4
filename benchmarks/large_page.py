"""A large page of a news site, invented: what stands around an article, and much of it."""

from __future__ import annotations

from random import Random

_SYLLABLES = [first + second for first in "bdfklmnrstvz" for second in "aeo"]


def _word(chance: Random) -> str:
    return "".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4)))


def _words(chance: Random, least: int, most: int) -> str:
    return " ".join(_word(chance) for _ in range(chance.randint(least, most)))


def _teaser(chance: Random, number: int) -> str:
    """A box that leads to another article: some 18 elements in a kilobyte and a half."""
    picture = f"https://images.example/{number}/{_word(chance)}"
    sizes = ", ".join(f"{picture}-{width}.jpg {width}w" for width in (320, 640, 960, 1280))
    tags = "".join(
        f'<li class="tag"><a href="/tags/{_word(chance)}" rel="tag">{_word(chance)}</a></li>' for _ in range(4)
    )
    return (
        f'<div class="teaser teaser--{number % 5} js-seen" data-id="{number}" data-track="list:{number}">'
        f'<a href="/news/{number}/{_word(chance)}" style="display:block"><figure><img src="{picture}-640.jpg" '
        f'srcset="{sizes}" alt="{_words(chance, 3, 9)}" loading="lazy"><figcaption>{_words(chance, 4, 12)}</figcaption>'
        f'</figure></a><div class="teaser__body"><h3><a href="/news/{number}">{_words(chance, 4, 10)}</a></h3>'
        f'<p class="teaser__text">{_words(chance, 25, 60)} <em>{_word(chance)}</em> &amp; {_words(chance, 3, 9)}</p>'
        f'<ul class="tags">{tags}</ul><time datetime="2024-05-01">1 May</time>'
        f'<button type="button" onclick="share({number})"><svg viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg></button>'
        f"</div></div>"
    )


def large_page(size: int, seed: int) -> str:
    """A page of at least ``size`` characters, all ASCII: a quarter scripts and styles, the rest an article and teasers.

    The same for the same seed.
    """
    chance = Random(seed)  # noqa: S311 (not for secrets)
    rules = (f".c{number}{{margin:{number % 9}px;color:#{number:06x}}}" for number in range(size // 320))
    calls = (f'push({{"{_word(chance)}":[{number},"{_word(chance)}"]}});' for number in range(size // 200))
    article = "".join(
        f'<p>{_words(chance, 40, 120)} <a href="/{_word(chance)}">{_word(chance)}</a>.</p>' for _ in range(60)
    )
    made = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_words(chance, 4, 9)}</title>'
        f"<style>{''.join(rules)}</style><script>{''.join(calls)}</script></head><body>"
        f"<main><article><h1>{_words(chance, 4, 9)}</h1>{article}</article></main><aside>"
    ]
    length, number = len(made[0]), 0
    while length < size:
        made.append(_teaser(chance, number))
        length, number = length + len(made[-1]), number + 1
    return "".join(made) + "</aside></body></html>"
