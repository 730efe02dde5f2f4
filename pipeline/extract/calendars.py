"""Dates that general date readers leave unread: Levantine month names, and the solar calendar of Iran and Afghanistan.

The solar year (Hijri shamsi) begins at the spring equinox; days are counted by Borkowski's break years, right from
1178 to 1633: K. M. Borkowski (1996), "The Persian calendar for 3000 years", Earth, Moon and Planets 74, 223-230.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

# Syria, Iraq, Lebanon, Jordan and Palestine name the months of the Gregorian year so.
_LEVANTINE = (
    "كانون الثاني", "شباط", "آذار", "نيسان", "أيار", "حزيران", "تموز", "آب", "أيلول", "تشرين الأول", "تشرين الثاني",
    "كانون الأول",
)  # fmt: skip
_SOLAR = (
    # Iran; Afghanistan in Dari; Afghanistan in Pashto
    ("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
    ("حمل", "ثور", "جوزا", "سرطان", "اسد", "سنبله", "میزان", "عقرب", "قوس", "جدی", "دلو", "حوت"),
    ("وری", "غویی", "غبرګولی", "چنګاښ", "زمری", "وږی", "تله", "لړم", "لیندۍ", "مرغومی", "سلواغه", "کب"),
)
_ONE_LETTER = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ې": "ی", "ۀ": "ه"})
"""Letters that are written one for another, also where a keyboard lacks them."""
_GREGORIAN_MONTH = {name.translate(_ONE_LETTER): month for month, name in enumerate(_LEVANTINE, 1)}
_SOLAR_MONTH = {name.translate(_ONE_LETTER): month for names in _SOLAR for month, name in enumerate(names, 1)}
_NAMES = "|".join(sorted(map(re.escape, {**_GREGORIAN_MONTH, **_SOLAR_MONTH}), key=len, reverse=True))
_WRITTEN = re.compile(
    rf"(?<!\d)(\d\d?)\s?(?:-|\s)\s?({_NAMES})(?:\s?/\s?[^\W\d]+)?[\s،,-]{{1,3}}(?:ماه\s|سال\s|عام\s)?(\d{{4}})(?!\d)"
)
_BREAKS = (-61, 9, 38, 199, 426, 686, 756, 818, 1111, 1181, 1210, 1635, 2060, 2097, 2192, 2262, 2324, 2394, 2456, 3178)
SOLAR_YEARS = range(1178, 1634)
"""years of the solar calendar that can be read"""


def read(value: str) -> date | None:
    """The first such date in a line whose digits are Western; null when there is none."""
    found = _WRITTEN.search(value.translate(_ONE_LETTER))
    if not found:
        return None
    day, name, year = int(found[1]), found[2], int(found[3])
    try:
        if name in _GREGORIAN_MONTH and year not in SOLAR_YEARS:
            return date(year, _GREGORIAN_MONTH[name], day)
        if name in _SOLAR_MONTH and year in SOLAR_YEARS:
            return from_solar(year, _SOLAR_MONTH[name], day)
    except ValueError:
        return None
    return None


def from_solar(year: int, month: int, day: int) -> date:
    """Gregorian date of a day of the solar calendar. Raises ValueError for days that do not exist, or years outside."""
    if year not in SOLAR_YEARS:
        raise ValueError(f"the solar year {year} is outside {SOLAR_YEARS.start} to {SOLAR_YEARS.stop - 1}")
    start = _new_year(year)
    months = [31] * 6 + [30] * 5 + [(_new_year(year + 1) - start).days - 336]
    if not (1 <= month <= 12 and 1 <= day <= months[month - 1]):
        raise ValueError(f"{year}-{month}-{day} is no day of the solar calendar")
    return start + timedelta(days=sum(months[: month - 1]) + day - 1)


def _new_year(year: int) -> date:
    """First day of a solar year."""
    leaps, start = -14, _BREAKS[0]
    for end in _BREAKS[1:]:
        length = end - start
        if year < end:
            break
        leaps += length // 33 * 8 + length % 33 // 4
        start = end
    passed = year - start
    leaps += passed // 33 * 8 + (passed % 33 + 3) // 4
    if length % 33 == 4 and length - passed == 4:
        leaps += 1
    gregorian = year + 621
    return date(gregorian, 3, 1) + timedelta(days=19 + leaps - (gregorian // 4 - (gregorian // 100 + 1) * 3 // 4 - 150))
