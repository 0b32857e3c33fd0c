"""The ledger again: a slow, plain model of `loyalty`, sharing no code with the core.

It follows semantics.md (S-numbers) and decisions.md here (D1..D22). Where a
rule is applied, its number stands beside it. Nothing here is tuned: lots are a
dict, journals are lists that are scanned whole, every call works on a copy of the
account and keeps it only if nothing was refused (S26: a failed call leaves nothing).

Units: a day is an integer (days since 2000-01-01), an instant is an integer
(microseconds since 2000-01-01 00:00 UTC), money is a Fraction, points are ints.
"""
import calendar
import copy
import datetime as dt
import math
import re
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

# ---------------------------------------------------------------- days, instants

NEVER = 0x7FFFFFFF            # a day that does not come: 'infinity'
INACTIVE = 0x7FFFFFFE         # expiry of undated lots; after all dates, before never
FOREVER = 0x7FFFFFFFFFFFFFFF  # an instant that does not come

DAY_ZERO = dt.date(2000, 1, 1).toordinal()
EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.timezone.utc)
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

MAX_POINTS = 10 ** 15
MAX_AMOUNT = 10 ** 15


def day(text):
    """'2025-12-01' -> day number; 'infinity' -> NEVER."""
    return NEVER if text == 'infinity' else dt.date.fromisoformat(text).toordinal() - DAY_ZERO


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


# ---------------------------------------------------------------- expiry policies (S8)

def add_months(d, months):
    """Months clamp: 12 months from 29 Feb 2024 end on 28 Feb 2025."""
    date = dt.date.fromordinal(d + DAY_ZERO)
    month = date.month - 1 + months
    year, month = date.year + month // 12, month % 12 + 1
    last = calendar.monthrange(year, month)[1]
    return dt.date(year, month, min(date.day, last)).toordinal() - DAY_ZERO


def end_of_period(d, months):
    """The last day of the month (1), quarter (3), half-year (6) or year (12) that d is in."""
    date = dt.date.fromordinal(d + DAY_ZERO)
    month = (date.month - 1) // months * months + months
    return dt.date(date.year, month, calendar.monthrange(date.year, month)[1]).toordinal() - DAY_ZERO


def next_of(d, dates):
    """The first of the yearly dates 'MM-DD' that is d or later."""
    year = dt.date.fromordinal(d + DAY_ZERO).year
    found = [dt.date(y, int(m[:2]), int(m[3:])).toordinal() - DAY_ZERO
             for y in (year, year + 1) for m in dates]
    return min(f for f in found if f >= d)


PERIODS = {'month': 1, 'quarter': 3, 'half-year': 6, 'year': 12}


def inactive_months_of(policy):
    """N of 'N months inactive', None for every other policy."""
    words = policy.split()
    return int(words[0]) if words[-1] == 'inactive' else None


def expires_on(policy, start):
    """S8: the last day of points that become usable on day `start`."""
    words = policy.split()
    if words == ['never']:
        return NEVER
    if words[-1] == 'inactive':
        return INACTIVE
    if words[0] == 'each':
        return next_of(start, words[1:])
    if words[0] == 'end':                                   # end of year [+ N]
        years = int(words[4]) if len(words) > 3 else 0
        return end_of_period(add_months(end_of_period(start, 12), 12 * years), 12)
    count, unit, rest = int(words[0]), words[1], words[2:]
    end = start + count if unit.startswith('day') else add_months(start, count)
    if rest[:2] == ['to', 'next']:
        return next_of(end, rest[2:])
    if rest[:2] == ['to', 'end']:                           # to end of <period>
        return end_of_period(end, PERIODS[rest[3]])
    return end


# ---------------------------------------------------------------- lots (S6, S7)

class Key(NamedTuple):
    """What makes a lot (S6); keys sort in order of use (S7)."""
    expires: int
    earned: int
    usable_from: int
    issuer: int = 0


def in_order(lots):
    """(key, points) of a dict of lots in order of use."""
    return sorted(lots.items())


def total(lots):
    return sum(lots.values())


def put(lots, key, points):
    if points:
        lots[key] = lots.get(key, 0) + points


def drop(lots, key, points):
    left = lots.get(key, 0) - points
    assert points >= 0 and left >= 0
    if left:
        lots[key] = left
    else:
        lots.pop(key, None)


def gather(slices):
    """[(key, points)] -> lots, equal keys made one."""
    lots = {}
    for key, points in slices:
        put(lots, key, points)
    return lots


def first_of(slices, points):
    """The first `points` of [(key, points)]."""
    taken = []
    for key, n in slices:
        n = min(n, points)
        if n:
            taken.append((key, n))
            points -= n
    return taken


def without_first(slices, points):
    """What is left of [(key, points, ...)] after the first `points`."""
    left = []
    for key, n, *more in slices:
        gone = min(n, points)
        points -= gone
        if n > gone:
            left.append((key, n - gone, *more))
    return left


def last_of(slices, points):
    return first_of(slices[::-1], points)[::-1]


def without_last(slices, points):
    return without_first(slices[::-1], points)[::-1]


def lots_text(lots):
    """The text form of loyalty.lots."""
    parts = []
    for key, points in in_order(lots):
        until = {NEVER: 'never', INACTIVE: 'inactive'}.get(key.expires) or day_text(key.expires)
        part = f'{points} until {until} earned {day_text(key.earned)}'
        if key.usable_from == NEVER:
            part += ' pending'
        elif key.usable_from != key.earned:
            part += f' usable {day_text(key.usable_from)}'
        if key.issuer:
            part += f' issuer {key.issuer}'
        parts.append(part)
    return '{' + '; '.join(parts) + '}'


LOT = re.compile(r'(\d+) until (\S+) earned (\S+?)(?: usable (\S+)| (pending))?(?: issuer (-?\d+))?$')


