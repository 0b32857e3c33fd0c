"""Days, instants and time zones.

A day is an integer (days since 2000-01-01), an instant is an integer (microseconds since
2000-01-01 00:00 UTC).
"""
import calendar
import datetime as dt
import functools
import re
from zoneinfo import ZoneInfo

NEVER = 0x7FFFFFFF            # a day that does not come: 'infinity'
INACTIVE = 0x7FFFFFFE         # expiry of undated lots; after all dates, before never
FIRST = -0x7FFFFFFF           # a day before all others
FOREVER = 0x7FFFFFFFFFFFFFFF  # an instant that does not come

DAY_ZERO = dt.date(2000, 1, 1).toordinal()
EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.timezone.utc)
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR


def day(text):
    """'2025-12-01' -> day number; 'infinity' -> NEVER."""
    return NEVER if text == 'infinity' else dt.date.fromisoformat(text).toordinal() - DAY_ZERO


@functools.lru_cache(maxsize=20000)
def day_text(number):
    return 'infinity' if number == NEVER else dt.date.fromordinal(number + DAY_ZERO).isoformat()


def instant(text):
    """'2025-12-01 10:00+00' (a missing zone is UTC) -> instant."""
    if text == 'infinity':
        return FOREVER
    text = re.sub(r'([+-]\d\d)$', r'\1:00', text.replace('Z', '+00:00'))
    value = dt.datetime.fromisoformat(text)
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.timezone.utc)
    return (value - EPOCH) // dt.timedelta(microseconds=1)


@functools.lru_cache(maxsize=20000)
def instant_text(number):
    if number == FOREVER:
        return 'infinity'
    return (EPOCH + dt.timedelta(microseconds=number)).strftime('%Y-%m-%d %H:%M:%S.%f+00')


class Zone:
    """Days of a time zone (D1)."""

    def __init__(self, name):
        self.name = name
        self.info = ZoneInfo(name)
        self.starts = {}

    def offset(self, t):
        """What the clock on the wall is ahead of UTC at instant t."""
        there = (EPOCH + dt.timedelta(microseconds=t)).astimezone(self.info)
        return there.utcoffset() // dt.timedelta(microseconds=1)

    def start_of_day(self, d):
        """D1: the first instant whose local date is d or later."""
        if d not in self.starts:
            self.starts[d] = self.find_start(d * DAY)
        return self.starts[d]

    def find_start(self, midnight):
        """First t with t + offset(t) >= midnight, looking from piece to piece of equal offset."""
        t = midnight - 16 * HOUR
        while True:
            offset = self.offset(t)
            assert t + offset < midnight
            end = t + HOUR
            if self.offset(end) != offset:          # a change of the clock lies in this hour
                low, high = t, end                  # low: old offset, high: new offset
                while high - low > 1:
                    middle = (low + high) // 2
                    if self.offset(middle) == offset:
                        low = middle
                    else:
                        high = middle
                end = high
            if midnight - offset < end:
                return midnight - offset            # reached before the change
            t = end
            if t + self.offset(t) >= midnight:
                return t                            # the clock jumped over midnight

    @functools.lru_cache(maxsize=20000)
    def day_of(self, t):
        """D1: the largest d with start_of_day(d) <= t; never goes back."""
        local = (EPOCH + dt.timedelta(microseconds=t)).astimezone(self.info).date()
        d = local.toordinal() - DAY_ZERO
        while self.start_of_day(d) > t:
            d -= 1
        while self.start_of_day(d + 1) <= t:
            d += 1
        return d


ZONES = {}


def zone(name):
    if name not in ZONES:
        ZONES[name] = Zone(name)
    return ZONES[name]


# ---------------------------------------------------------------- months

def date_of(number):
    return dt.date.fromordinal(number + DAY_ZERO)


def number(date):
    return date.toordinal() - DAY_ZERO


@functools.lru_cache(maxsize=20000)
def add_months(d, months):
    """Months clamp: 12 months from 29 Feb 2024 end on 28 Feb 2025."""
    date = dt.date.fromordinal(d + DAY_ZERO)
    month = date.month - 1 + months
    year, month = date.year + month // 12, month % 12 + 1
    last = calendar.monthrange(year, month)[1]
    return dt.date(year, month, min(date.day, last)).toordinal() - DAY_ZERO