def parse_lots(text):
    lots = {}
    inside = text[1:-1]
    for part in inside.split('; ') if inside else []:
        points, until, earned, usable, pending, issuer = LOT.match(part).groups()
        expires = {'never': NEVER, 'inactive': INACTIVE}.get(until)
        key = Key(day(until) if expires is None else expires, day(earned),
                  NEVER if pending else day(usable or earned), int(issuer or 0))
        assert key not in lots and int(points) > 0
        lots[key] = int(points)
    return lots


# ---------------------------------------------------------------- refusals

class Refused(Exception):
    """A call is refused with `code`; where several reasons hold at once, any of `codes` will do."""

    def __init__(self, code, *also):
        super().__init__(code)
        self.code = code
        self.codes = {code, *also}


def refuse_if(*reasons):
    """(true or false, SQLSTATE)...: refuse with the first that holds; the others that hold too are as good."""
    codes = [code for holds, code in reasons if holds]
    if codes:
        raise Refused(*codes)


# ---------------------------------------------------------------- program, entry, hold

class Program:
    """A program's settings, with the defaults of the table."""
    DEFAULTS = dict(
        timezone='UTC', base_rate='1', per_amount='1.00', block_amount=None, block_points=None,
        rounding='floor', expiry='never', pending_days=0, balance_cap=None, on_balance_cap='trim',
        on_spent_return='debt', cancel_grace_days=30, hold_limit='168 hours',
        transfers_per_year=None, points_per_transfer_year=None, transfer_membership_days=0,
        transfer_usable_days=0, transfer_fee=0)

    def __init__(self, code, **settings):
        self.code = code
        self.__dict__.update(self.DEFAULTS)
        self.change(**settings)

    def change(self, **settings):
        assert not set(settings) - set(self.DEFAULTS), settings
        self.__dict__.update(settings)

    def hold_limit_length(self):
        count, unit = self.hold_limit.split()
        return int(count) * (HOUR if unit.startswith('hour') else DAY)

    def points_for(self, amount):
        """S1-S3: points of an amount; exact, divided last, rounded once."""
        if self.block_amount is not None:
            return math.floor(amount / Fraction(self.block_amount)) * self.block_points
        exact = amount * Fraction(self.base_rate) / Fraction(self.per_amount)
        if self.rounding == 'floor':
            return math.floor(exact)
        if self.rounding == 'ceil':
            return math.ceil(exact)
        return math.floor(exact + Fraction(1, 2))           # half_up


class Entry:
    """A row of the journal; fields as in the table, lots as dicts."""

    def __init__(self, **fields):
        self.of_seq = self.of_ref = self.ref = self.fingerprint = None
        self.amount = self.computed = self.due = self.owed = None
        self.written_off = self.made_good = self.expired = 0
        self.counterparty = self.fee = self.expires_on = self.expiring_on = None
        self.until = self.mode = self.expiry = None
        self.reason = self.channel = self.store = self.brand = self.attributes = None
        self.lines = None
        self.taken, self.gained, self.source, self.spared = {}, {}, {}, {}
        # Not in the table: from which lot to which other lot points went (D13), the
        # receipt (for repeats), and the account as it stood then (for reads as of a time).
        self.moves, self.receipt, self.then = [], None, None
        self.by_line = self.return_mode = None      # of a return: money by line; what it named
        self.free_pieces = None                     # … and pieces of lines that cost nothing
        self.is_last = False
        self.__dict__.update(fields)


class Hold:
    def __init__(self, seq, ref, until, lots):
        self.seq, self.ref, self.until, self.lots = seq, ref, until, lots

    def copy(self):
        return Hold(self.seq, self.ref, self.until, dict(self.lots))


# ---------------------------------------------------------------- account

class Account:
    def __init__(self, member, program, zone_name):
        self.member, self.program = member, program
        self.zone = zone(zone_name)
        self.opened_at = None
        self.frozen = self.frozen_until = None
        self.inactive_months = self.inactive_on = None
        self.clock = self.clock_on = None
        self.seq = self.balance = self.usable = self.debt = 0
        self.lots = {}
        self.holds = []
        self.write_offs = []        # [seq of the return, what is outstanding], oldest first (D11)
        self.graced = set()         # keys into which a cancel moved points by grace (D14)
        self.entries = []

    def copy(self, with_entries=True):
        other = copy.copy(self)
        other.lots = dict(self.lots)
        other.holds = [h.copy() for h in self.holds]
        other.write_offs = [list(w) for w in self.write_offs]
        other.graced = set(self.graced)
        other.entries = list(self.entries) if with_entries else []
        return other

    # ---- figures

    def held(self):
        return sum(total(h.lots) for h in self.holds)

    def last_day_of(self, key):
        """The last day of a lot; undated lots end on the account's own day (S8)."""
        if key.expires != INACTIVE:
            return key.expires
        return NEVER if self.inactive_on is None else self.inactive_on

    def is_usable(self, key, today):
        return key.usable_from <= today <= self.last_day_of(key)

    def has_ended(self, key, today):
        return self.last_day_of(key) < today

    def usable_slices(self, today):
        return [(k, n) for k, n in in_order(self.lots) if self.is_usable(k, today)]

    def usable_points(self, today):
        return sum(n for _, n in self.usable_slices(today))

    def pending_points(self, today):
        return sum(n for k, n in self.lots.items() if k.usable_from > today)

    def written_off(self):
        return sum(left for _, left in self.write_offs)

    # ---- the journal

    def write(self, kind, at, clock, **fields):
        """S29: append an entry that says what the account has become."""
        before = self.balance
        self.seq += 1
        assert self.clock is None or clock >= self.clock
        self.clock, self.clock_on = clock, self.zone.day_of(clock)
        self.balance = total(self.lots) + self.held() - self.debt
        self.usable = self.usable_points(self.clock_on)
        assert not (self.debt and self.usable), 'S11: debt never stands beside usable points'
        assert self.debt >= 0 and all(n > 0 for n in self.lots.values())
        entry = Entry(seq=self.seq, kind=kind, at=at, clock=clock, clock_on=self.clock_on,
                      points=self.balance - before, balance=self.balance, usable=self.usable,
                      debt=self.debt, held=self.held(), **fields)
        self.entries.append(entry)
        entry.then = self.copy(with_entries=False)
        return entry

    def entry_of_ref(self, ref):
        found = [e for e in self.entries if e.ref == ref]
        return found[0] if found else None

    def pay_debt(self, points):
        """S11: what becomes usable pays debt first. Returns what debt used up."""
        paid = min(self.debt, points)
        self.debt -= paid
        return paid

    def credit(self, points, key, today):
        """D4: points come into a lot; usable ones pay debt first. Returns the lots gained."""
        if key.usable_from <= today:
            points -= self.pay_debt(points)
        put(self.lots, key, points)
        return gather([(key, points)])

    def take(self, slices):
        for key, points in slices:
            drop(self.lots, key, points)
        return gather(slices)

    def activity(self, at):
        """S8, D6: the date on which undated lots end moves on, never back."""
        if self.inactive_months is not None:
            moved = add_months(self.zone.day_of(at), self.inactive_months)
            self.inactive_on = moved if self.inactive_on is None else max(self.inactive_on, moved)

    def come_back(self, slices, use_seq):
        """D11: slices [(key, points, ...)] return from the use numbered use_seq, in order of use:
        debt first, then write-offs of returns younger than the use, oldest return first,
        the rest becomes free. Returns (what became free, what write-offs used up)."""
        slices = without_first(slices, self.pay_debt(sum(s[1] for s in slices)))
        made_good = 0
        for write_off in self.write_offs:
            if write_off[0] > use_seq:
                good = min(write_off[1], sum(s[1] for s in slices))
                write_off[1] -= good
                made_good += good
                slices = without_first(slices, good)
        for key, points, *_ in slices:
            put(self.lots, key, points)
        return slices, made_good

    # ---- time (S28)

    def due_instants(self):
        """Every instant at which something will fall due as things stand."""
        due = [h.until for h in self.holds]
        if self.frozen_until is not None:
            due.append(self.frozen_until)
        for key in self.lots:
            if key.usable_from > self.clock_on:
                if key.usable_from != NEVER:
                    due.append(self.zone.start_of_day(key.usable_from))
            elif self.last_day_of(key) != NEVER:
                due.append(self.zone.start_of_day(self.last_day_of(key) + 1))
        return [t for t in due if t != FOREVER]

    def settle(self, until):
        """S28, D19: post what fell due up to and including `until`, instant by instant."""
        while True:
            due = [t for t in self.due_instants() if t <= until]
            if not due:
                return
            self.settle_instant(min(due))

    def settle_instant(self, t):
        today, day_before = self.zone.day_of(t), self.clock_on
        # 1. holds that lapse, by ref (S17: over at their end)
        for hold in sorted(self.holds, key=lambda h: h.ref.encode()):
            if hold.until <= t:
                self.holds.remove(hold)
                free, made_good = self.come_back(in_order(hold.lots), hold.seq)
                self.write('release', t, t, of_seq=hold.seq, of_ref=hold.ref,
                           gained=gather(free), made_good=made_good)
        # 2. points that become usable: they pay debt from the front (S10, S11)
        matured = [(k, n) for k, n in in_order(self.lots) if day_before < k.usable_from <= today]
        if matured:
            self.activity(t)
            paid = first_of(matured, self.pay_debt(sum(n for _, n in matured)))
            self.take(paid)
            self.write('mature', t, t, taken=gather(paid))
        # 3. points that expire
        self.expire(t)
        # 4. a freeze that ends
        if self.frozen_until is not None and self.frozen_until <= t:
            self.frozen = self.frozen_until = None
            self.write('unfreeze', t, t)

    def expire(self, clock):
        """Free lots that could be used and have ended go, in an entry of their own. Returns how many."""
        today = self.zone.day_of(clock)
        ended = [(k, n) for k, n in in_order(self.lots)
                 if k.usable_from <= today and self.has_ended(k, today)]
        if ended:
            self.take(ended)
            self.write('expire', clock, clock, taken=gather(ended))
        return sum(n for _, n in ended)

    # ---- what a return looks for in the journal (S13, D13)

    def claims(self, award):
        """The lots in which points of `award` may still be, and at most how many in each."""
        claim = dict(award.gained)
        for e in self.entries:
            if e.seq <= award.seq:
                continue
            if e.kind == 'refund' and e.of_seq == award.seq:
                for key, points in e.taken.items():
                    claim[key] = max(0, claim.get(key, 0) - points)
            if e.kind == 'confirm' and e.of_seq != award.seq:
                continue
            for source, target, out, into in e.moves:
                moved = min(out, claim.get(source, 0))
                claim[source] = claim.get(source, 0) - moved
                claim[target] = claim.get(target, 0) + min(into, moved)
        return {key: points for key, points in claim.items() if points}

    def expired_since(self, seq):
        """By lot: what expired after entry `seq` and was neither reinstated nor spared."""
        gone = {}
        for e in self.entries:
            if e.seq > seq:
                for key, points in (e.taken if e.kind == 'expire' else {}).items():
                    gone[key] = gone.get(key, 0) + points
                for key, points in (e.source if e.kind == 'reinstate' else {}).items():
                    gone[key] = gone.get(key, 0) - points
                for key, points in (e.spared if e.kind == 'refund' else {}).items():
                    gone[key] = gone.get(key, 0) - points
        return {key: max(0, points) for key, points in gone.items()}

    def reinstatable(self):
        """S9, D16: slices that expired and were neither reinstated nor spared, oldest first."""
        slices = []
        for e in self.entries:                          # as it went: only what had expired can come back
            if e.kind == 'expire':
                slices += [[key, points] for key, points in in_order(e.taken)]
            back = e.source if e.kind == 'reinstate' else e.spared if e.kind == 'refund' else {}
            for key, points in back.items():
                for s in reversed(slices):              # the latest slice of that lot first
                    if s[0] == key:
                        gone = min(s[1], points)
                        s[1] -= gone
                        points -= gone
        return [(key, points) for key, points in slices if points]


# ---------------------------------------------------------------- the ledger

WANTED = {      # what a posting must have (22004), besides the member
    'enroll': (), 'purchase': ('amount', 'ref'), 'award': ('points', 'ref'), 'confirm': ('ref',),
    'spend': ('points', 'ref'), 'hold': ('points', 'ref'), 'capture': ('ref',), 'release': ('ref',),
    'refund': ('of_ref', 'ref'), 'cancel': ('of_ref', 'ref'), 'adjust': ('points', 'ref'),
    'extend': ('to', 'ref'), 'reinstate': ('points', 'to', 'ref'), 'transfer': ('to_member', 'points', 'ref'),
    'freeze': ('mode', 'ref'), 'unfreeze': ('ref',)}

CLOCK_SKEW = 5 * SECOND


def amount_of(text):
    """Money as given ('12.50') -> Fraction; malformed ones are refused."""
    if str(text).lower() in ('nan', 'infinity', '-infinity'):
        raise Refused('22023', '22003')
    value = Fraction(str(text))
    decimals = str(text).partition('.')[2].rstrip('0')
    refuse_if((value < 0, '22023'), (value >= MAX_AMOUNT or len(decimals) > 12, '22003'),
              (value >= MAX_AMOUNT or len(decimals) > 12, '22023'))
    return value


def check_form(verb, args):
    """Parameters that are malformed whatever the ledger says (D2: first of all)."""
    given = {name: value for name, value in args.items() if value is not None}
    refuse_if(*[(name not in given, '22004') for name in ('member', *WANTED[verb])])
    for name in ('ref', 'of_ref', 'member', 'to_member'):
        if name in given:
            long = len(given[name].encode()) > 255
            refuse_if((given[name] == '', '22023'), (long, '22023'), (long, '22003'))
    if 'points' in given:
        points = given['points']
        wrong = points == 0 if verb == 'adjust' else points <= 0
        refuse_if((wrong, '22023'), (abs(points) > MAX_POINTS, '22003'))
    if 'amount' in given:
        value = amount_of(given['amount'])
        refuse_if((verb == 'refund' and value == 0, '22023'))
    if verb == 'freeze':
        refuse_if((given['mode'] not in ('spending', 'earning', 'all'), '22023'))
    if verb == 'purchase' and 'lines' in given:
        check_lines(given['lines'], Fraction(str(given['amount'])))


def check_lines(lines, amount):
    """S12: lines add up to the amount, none below zero."""
    if not isinstance(lines, list) or any('amount' not in line for line in lines):
        raise Refused('22023')
    amounts = [Fraction(str(line['amount'])) for line in lines]
    refuse_if((min(amounts, default=0) < 0, '22023'), (sum(amounts) != amount, '22023'))


def by_value(value):
    """A parameter in a form in which equal values are equal (100.0 = 100.00), JSON too."""
    if isinstance(value, list):
        return tuple(by_value(v) for v in value)
    if isinstance(value, dict):
        return tuple(sorted((k, by_value(v)) for k, v in value.items()))
    return value


def fingerprint(verb, args):
    """S26: the kind and what the caller gave, by value; `at` only if given, `until` never."""
    given = []
    for name, value in sorted(args.items()):
        if value is None or value is False or name in ('member', 'program', 'until'):
            continue
        if name == 'amount':
            value = Fraction(str(value))
        given.append((name, by_value(value)))
    return verb, tuple(given)


class Ledger:
    """All programs, members and accounts. `post` is every posting, in the order of checks of D2."""

    def __init__(self):
        self.programs = {}
        self.accounts = {}          # (member, program code) -> Account

    def add_program(self, code, **settings):
        self.programs[code] = Program(code, **settings)

    def change_program(self, code, **settings):
        self.programs[code].change(**settings)

    def copy(self):
        """For postings of one statement: accounts are replaced, never changed, so this is enough."""
        other = copy.copy(self)
        other.accounts = dict(self.accounts)
        return other

    def find(self, args):
        program = self.programs.get(args.get('program'))
        if program is None:
            raise Refused('LY005')
        account = self.accounts.get((args['member'], program.code))
        if account is None:
            raise Refused('LY004')
        return program, account.copy()

    def keep(self, *accounts):
        for account in accounts:
            self.accounts[account.member, account.program] = account

    # ---- every posting

    def post(self, verb, args, wall=FOREVER):
        """Post; returns the receipt as a dict, or raises Refused and has changed nothing."""
        check_form(verb, args)
        if verb == 'enroll':
            return self.enroll(args, wall)
        program, account = self.find(args)
        if verb == 'transfer' and (args['to_member'], program.code) not in self.accounts:
            raise Refused('LY004')
        receipt = self.repeat(verb, args, account)
        if receipt:
            return receipt
        at = args['at']
        refuse_if((at > wall + CLOCK_SKEW, 'LY009'))            # S27
        if verb == 'transfer':
            return self.transfer(program, account, args, at)
        clock = max(at, account.clock)                          # D3
        account.settle(clock)
        today = account.zone.day_of(clock)
        if verb in ('spend', 'hold', 'capture'):                # S19
            refuse_if((account.frozen in ('spending', 'all'), 'LY002'))
        if verb in ('purchase', 'award'):
            refuse_if((account.frozen in ('earning', 'all'), 'LY002'))
        entry = getattr(self, verb)(program, account, args, at, clock, today)
        self.describe(entry, verb, args)
        return self.finish(account, entry)

    def describe(self, entry, verb, args):
        """What the caller gave and the entry only keeps."""
        if verb not in ('confirm', 'capture', 'release'):       # these have no ref of their own (S26)
            entry.ref = args.get('ref')
        for name in ('reason', 'channel', 'store', 'brand', 'attributes'):
            setattr(entry, name, args.get(name))
        entry.fingerprint = fingerprint(verb, args)

    def finish(self, account, entry):
        """D4: what became free after its date expires at once; then the account is kept."""
        entry.expired = account.expire(entry.clock)
        entry.receipt = self.receipt(account, entry)
        self.keep(account)
        return entry.receipt

    def receipt(self, account, entry):
        receipt = dict(entry=entry.seq, kind=entry.kind, points=entry.points,
                       balance=entry.balance - entry.expired, usable=entry.usable, debt=entry.debt,
                       repeat=False, expired=entry.expired, expires_on=None,
                       due=None, taken=None, owed=None, spared=None, written_off=None)
        if entry.kind in ('earn', 'award') and len(entry.gained) == 1:
            key, = entry.gained
            if key.usable_from != NEVER and key.expires != INACTIVE:
                receipt['expires_on'] = key.expires
        if entry.kind == 'refund':
            receipt.update(due=entry.due, taken=total(entry.taken), owed=entry.owed,
                           spared=total(entry.spared), written_off=entry.written_off)
        return receipt

    def repeat(self, verb, args, account):
        """S26: the first receipt again if this very request was posted before; another request
        under the same ref is refused. Holds and confirms are known by what they finish."""
        if verb in ('confirm', 'capture', 'release'):
            kinds = {'confirm': ('confirm',)}.get(verb, ('capture', 'release'))
            earlier = [e for e in account.entries if e.kind in kinds and e.of_ref == args['ref']]
            # the hold's end and its ref may stand in entries that settling wrote: no fingerprint
            if earlier and earlier[0].fingerprint != fingerprint(verb, args):
                raise Refused('LY007', 'LY002', 'LY009')
        else:
            earlier = [e for e in account.entries if e.ref is not None and e.ref == args['ref']]
            if earlier and earlier[0].fingerprint != fingerprint(verb, args):
                raise Refused('LY003')
        return dict(earlier[0].receipt, repeat=True) if earlier else None

    # ---- joining

    def enroll(self, args, wall):
        """D2: entry 1; known by member and program, so enrolling again is a repeat."""
        program = self.programs.get(args.get('program'))
        if program is None:
            raise Refused('LY005')
        there = self.accounts.get((args['member'], program.code))
        if there:
            return dict(there.entries[0].receipt, repeat=True)
        at = args['at']
        refuse_if((at > wall + CLOCK_SKEW, 'LY009'))
        account = Account(args['member'], program.code, program.timezone)
        account.opened_at = at
        account.inactive_months = inactive_months_of(program.expiry)
        account.activity(at)                                    # joining counts (S8)
        entry = account.write('enroll', at, at)
        entry.attributes = None
        return self.finish(account, entry)

    # ---- earning

    def given_under_cap(self, program, account, computed):
        """S25, D7: what the balance cap leaves of it (the balance with debt off)."""
        if program.balance_cap is None:
            return computed
        room = max(0, program.balance_cap - account.balance)
        if program.on_balance_cap == 'reject' and computed > room:
            return 0
        return min(computed, room)

    def earned_lot(self, program, account, at, pending_days, expires=None):
        """S8, S10, D5: the lot of points earned at `at`; also the policy, if it is kept for confirm.
        pending_days None: until confirmed. `expires`: named by the caller, overrides the policy."""
        earned = account.zone.day_of(at)
        if expires is None and inactive_months_of(program.expiry) is not None:
            account.inactive_months = inactive_months_of(program.expiry)
        if pending_days is None:
            return Key(NEVER, earned, NEVER), program.expiry
        usable_from = earned + pending_days
        if expires is None:
            expires = expires_on(program.expiry, usable_from)
        return Key(expires, earned, usable_from), None

    def purchase(self, program, account, args, at, clock, today):
        amount = amount_of(args['amount'])
        computed = program.points_for(amount)
        refuse_if((computed > MAX_POINTS, '22003'))
        given = self.given_under_cap(program, account, computed)
        lot, expiry = self.earned_lot(program, account, at, program.pending_days)
        account.activity(at)
        gained = account.credit(given, lot, today)
        lines = self.line_points(program, args.get('lines'), computed, given)
        return account.write('earn', at, clock, amount=amount, computed=computed, gained=gained,
                             expiry=expiry, lines=lines)

    def line_points(self, program, lines, computed, given):
        """S2, D12: points of a line are the differences of the rounded running sum; what a cap
        took is shared by cumulative rounding too."""
        if lines is None:
            return None
        result, amount, before = [], Fraction(0), 0
        for line in lines:
            amount += Fraction(str(line['amount']))
            so_far = program.points_for(amount)
            if given != computed:
                so_far = given * so_far // computed
            result.append(dict(line, points=so_far - before))
            before = so_far
        assert before == given
        return result

    def award(self, program, account, args, at, clock, today):
        expires = args.get('expires_on')
        refuse_if((expires is not None and expires < account.zone.day_of(at), '22023'))
        given = self.given_under_cap(program, account, args['points'])
        pending_days = 0
        if args.get('pending'):
            pending_days = program.pending_days or None         # none of its own: until confirmed
        lot, expiry = self.earned_lot(program, account, at, pending_days, expires)
        account.activity(at)
        gained = account.credit(given, lot, today)
        return account.write('award', at, clock, computed=args['points'], gained=gained,
                             expiry=expiry, expires_on=expires)

    def confirm(self, program, account, args, at, clock, today):
        """S10: frees what returns have left of that award; the expiry clock starts then."""
        award = account.entry_of_ref(args['ref'])
        if award is None or award.kind not in ('earn', 'award'):
            raise Refused('LY006')
        if award.expiry is None:                                # does not wait for a confirm
            raise Refused('LY006', 'LY007', 'LY009')
        refuse_if((at < award.at, 'LY009'))                     # D21
        start = account.zone.day_of(at)
        waiting = Key(NEVER, account.zone.day_of(award.at), NEVER)
        expires = award.expires_on
        if expires is None:
            expires = expires_on(award.expiry, start)
        freed = Key(expires, waiting.earned, start)
        points = min(account.claims(award).get(waiting, 0), account.lots.get(waiting, 0))
        account.activity(at)
        taken = account.take([(waiting, points)])
        gained = account.credit(points, freed, today)
        return account.write('confirm', at, clock, of_seq=award.seq, of_ref=award.ref, taken=taken,
                             gained=gained, moves=[(waiting, freed, points, total(gained))])

    # ---- using

    def spend(self, program, account, args, at, clock, today):
        refuse_if((args['points'] > account.usable_points(today), 'LY001'))
        taken = account.take(first_of(account.usable_slices(today), args['points']))
        account.activity(at)
        return account.write('spend', at, clock, taken=taken)

    def hold(self, program, account, args, at, clock, today):
        """S17, D9."""
        limit = clock + program.hold_limit_length()
        until = args.get('until')
        if until is None:
            until = limit
        refuse_if((until <= clock, '22023'), (until > limit and until != FOREVER, 'LY008'),
                  (args['points'] > account.usable_points(today), 'LY001'))
        taken = account.take(first_of(account.usable_slices(today), args['points']))
        account.holds.append(Hold(account.seq + 1, args['ref'], until, dict(taken)))
        return account.write('hold', at, clock, taken=taken, until=until)

    def open_hold(self, account, args, at):
        entry = account.entry_of_ref(args['ref'])
        if entry is None or entry.kind != 'hold':
            raise Refused('LY006')
        found = [h for h in account.holds if h.ref == args['ref']]
        refuse_if((not found, 'LY007'), (at < entry.at, 'LY009'))       # lapsed; D21
        return found[0]

    def capture(self, program, account, args, at, clock, today):
        """D10: the first slices are used, the rest comes back by the same posting."""
        hold = self.open_hold(account, args, at)
        held = total(hold.lots)
        points = held if args.get('points') is None else args['points']
        refuse_if((points > held, 'LY007'))
        slices = in_order(hold.lots)
        account.holds.remove(hold)
        account.activity(at)
        free, made_good = account.come_back(without_first(slices, points), hold.seq)
        return account.write('capture', at, clock, of_seq=hold.seq, of_ref=hold.ref,
                             source=gather(first_of(slices, points)), gained=gather(free),
                             made_good=made_good)

    def release(self, program, account, args, at, clock, today):
        hold = self.open_hold(account, args, at)
        account.holds.remove(hold)
        free, made_good = account.come_back(in_order(hold.lots), hold.seq)
        return account.write('release', at, clock, of_seq=hold.seq, of_ref=hold.ref,
                             gained=gather(free), made_good=made_good)

    # ---- undoing

    def refund(self, program, account, args, at, clock, today):
        """S12, S13, D12, D13."""
        award = account.entry_of_ref(args['of_ref'])
        if award is None or award.kind not in ('earn', 'award'):
            raise Refused('LY006')
        refuse_if((at < award.at, 'LY009'))
        amount, by_line, due, mode, is_last = self.due_of_return(account, award, args)

        # a) its own places: what is not usable yet first, then in order of use
        claim = account.claims(award)
        left, taken = due, {}
        places = sorted(claim, key=lambda key: (key.usable_from <= today, key))
        for key in places:
            points = min(left, claim[key], account.lots.get(key, 0))
            drop(account.lots, key, points)
            put(taken, key, points)
            claim[key] -= points
            left -= points
        # b) nothing for points of it that expired
        gone, spared = account.expired_since(award.seq), {}
        for key in sorted(claim):
            points = min(left, claim[key], gone.get(key, 0))
            put(spared, key, points)
            left -= points
        # c) the rest by policy
        policy, owed, written_off = program.on_spent_return, 0, 0
        if left and policy == 'reject':
            raise Refused('LY010')
        others = []
        if policy in ('debt', 'active_only'):
            others = account.usable_slices(today)
        if policy == 'pending_only':
            others = [(k, n) for k, n in in_order(account.lots) if k.usable_from > today]
        more = first_of(others, left)
        account.take(more)
        for key, points in more:
            put(taken, key, points)
            left -= points
        if policy == 'debt':
            owed = left
            account.debt += owed
        else:
            written_off = left
        entry = account.write('refund', at, clock, of_seq=award.seq, of_ref=award.ref, amount=amount,
                              due=due, owed=owed, taken=taken, spared=spared, written_off=written_off)
        entry.by_line, entry.return_mode, entry.is_last = by_line, mode, is_last
        entry.free_pieces = self.free_pieces if by_line is not None else None
        if written_off:
            account.write_offs.append([entry.seq, written_off])
            entry.then = account.copy(with_entries=False)
        return entry

    def due_of_return(self, account, award, args):
        """S12: (money returned, money by line, points due, 'amount' or 'lines' or None, whether all is back)."""
        returns = [e for e in account.entries if e.kind == 'refund' and e.of_seq == award.seq]
        given, net = award.points, award.amount or Fraction(0)
        due_before = sum(e.due for e in returns)
        refunded = sum(e.amount for e in returns)
        rest = net - refunded
        modes = [e.return_mode for e in returns if e.return_mode]
        asked_amount, asked_lines = args.get('amount'), args.get('lines')
        refuse_if((any(e.is_last for e in returns), 'LY007'))

        if asked_amount is None and asked_lines is None:        # all the rest
            return self.last_return(rest, given - due_before)
        if award.kind == 'award' or net == 0:                   # whole, once
            raise Refused('22023', 'LY007', 'LY006')
        if asked_amount is not None:
            amount = Fraction(str(asked_amount))
            if amount == rest:
                return self.last_return(rest, given - due_before)
            refuse_if((amount > rest, 'LY007'))
            if 'lines' in modes:                                # the first return decides
                raise Refused('LY007', '22023', 'LY006')
            keep = math.floor(given * (rest - amount) / net)
            return amount, None, given - keep - due_before, 'amount', False

        if award.lines is None:
            raise Refused('22023', 'LY006', 'LY007')
        before, pieces = {}, {}                                 # money, and pieces of free lines, back so far
        for e in returns:
            for line, money in (e.by_line or {}).items():
                before[line] = before.get(line, 0) + money
            for line, n in (e.free_pieces or {}).items():
                pieces[line] = pieces.get(line, 0) + n
        by_line, self.free_pieces = self.money_of_lines(award, asked_lines, before, pieces)
        amount = sum(by_line.values())
        if amount == rest:
            return self.last_return(rest, given - due_before, by_line)
        if 'amount' in modes:
            raise Refused('LY007', '22023', 'LY006')
        due = 0
        for number, line in enumerate(award.lines, 1):
            line_net = Fraction(str(line['amount']))
            if line_net and number in by_line:
                back = before.get(number, 0)
                keep_before = math.floor(line['points'] * (line_net - back) / line_net)
                keep = math.floor(line['points'] * (line_net - back - by_line[number]) / line_net)
                due += keep_before - keep
        return amount, by_line, due, 'lines', False

    def last_return(self, rest, due, by_line=None):
        return rest, by_line, due, None, True

    def money_of_lines(self, award, asked, before, pieces):
        """Lines by quantity, by money, or the rest of them -> {line number: money}, and the
        pieces of lines that cost nothing: these are back when all their pieces are."""
        result, free = {}, {}
        for item in asked:
            if not isinstance(item, dict) or not ('line' in item or 'sku' in item):
                raise Refused('22023')
            number = item.get('line')
            if number is None:
                found = [i for i, line in enumerate(award.lines, 1) if line.get('sku') == item['sku']]
                if len(found) != 1:
                    raise Refused('22023', 'LY006')
                number = found[0]
            if not 1 <= number <= len(award.lines):
                raise Refused('22023', 'LY006', 'LY007')
            line = award.lines[number - 1]
            net = Fraction(str(line['amount']))
            rest = net - before.get(number, 0)
            if 'amount' in item:
                money = Fraction(str(item['amount']))
                refuse_if((money <= 0, '22023'))
            elif 'quantity' in item:
                refuse_if((item['quantity'] <= 0, '22023'))
                money = net * item['quantity'] / line['quantity']
            else:
                money = rest
                refuse_if((net > 0 and money == 0, 'LY007'))
            refuse_if((money > rest, 'LY007'))
            if net == 0:
                left = Fraction(str(line.get('quantity', 1))) - pieces.get(number, 0)
                free[number] = Fraction(str(item.get('quantity', left)))
                refuse_if((left == 0 or free[number] > left, 'LY007'))
            result[number] = result.get(number, 0) + money
        return result, free

    def cancel(self, program, account, args, at, clock, today):
        """S15, D14: back to its lots, what was taken last first."""
        use, slices, use_seq = self.cancellable(account, args['of_ref'])
        refuse_if((at < use.at, 'LY009'))
        before = sum(total(e.source) for e in account.entries if e.kind == 'cancel' and e.of_ref == args['of_ref'])
        left = sum(n for _, n in slices) - before
        points = left if args.get('points') is None else args['points']
        refuse_if((left == 0 or points > left, 'LY007'))
        back = last_of(without_last(slices, before), points)

        # A lot that ended meanwhile gets the day of the cancel plus the grace, once.
        grace_on, mapped = None, []
        for key, n in back:
            new = key
            if self.gets_grace(program, account, key, today):
                grace_on = today + program.cancel_grace_days
                new = key._replace(expires=grace_on)
            mapped.append((new, n, key))
        mapped.sort(key=lambda s: (s[0], s[2]))
        free, made_good = account.come_back(mapped, use_seq)
        moves = [(old, new, n, n) for new, n, old in free if new != old]
        account.graced |= {new for _, new, _, _ in moves}
        return account.write('cancel', at, clock, of_seq=use.seq, of_ref=args['of_ref'], source=gather(back),
                             gained=gather([(new, n) for new, n, _ in free]), made_good=made_good,
                             expires_on=grace_on, moves=moves)

    def cancellable(self, account, of_ref):
        """(the spend or capture, its slices in order of use, the number of the use)."""
        use = account.entry_of_ref(of_ref)
        if use is not None and use.kind == 'spend':
            return use, in_order(use.taken), use.seq
        if use is not None and use.kind == 'hold':
            captures = [e for e in account.entries if e.kind == 'capture' and e.of_seq == use.seq]
            if captures:
                return captures[0], in_order(captures[0].source), use.seq
            raise Refused('LY006', 'LY007', 'LY009')
        raise Refused('LY006')

    def gets_grace(self, program, account, key, today):
        return account.has_ended(key, today) and program.cancel_grace_days > 0 and key not in account.graced

    # ---- correcting and mending (S9)

    def adjust(self, program, account, args, at, clock, today):
        points = args['points']
        if points > 0:                                          # a lot of today's policy, never pending
            lot, _ = self.earned_lot(program, account, at, 0)
            account.activity(at)
            return account.write('adjust', at, clock, gained=account.credit(points, lot, today))
        down, usable = -points, account.usable_points(today)
        refuse_if((down > usable and not args.get('allow_debt'), 'LY001'))
        taken = account.take(first_of(account.usable_slices(today), down))
        account.debt += down - total(taken)
        return account.write('adjust', at, clock, taken=taken)

    def extend(self, program, account, args, at, clock, today):
        """D15: free usable lots and lots in holds that end before `to` (or on one date) end on `to`."""
        to, only = args['to'], args.get('expiring_on')
        refuse_if((to <= today, '22023'))

        def moves(key):
            return (key.expires < to and key.expires != INACTIVE and account.is_usable(key, today)
                    and only in (None, key.expires))

        undated = [k for lots in (account.lots, *(h.lots for h in account.holds)) for k in lots
                   if k.expires == INACTIVE and account.is_usable(k, today)]
        if undated and only in (None, account.inactive_on):     # they stay undated, the date moves
            account.inactive_on = max(account.inactive_on, to)
        free = [(k, n) for k, n in in_order(account.lots) if moves(k)]
        held = []
        account.take(free)
        for key, n in free:
            put(account.lots, key._replace(expires=to), n)
        for hold in account.holds:
            for key, n in in_order(hold.lots):
                if moves(key):
                    held.append((key, n))
                    drop(hold.lots, key, n)
                    put(hold.lots, key._replace(expires=to), n)
        return account.write('extend', at, clock, taken=gather(free), source=gather(held),
                             gained=gather([(k._replace(expires=to), n) for k, n in free]),
                             expires_on=to, expiring_on=only,
                             moves=[(k, k._replace(expires=to), n, n)
                                    for k, n in free + in_order(gather(held))])

    def reinstate(self, program, account, args, at, clock, today):
        """D16: what expired comes back, latest first, with its first earning date."""
        to, slices = args['to'], account.reinstatable()
        refuse_if((to < today, '22023'), (args['points'] > sum(n for _, n in slices), 'LY007'))
        back = last_of(slices, args['points'])
        new = sorted(((k._replace(expires=to), n, k) for k, n in back), key=lambda s: (s[0], s[2]))
        new = without_first(new, account.pay_debt(args['points']))      # debt, not write-offs
        for key, n, _ in new:
            put(account.lots, key, n)
        account.activity(at)
        return account.write('reinstate', at, clock, source=gather(back), expires_on=to,
                             gained=gather([(k, n) for k, n, _ in new]),
                             moves=[(old, k, n, n) for k, n, old in new])

    # ---- moving and stopping

    def transfer(self, program, sender, args, at):
        """S18, D17."""
        if args['to_member'] == args['member']:
            raise Refused('LY011')
        receiver = self.accounts[args['to_member'], program.code].copy()
        clock = max(at, sender.clock, receiver.clock)
        sender.settle(clock)
        receiver.settle(clock)
        today, date = sender.zone.day_of(clock), sender.zone.day_of(at)
        points, fee = args['points'], program.transfer_fee
        slices = [(k, n) for k, n in sender.usable_slices(today)
                  if k.usable_from <= today - program.transfer_usable_days]
        year = dt.date.fromordinal(date + DAY_ZERO).year
        before = [e for e in sender.entries if e.kind == 'transfer_out'
                  and dt.date.fromordinal(sender.zone.day_of(e.at) + DAY_ZERO).year == year]
        sent = sum(-e.points - e.fee for e in before)
        times, most, cap = program.transfers_per_year, program.points_per_transfer_year, program.balance_cap
        refuse_if(
            (sender.frozen or receiver.frozen, 'LY002'),
            (sender.debt > 0, 'LY011'),
            (times is not None and len(before) >= times, 'LY008'),
            (most is not None and sent + points > most, 'LY008'),
            (date - sender.zone.day_of(sender.opened_at) < program.transfer_membership_days, 'LY008'),
            (cap is not None and receiver.balance + points > cap, 'LY008'),
            (sum(n for _, n in slices) < points + fee, 'LY001'))
        taken = sender.take(first_of(slices, points + fee))
        over = first_of(slices, points)                         # first these go over, then the fee is burnt
        sender.activity(at)
        out = sender.write('transfer_out', at, clock, taken=taken, fee=fee, counterparty=args['to_member'])
        self.describe(out, 'transfer', args)

        if any(k.expires == INACTIVE for k, _ in over) and receiver.inactive_months is None:
            receiver.inactive_months = sender.inactive_months
        receiver.activity(at)
        arrived = without_first(over, receiver.pay_debt(points))
        for key, n in arrived:
            put(receiver.lots, key, n)
        came = receiver.write('transfer_in', at, clock, gained=gather(arrived), of_ref=args['ref'],
                              counterparty=args['member'])
        came.reason = args.get('reason')
        self.finish(receiver, came)
        return self.finish(sender, out)

    def freeze(self, program, account, args, at, clock, today):
        """S19, D18: replaces the freeze in force."""
        until = args.get('until')
        refuse_if((until is not None and until <= clock, '22023'))
        account.frozen = args['mode']
        account.frozen_until = None if until == FOREVER else until
        return account.write('freeze', at, clock, mode=args['mode'], until=account.frozen_until)

    def unfreeze(self, program, account, args, at, clock, today):
        refuse_if((account.frozen is None, 'LY007'))
        account.frozen = account.frozen_until = None
        return account.write('unfreeze', at, clock)

    # ---- settling and reading

    def settle(self, args, wall=FOREVER):
        """S28: posts what fell due up to `at`; the clock moves only to what it posts."""
        program, account = self.find(args)
        refuse_if((args['at'] > wall + CLOCK_SKEW, 'LY009'))
        before = account.seq
        account.settle(args['at'])
        self.keep(account)
        return account.seq - before

    def as_of(self, member, program, t):
        """D20: the entries whose clock is at or before t, settled to t; None before the first."""
        account = self.accounts[member, program]
        known = [e for e in account.entries if e.clock <= t]
        if not known:
            return None
        then = known[-1].then.copy()
        then.settle(t)
        return then

    def balance(self, member, program, t):
        then = self.as_of(member, program, t)
        today = then.zone.day_of(t)
        return dict(balance=total(then.lots) + then.held() - then.debt, usable=then.usable_points(today),
                    pending=then.pending_points(today), held=then.held(), debt=then.debt)

    def lots(self, member, program, t):
        """Rows of lots(): (key, free points, held points, state), in order of use."""
        then = self.as_of(member, program, t)
        today = then.zone.day_of(t)
        held = gather([s for h in then.holds for s in h.lots.items()])
        return [(k, then.lots.get(k, 0), held.get(k, 0), 'pending' if k.usable_from > today else 'usable')
                for k in sorted(set(then.lots) | set(held))]
