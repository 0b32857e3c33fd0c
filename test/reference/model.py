"""The ledger again: a slow, plain model of `loyalty`, sharing no code with the core.

It follows semantics.md (S-numbers) and decisions.md here (D1..D36). Where a
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

import dates
import expressions
import periods
import rules
import ruleset
import tiers
from dates import (DAY, DAY_ZERO, EPOCH, FOREVER, HOUR, INACTIVE, NEVER, SECOND, ZONES, Zone,  # noqa: F401
                   add_months, day, day_text, instant, instant_text, zone)

MAX_POINTS = 10 ** 15
MAX_AMOUNT = 10 ** 15


# ---------------------------------------------------------------- expiry policies (S8)

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
    codes = [code for holds, some in reasons if holds for code in ((some,) if isinstance(some, str) else some)]
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
        transfer_usable_days=0, transfer_fee=0, currency=None, base_group=None, multiplier_ceiling=None,
        tier_window='calendar year', tier_months=12, tier_term=1, tier_grace_days=0, tier_review='supported',
        tier_on_return='recompute')

    def __init__(self, code, **settings):
        self.code = code
        self.__dict__.update(self.DEFAULTS)
        for _, _, attribute in ruleset.VIEWS.values():
            setattr(self, attribute, {})                    # code -> row, as inserted through the view
        self.change(**settings)

    def configure(self, view, given):
        _, key, attribute = ruleset.VIEWS[view]
        row = ruleset.row(view, given)
        getattr(self, attribute)[row[key]] = row

    def withdraw(self, view, name):
        """Delete a row; what was used of it stays with its code."""
        del getattr(self, ruleset.VIEWS[view][2])[name]

    def reconfigure(self, view, name, given):
        getattr(self, ruleset.VIEWS[view][2])[name].update(given)

    def takes(self, group):
        """What an exclusive group takes; one that nobody declared takes the best."""
        return self.groups[group]['takes'] if group in self.groups else 'best'

    def tier(self, code):
        return None if code is None else self.tiers[code]

    def change(self, **settings):
        assert not set(settings) - set(self.DEFAULTS), settings
        self.__dict__.update(settings)

    def hold_limit_length(self):
        count, unit = self.hold_limit.split()
        return int(count) * (HOUR if unit.startswith('hour') else DAY)

    def exact_points(self, amount):
        """S1, S3: what the program's own rate gives for an amount; exact, divided last."""
        if self.block_amount is not None:
            return Fraction(math.floor(amount / Fraction(self.block_amount)) * self.block_points)
        return amount * Fraction(self.base_rate) / Fraction(self.per_amount)


class Entry:
    """A row of the journal; fields as in the table, lots as dicts."""

    def __init__(self, **fields):
        self.of_seq = self.of_ref = self.ref = self.fingerprint = None
        self.amount = self.computed = self.due = self.owed = None
        self.written_off = self.expired = 0
        self.counterparty = self.fee = self.expires_on = self.of_last_day = None
        self.until = self.mode = self.expiry = None
        self.activity = self.cause = self.tier_grant = self.grant_first_day = self.grant_last_day = None
        self.benefit = self.quantity = None
        self.tier = None                            # in force after it
        self.parts, self.charges = None, []         # of what was earned; a return's charges are negative
        self.standing = None                        # the account's, where the entry changed it
        self.reason = self.channel = self.store = self.brand = self.attributes = None
        self.lines = None
        self.taken, self.gained, self.source, self.spared = {}, {}, {}, {}
        self.written_off_lots, self.made_good = {}, {}
        # Not in the table: from which lot to which other lot points went (D13), the
        # receipt (for repeats), and the account as it stood then (for reads as of a time).
        self.moves, self.freed, self.receipt, self.then = [], [], None, None
        self.due_cells = None                       # ... and points due by part and cell
        self.by_line = self.return_mode = None      # of a return: money by line; what it named
        self.free_pieces = None                     # ... and pieces of lines that cost nothing
        self.met, self.told_more = set(), False     # for coverage.py
        self.is_last = False
        self.at_tier = None                         # at which it earned
        # Of what was earned, returned, confirmed: its day, the day from which it counts for tiers and (confirmed)
        # from which it would have counted, and how many points of it count.
        self.happened_on = self.counts_from = self.would_count_from = self.qualifying = None
        self.became_known = None                    # days whose events are known now
        self.due_parts, self.written_parts = [], []         # of a return: by part
        self.of_parts = []                          # ... and what they are, where the part base is not alone
        self.taken_own = {}                         # ... by (lot of the part, lot)
        self.__dict__.update(fields)


class GivenPart(NamedTuple):
    """A part as an entry keeps it."""
    name: str
    campaign: object
    tier: object
    computed: int
    given: int
    cells: list                                     # given, by cell
    lot: object                                     # where its points went (key)
    on_return: str
    qualifies: bool
    alone: bool                                     # the part base where there is no other
    policy: str = None                              # by which its points expire

    def waits(self):
        """Were its points not usable at once?"""
        return self.given > 0 and self.lot.usable_from > self.lot.earned


def origin_of(award, number):
    """The first part that put its points where this one did."""
    part = award.parts[number]
    for i, other in enumerate(award.parts[:number]):
        if other.lot == part.lot and (other.policy == part.policy or not other.lot.usable_from > other.lot.earned):
            return i
    return number


class Hold:
    def __init__(self, seq, ref, until, lots):
        self.seq, self.ref, self.until, self.lots = seq, ref, until, lots

    def copy(self):
        return Hold(self.seq, self.ref, self.until, dict(self.lots))


# ---------------------------------------------------------------- account

class Account:
    lots_limit = 1000                               # the ledger's when it was enrolled

    def __init__(self, member, program):
        self.member, self.program = member, program.code
        self.settings = program                     # as they stand now
        self.zone = zone(program.timezone)
        self.opened_at = None
        self.frozen = self.frozen_until = None
        self.inactive_months = self.inactive_on = None
        self.clock = self.clock_on = None
        self.seq = self.balance = self.usable = self.debt = 0
        self.lots = {}
        self.holds = []
        # [seq of the return, what is outstanding, {lot of its parts: at most}, from no others?], oldest first (D11)
        self.write_offs = []
        self.graced = set()         # keys into which a cancel moved points by grace (D14)
        self.tier = None            # in force
        self.computed_tier = self.computed_last_day = self.reached_on = None
        self.before_tier = self.before_last_day = None
        self.grants = ()            # those that have not ended
        self.orders = self.earned = 0
        self.spend, self.last_order_on = Fraction(0), None
        self.tallies = {}           # (day, activity, counts from) -> (times, points, spend); replaced, not changed
        self.usage = {}             # (counter, first day of period) -> (times, points); the same
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

    def usable_points(self, today, matured_on=None):
        """`matured_on`: of what became usable later, `mature` has not told yet (S28)."""
        return sum(n for k, n in self.usable_slices(today) if matured_on is None or k.usable_from <= matured_on)

    def pending_points(self, today):
        return sum(n for k, n in self.lots.items() if k.usable_from > today)

    def written_off(self):
        return sum(w[1] for w in self.write_offs)

    # ---- the journal

    def write(self, kind, at, clock, matured_on=None, **fields):
        """S29: append an entry that says what the account has become."""
        before = self.balance
        self.seq += 1
        assert self.clock is None or clock >= self.clock
        self.clock, self.clock_on = clock, self.zone.day_of(clock)
        if kind in ('enroll', 'tier', 'grant_tier', 'end_grant'):    # the entries that change it
            self.tier = self.tier_in_force(self.clock_on)
        self.balance = total(self.lots) + self.held() - self.debt
        self.usable = self.usable_points(self.clock_on, matured_on)
        assert not (self.debt and self.usable), 'S11: debt never stands beside usable points'
        assert self.debt >= 0 and all(n > 0 for n in self.lots.values())
        entry = Entry(seq=self.seq, kind=kind, at=at, clock=clock, clock_on=self.clock_on,
                      points=self.balance - before, balance=self.balance, usable=self.usable,
                      debt=self.debt, held=self.held(), tier=self.tier, **fields)
        self.entries.append(entry)
        entry.then = self.copy(with_entries=False)
        return entry

    def entry_of_ref(self, ref, kinds):
        """S26: a ref is unique among the postings of an act."""
        found = [e for e in self.entries if e.ref == ref and e.kind in kinds]
        assert len(found) < 2
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
        """D11: slices [(key, points, key before a grace)] return from the use numbered use_seq, in order
        of use: debt first, then write-offs of returns younger than the use, oldest return first, the rest
        becomes free. A write-off takes what returns to lots of its parts first; under clamp nothing else.
        Returns (what became free, {lot as it left: points that write-offs used up})."""
        slices = without_first(slices, self.pay_debt(sum(s[1] for s in slices)))
        left, made_good = {s[-1] if len(s) > 2 else s[0]: s[1] for s in slices}, {}
        for write_off in self.write_offs:
            if write_off[0] > use_seq:
                own = [(key, min(most, left.get(key, 0))) for key, most in in_order(write_off[2])]
                self.make_good(write_off, own, left, made_good)
                if not write_off[3]:
                    self.make_good(write_off, in_order(left), left, made_good)
        slices = [(s[0], left[s[-1] if len(s) > 2 else s[0]], *s[2:]) for s in slices]
        slices = [s for s in slices if s[1]]
        for key, points, *_ in slices:
            put(self.lots, key, points)
        return slices, made_good

    @staticmethod
    def make_good(write_off, slices, left, made_good):
        for key, points in slices:
            good = min(points, write_off[1])
            write_off[1] -= good
            left[key] = left.get(key, 0) - good
            put(made_good, key, good)

    # ---- tiers (S21-S24), figures and tallies

    def tier_in_force(self, today):
        """S24: the higher of what is computed and what is granted."""
        best = self.computed_tier
        for grant in self.grants:
            if grant.first <= today <= grant.until:
                best = tiers.higher(self.settings, best, grant.tier)
        return best

    def tier_at(self, t):
        """The tier in force at an earlier time (S22: a late event has that of its date)."""
        known = [e for e in self.entries if e.clock <= t]
        return known[-1].tier if known else None

    def standing(self):
        return dict(computed_tier=self.computed_tier, computed_last_day=self.computed_last_day, reached_on=self.reached_on,
                    before_tier=self.before_tier, before_last_day=self.before_last_day)

    def restate(self, entry):
        """An entry that was written says itself what it did to the standing."""
        entry.standing = self.standing()
        entry.tier = self.tier = self.tier_in_force(self.clock_on)
        entry.then = self.copy(with_entries=False)

    def evaluate(self, days):
        """S22: by events of `days` having become known, the latest first. True if the tier or its end changed."""
        program, changed = self.settings, False
        for day in sorted(days, reverse=True):
            found = tiers.reached(program, self, day, self.clock_on)
            if found is None or tiers.rank(program, found.tier) < tiers.rank(program, self.computed_tier):
                continue
            if found.tier == self.computed_tier and not tiers.lasts_longer(found.until, self.computed_last_day):
                continue                                        # reached again: on, never back (D25)
            self.remember(found.on)
            self.computed_tier, self.computed_last_day, self.reached_on = found.tier, found.until, found.on
            changed = True
        return changed

    def remember(self, on):
        """S23: what was computed before a window first reached; rolling and lifetime: since the last review."""
        program = self.settings
        if program.tier_window in ('rolling', 'lifetime') and self.reached_on is not None:
            return
        if self.reached_on is None or (tiers.window(program, self, self.reached_on)
                                       != tiers.window(program, self, on)):
            self.before_tier, self.before_last_day = self.computed_tier, self.computed_last_day

    def settle_tiers(self, t, today, changing, stated):
        """S23, S24, S28: a review; what grants start or end, unless an entry of this instant stated it (D29)."""
        before = self.tier
        if self.computed_last_day is not None and self.computed_last_day < today:
            self.computed_tier, self.computed_last_day, self.reached_on = tiers.review(self.settings, self, today)
            self.before_tier, self.before_last_day = self.computed_tier, self.computed_last_day
            self.write('tier', t, t, cause='review', standing=self.standing())
        elif changing and not stated:
            rises = tiers.rank(self.settings, self.tier_in_force(today)) > tiers.rank(self.settings, before)
            self.write('tier', t, t, cause='grant' if rises else 'grant ended', standing=self.standing())

    def tally(self, day, activity, counts_from, times=0, points=0, spend=0):
        """Adds to what counts for tiers, streaks and challenges."""
        key = day, activity, counts_from
        before = self.tallies.get(key, (0, 0, Fraction(0)))
        row = before[0] + times, before[1] + points, before[2] + spend
        self.tallies = {**self.tallies, key: row}
        assert row[0] >= 0 and row[2] >= 0

    def charge(self, counter, first_day, times, points):
        before = self.usage.get((counter, first_day), (0, 0))
        self.usage = {**self.usage, (counter, first_day): (before[0] + times, before[1] + points)}

    # ---- time (S28)

    def due_instants(self):
        """Every instant at which something will fall due as things stand."""
        due = [h.until for h in self.holds]
        if self.computed_last_day is not None:
            due.append(self.zone.start_of_day(self.computed_last_day + 1))
        for grant in self.grants:
            if grant.first > self.clock_on:
                due.append(self.zone.start_of_day(grant.first))
            if grant.until != NEVER:
                due.append(self.zone.start_of_day(grant.until + 1))
        if self.frozen_until is not None:
            due.append(self.frozen_until)
        for key in self.lots:
            if key.usable_from > self.clock_on:
                if key.usable_from != NEVER:
                    due.append(self.zone.start_of_day(key.usable_from))
            elif self.last_day_of(key) != NEVER:
                due.append(self.zone.start_of_day(self.last_day_of(key) + 1))
        due += [self.zone.start_of_day(day) for day in self.waiting() if day > self.clock_on]
        return [t for t in due if t != FOREVER]

    def waiting(self):
        """S10, D27: the days from which anything counts for tiers, whatever became of its points."""
        return {counts_from for (_, _, counts_from), row in self.tallies.items()
                if self.settings.tiers and any(row) and counts_from != NEVER}

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
                self.write('release', t, t, matured_on=day_before, of_seq=hold.seq, of_ref=hold.ref,
                           gained=gather(free), made_good=made_good)
        # 2. points that become usable: they pay debt from the front (S10, S11)
        changing = [g for g in self.grants if day_before < g.first <= today or g.until < today]
        self.grants = tuple(g for g in self.grants if g.until >= today)
        stated = False
        matured = [(k, n) for k, n in in_order(self.lots) if day_before < k.usable_from <= today]
        if matured or any(day_before < day <= today for day in self.waiting()):
            if matured:
                self.activity(t)
            paid = first_of(matured, self.pay_debt(sum(n for _, n in matured)))
            self.take(paid)
            self.write('mature', t, t, taken=gather(paid))
            if self.evaluate({h for h, _, counts_from in self.tallies if day_before < counts_from <= today}):
                self.write('tier', t, t, cause='reached', standing=self.standing())
                stated = True
        # 3. tier reviews, starts and ends of grants
        self.settle_tiers(t, today, changing, stated)
        # 4. points that expire
        self.expire(t)
        # 5. a freeze that ends
        if self.frozen_until is not None and self.frozen_until <= t:
            self.frozen = self.frozen_until = None
            self.write('unfreeze', t, t)
        # 6. what came back may be too many lots
        self.join_lots(self.lots_limit)

    def expire(self, clock):
        """Free lots that could be used and have ended go, in an entry of their own. Returns how many."""
        today = self.zone.day_of(clock)
        ended = [(k, n) for k, n in in_order(self.lots)
                 if k.usable_from <= today and self.has_ended(k, today)]
        if ended:
            self.take(ended)
            self.write('expire', clock, clock, taken=gather(ended))
        return sum(n for _, n in ended)

    def join_lots(self, limit):
        """D37: lots beyond a limit: neighbours in the order of use become one, those of one last day first; if all
        last days differ, what ends first goes to what ends soon after."""
        while len(self.lots) > limit and self.join_some(len(self.lots) - (limit - limit // 8)):
            pass

    def join_some(self, excess):
        """Join until `excess` lots are gone, in an entry; False if none can be."""
        for days in (0, *(2 ** n for n in range(15))):
            moves = self.joined_within(days, excess)
            if moves:
                self.take([(source, n) for source, _, n, _ in moves])
                for _, target, n, _ in moves:
                    put(self.lots, target, n)
                self.write('join', self.clock, self.clock, taken=gather([(s, n) for s, _, n, _ in moves]),
                           gained=gather([(t, n) for _, t, n, _ in moves]), moves=moves)
                return True
        return False

    def joined_within(self, days, excess):
        """The moves that join neighbours whose last days are at most so many apart, until `excess` lots are gone."""
        def together(one, other):
            return (max(one.usable_from, other.usable_from) <= self.clock_on and one.issuer == other.issuer
                    and (one.expires == other.expires
                         or other.expires < INACTIVE and other.expires - one.expires <= days))

        left, moves = [k for k, _ in in_order(self.lots)], []
        while left and excess > 0:
            count = 1
            while count < len(left) and count <= excess and together(left[0], left[count]):
                count += 1
            group, left, excess = left[:count], left[count:], excess - (count - 1)
            target = group[0] if group[0].expires == group[-1].expires else group[-1]
            target = target._replace(usable_from=max(k.usable_from for k in group))
            moves += [(k, target, self.lots[k], self.lots[k]) for k in group if k != target]
        return moves

    # ---- what a return looks for in the journal (S13, D13)

    def claims(self, award):
        """{(origin, lot in which its points may be now): at most how many}. Parts of one lot have one origin,
        but those that wait under policies of their own; it is the number of the first of them."""
        return {place: points for place, points in self.follow(award)[0].items() if points}

    def lots_of_parts(self, award):
        """By origin: all lots that its points have been in, wherever they are now."""
        return self.follow(award)[1]

    def follow(self, award):
        claim, gained, been = {}, dict(award.gained), {}
        for origin in sorted({origin_of(award, i) for i in range(len(award.parts))}):
            lot = award.parts[origin].lot
            put_there = sum(p.given for i, p in enumerate(award.parts) if origin_of(award, i) == origin)
            points = min(put_there, gained.get(lot, 0))
            claim[origin, lot] = points
            been[origin] = {lot} if lot in award.gained else set()
            gained[lot] = gained.get(lot, 0) - points

        def of_lot(key):
            return sorted(c for c in claim if c[1] == key)

        for e in self.entries:
            if e.seq <= award.seq:
                continue
            if e.kind == 'refund' and e.of_seq == award.seq:
                for place, points in e.taken_own.items():
                    claim[place] -= points
                for key, points in e.taken.items():     # what other parts' dues took of it
                    points -= sum(n for place, n in e.taken_own.items() if place[1] == key)
                    for place in of_lot(key):
                        gone = min(points, claim[place])
                        claim[place] -= gone
                        points -= gone
            if e.kind == 'confirm' and e.of_seq == award.seq:
                for origin, key, target, out, into in e.freed:
                    claim[origin, key] -= out
                    claim[origin, target] = claim.get((origin, target), 0) + into
                    been[origin] |= {target} if into else set()
                continue
            if e.kind == 'confirm':
                continue
            for source, target, out, into in e.moves:
                for place in of_lot(source):
                    moved = min(out, claim[place])
                    arrived = min(into, moved)
                    claim[place] -= moved
                    claim[place[0], target] = claim.get((place[0], target), 0) + arrived
                    out, into = out - moved, into - arrived
                    been[place[0]] |= {target} if arrived else set()
        return claim, been

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
    'enroll': (), 'purchase': ('amount', 'ref'), 'award': ('points', 'ref'), 'confirm': ('of_ref', 'ref'),
    'spend': ('points', 'ref'), 'hold': ('points', 'ref'), 'capture': ('of_ref', 'ref'),
    'release': ('of_ref', 'ref'),
    'refund': ('of_ref', 'ref'), 'cancel': ('of_ref', 'ref'), 'adjust': ('points', 'ref'),
    'extend': ('last_day', 'ref'), 'reinstate': ('points', 'last_day', 'ref'), 'transfer': ('to_member', 'points', 'ref'),
    'freeze': ('mode', 'ref'), 'unfreeze': ('ref',), 'activity': ('activity', 'ref'),
    'grant_tier': ('tier', 'ref'), 'end_grant': ('of_ref', 'ref'), 'use_benefit': ('benefit', 'ref')}

EARNING = ('purchase', 'award', 'activity')     # kinds of entries that a return or a confirmation can refer to
USING = ('spend', 'capture')                    # kinds of entries that a cancellation can refer to


def act_of(verb):
    """The kinds of entries among which a ref of this call is unique (S26)."""
    kind = {'transfer': 'transfer_out'}.get(verb, verb)
    return next((act for act in (EARNING, USING) if kind in act), (kind,))


# Refusals whose code the specification leaves open: any of these will do.
BAD_RULE = ('LY017',)
NO_SUCH_TIER = ('LY006', 'LY005', '22023', '42704')

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
    if verb == 'activity':
        refuse_if((given['activity'] in ('', 'purchase', 'award', '*'), '22023'))
    if verb == 'use_benefit':
        refuse_if((given.get('quantity', 1) <= 0, '22023'))
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
        if value is None or value is (name == 'qualifies') or name in ('member', 'program', 'until'):
            continue
        if name == 'amount':
            value = Fraction(str(value))
        given.append((name, by_value(value)))
    return verb, tuple(given)


def activity_of(award):
    """What tallies call it."""
    return {'purchase': 'purchase', 'award': 'award', 'activity': award.activity}[award.kind]


def is_birthday(birthday, date):
    """'MM-DD'; 29 February is kept on the 28th in other years."""
    if birthday == '02-29' and not calendar.isleap(date.year):
        birthday = '02-28'
    return None if birthday is None else birthday == f'{date.month:02}-{date.day:02}'


class Ledger:
    """All programs, members and accounts. `post` is every posting, in the order of checks of D2."""

    def __init__(self):
        self.programs = {}
        self.accounts = {}          # (member, program code) -> Account
        self.members = {}           # member -> tags, attributes, birthday
        self.member_ids = {}        # member -> number, for pilots
        self.spent = {}             # program code -> {('rule' or 'campaign', code): points}
        self.lots_limit = 1000      # open lots of an account, beyond which they are joined
        self.deployed_again = set() # (program code, (noun, code)), for coverage.py

    def add_program(self, code, configuration=(), **settings):
        """`configuration`: (view, row) of what is configured beside the settings, as in ruleset.py."""
        self.programs[code] = Program(code, **settings)
        self.spent[code] = {}
        for view, row in configuration:
            self.programs[code].configure(view, row)

    def withdraw(self, code, view, name):
        self.programs[code].withdraw(view, name)

    def change_program(self, code, **settings):
        self.programs[code].change(**settings)

    def copy(self):
        """For postings of one statement: accounts are replaced, never changed, so this is enough."""
        other = copy.copy(self)
        other.accounts, other.members = dict(self.accounts), dict(self.members)
        other.spent = {code: dict(spent) for code, spent in self.spent.items()}
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
        if verb in ('purchase', 'award', 'activity'):
            refuse_if((account.frozen in ('earning', 'all'), 'LY002'))
        try:
            entry = getattr(self, verb)(program, account, args, at, clock, today)
        except rules.BadRule:
            raise Refused(*BAD_RULE) from None
        self.describe(entry, verb, args)
        return self.finish(account, entry)

    def describe(self, entry, verb, args):
        """What the caller gave and the entry only keeps."""
        entry.ref = args.get('ref')
        for name in ('reason', 'channel', 'store', 'brand', 'attributes'):
            setattr(entry, name, args.get(name))
        entry.fingerprint = fingerprint(verb, args)

    def finish(self, account, entry):
        """D4: what became free after its date expires at once; then the account is kept."""
        self.after(account, entry)
        entry.expired = account.expire(entry.clock)
        entry.receipt = self.receipt(account, entry)
        account.join_lots(self.lots_limit)
        self.keep(account)
        for counter, first_day, _, points, _ in entry.charges:      # budgets are the program's (S25)
            if first_day == 'budget':
                spent = self.spent[account.program]
                spent[counter] = spent.get(counter, 0) + points
        return entry.receipt

    def after(self, account, entry):
        """What an entry does to the tier: up at once (S22), or a return takes it back (S23)."""
        if entry.became_known is not None and account.evaluate(entry.became_known):
            account.restate(entry)
            entry.cause = 'reached'
        if entry.kind == 'refund':
            award = account.entries[entry.of_seq - 1]
            fallen = tiers.after_return(account.settings, account, account.zone.day_of(award.at), account.clock_on)
            if fallen:
                account.computed_tier, account.computed_last_day = fallen[:2]
                if len(fallen) == 3:
                    account.reached_on = fallen[2]
                account.restate(entry)
                entry.cause = 'return'

    def receipt(self, account, entry):
        receipt = dict(entry=entry.seq, kind=entry.kind, points=entry.points,
                       balance=entry.balance - entry.expired, usable=entry.usable, debt=entry.debt,
                       repeat=False, expired=entry.expired, expires_on=None, tier=account.tier, parts=entry.parts,
                       due=None, taken=None, owed=None, spared=None, written_off=None)
        if entry.kind in (*EARNING, 'confirm', 'adjust', 'reinstate') and entry.gained:
            receipt['expires_on'] = self.last_day_shown(account, entry, min(entry.gained))
        if entry.kind == 'cancel':
            receipt['expires_on'] = entry.expires_on            # the grace
        if entry.kind == 'refund':
            receipt.update(due=entry.due, taken=total(entry.taken), owed=entry.owed,
                           spared=total(entry.spared), written_off=entry.written_off)
        return receipt

    def last_day_shown(self, account, entry, key):
        """The last day of the first lot, as far as it is known; of undated points the entry may leave it out."""
        if key.usable_from == NEVER:
            return entry.expires_on
        return (None, account.inactive_on) if key.expires == INACTIVE else key.expires

    def repeat(self, verb, args, account):
        """S26: the first receipt again if this very request was posted before; another request
        of the same act under the same ref is refused."""
        earlier = account.entry_of_ref(args['ref'], act_of(verb))
        if earlier and earlier.fingerprint != fingerprint(verb, args):
            raise Refused('LY003')
        return dict(earlier.receipt, repeat=True) if earlier else None

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
        account = Account(args['member'], program)
        account.lots_limit = self.lots_limit
        account.opened_at = at
        member = {name: args.get(name) for name in ('tags', 'attributes', 'birthday')}
        more = self.merge_member(args['member'], member)
        account.inactive_months = inactive_months_of(program.expiry)
        account.activity(at)                                    # joining counts (S8)
        today = account.zone.day_of(at)
        joined = tiers.supported_now(program, account, today)
        if joined is not None:
            account.computed_tier, account.reached_on = joined, today
            account.computed_last_day = tiers.until(program, account, joined, today)
            account.before_tier, account.before_last_day = account.computed_tier, account.computed_last_day
        entry = account.write('enroll', at, at, cause='joined' if joined else None, told_more=more)
        entry.standing = account.standing() if joined else None
        entry.attributes = None
        return self.finish(account, entry)

    def merge_member(self, key, told):
        """The first enrolling makes the member; another adds what was unknown, and is refused where it contradicts."""
        known = self.members.get(key)
        if known is None:
            self.members[key] = told
            return False
        attributes, more = known['attributes'] or {}, told['attributes'] or {}
        refuse_if((None not in (known['birthday'], told['birthday']) and known['birthday'] != told['birthday'], '22023'),
                  (any(name in attributes and attributes[name] != value for name, value in more.items()), '22023'))
        tags = known['tags'] or []
        self.members[key] = dict(birthday=known['birthday'] or told['birthday'], attributes={**attributes, **more},
                                 tags=tags + [tag for tag in told['tags'] or [] if tag not in tags])
        return self.members[key] != dict(known, attributes=attributes, tags=tags)

    # ---- earning

    def given_under_cap(self, program, account, computed):
        """S25, D7: what the balance cap leaves of it (the balance with debt off)."""
        if program.balance_cap is None:
            return computed
        room = max(0, program.balance_cap - account.balance)
        if program.on_balance_cap == 'reject' and computed > room:
            return 0
        return min(computed, room)

    def earned_lot(self, account, at, pending_days, policy, expires=None):
        """S8, S10, D5: the lot of points earned at `at`. pending_days None: until confirmed. `expires`: named by the caller, overrides the policy."""
        earned = account.zone.day_of(at)
        if expires is None and inactive_months_of(policy) is not None:
            account.inactive_months = inactive_months_of(policy)
        if pending_days is None:
            return Key(NEVER, earned, NEVER)
        usable_from = earned + pending_days
        if expires is None:
            expires = expires_on(policy, usable_from)
        return Key(expires, earned, usable_from)

    def policy(self, program, tier):
        """S8: the tier's expiry policy, else the program's."""
        return tier['expiry'] if tier and tier['expiry'] else program.expiry

    def tier_for(self, program, account, at):
        """The row of the tier at which an event earns: in force at its date (S22), before what it brings."""
        return program.tier(account.tier if at >= account.clock else account.tier_at(at))

    def purchase(self, program, account, args, at, clock, today):
        amount = amount_of(args['amount'])
        entry = self.earn(program, account, args, at, clock, today, 'purchase', 'purchase', amount)
        lines = args.get('lines')
        if lines is not None:                                   # S12: points of the proportional parts
            own = [sum(p.cells[i] for p in entry.parts if p.on_return == 'proportional') for i in range(len(lines))]
            entry.lines = [dict(line, points=n) for line, n in zip(lines, own)]
        return entry

    def activity(self, program, account, args, at, clock, today):
        amount = None if args.get('amount') is None else amount_of(args['amount'])
        entry = self.earn(program, account, args, at, clock, today, 'activity', args['activity'], amount)
        entry.activity = args['activity']
        return entry

    def earn(self, program, account, args, at, clock, today, kind, activity, amount):
        """S2-S5, S10, S25: the parts of a purchase or activity, what caps leave of them, and their lots."""
        tier = self.tier_for(program, account, at)
        names = self.names(program, account, args, at, today, activity, amount, tier)
        order = rules.Order(program, names, args.get('lines') or [], tier)
        applying = self.applying(program, account, names)
        day = account.zone.day_of(at)
        room = None if program.balance_cap is None else program.balance_cap - account.balance
        caps = rules.Caps(program, account.usage, self.spent[program.code], day, room)
        order.limits = caps.leave
        parts = order.parts(applying)
        refuse_if((sum(p.computed for p in parts) > MAX_POINTS, '22003'))
        caps.fit(parts)
        for rule in applying:
            if rule['effect'] == 'challenge':
                parts += self.challenge(account, rule, order, caps, day, activity, amount)

        lots = [self.lot_of_part(program, account, part, tier, at) for part in parts]
        alone = [p.name for p in parts] == ['base']
        given = [GivenPart(p.name, p.campaign, p.tier, p.computed, p.given, p.given_cells(), lot, p.on_return,
                           p.qualifies, alone, policy) for p, (lot, policy) in zip(parts, lots)]
        waiting = [p.policy for p in given if p.waits()]        # kept for a confirm
        expiry = self.policy(program, tier) if program.pending_days is None else waiting[0] if waiting else None
        gained = self.credit_parts(account, given, today)
        account.activity(at)
        counts_from = self.counts_from(day, program.pending_days, [(p.lot, p.given) for p in given])
        money = amount if activity == 'purchase' else Fraction(0)
        qualifying = sum(p.given for p in given if p.qualifies)
        account.tally(day, activity, counts_from, 1, qualifying, money)
        account.earned += sum(p.given for p in given)
        if activity == 'purchase':
            account.orders += 1
            account.spend += amount
            account.last_order_on = max(day, dates.FIRST if account.last_order_on is None else account.last_order_on)
        charges = caps.charges()
        for counter, first_day, times, points, _ in charges:
            if first_day != 'budget':
                account.charge(counter, first_day, times, points)
        return account.write(kind, at, clock, amount=amount, computed=sum(p.computed for p in parts), gained=gained,
                             expiry=expiry, parts=given, charges=charges, counts_from=counts_from,
                             happened_on=day, qualifying=qualifying, became_known={day},
                             at_tier=tier and tier['code'], met=order.met)

    def applying(self, program, account, names):
        """The rules that may apply, by priority, then code; conditions come with the cells."""
        member_id, found = self.member_ids.get(account.member), []
        for rule in sorted(program.rules.values(), key=lambda r: (r['priority'], r['code'])):
            period = periods.start(rule['cap_period'], names.event['local_date'])
            times = account.usage.get((('rule', rule['code']), period), (0, 0))[0]
            if rules.may_apply(program, rule, names, member_id, times):
                found.append(rule)
        return found

    def challenge(self, account, rule, order, caps, day, activity, amount):
        """A part of its own, met if the metric of the rule's period, this event included, reaches the goal."""
        if not expressions.condition(rule['condition'], order.names):
            return []
        first, last = periods.start(rule['cap_period'], day), periods.end(rule['cap_period'], day)
        if rule['cap_period'] == 'ever':                        # the rule's own window
            if rule['starts_at'] is not None:
                first = account.zone.day_of(rule['starts_at'])
            if rule['ends_at'] is not None:
                last = account.zone.day_of(rule['ends_at'] - 1)
        figure = 0
        for (happened_on, what, _), (times, points, spend) in account.tallies.items():
            if first <= happened_on <= last:
                figure += self.metric(rule['metric'], what, times, points, spend)
        now = sum(p.given for p in caps.done if p.qualifies)
        figure += self.metric(rule['metric'], activity, 1, now, amount if activity == 'purchase' else 0)
        if figure < Fraction(str(rule['goal'])):
            return []
        exact = expressions.points(rule['points'], order.names)
        if exact is None:
            return []
        if exact < 0:
            raise rules.BadRule(rule['code'])
        cells = [Fraction(0) for _ in order.cells()]
        cells[-1] = exact
        part = rules.Part(rule['code'], cells, rule)
        part.challenge = True
        part.computed_cells = [0] * (len(cells) - 1) + [math.floor(exact)]
        part.computed = part.given = math.floor(exact)
        caps.fit([part])
        return [part]

    def metric(self, name, activity, times, points, spend):
        if name == 'points':
            return points
        if name == 'spend':
            return spend
        if name == 'orders':
            return times if activity == 'purchase' else 0
        return times if activity not in ('purchase', 'award') else 0

    def counts_from(self, day, pending_days, given):
        """S10: with the points that wait for the program's day, else with the last of them; what has none at once."""
        own = NEVER if pending_days is None else day + pending_days
        days = [lot.usable_from for lot, n in given if n > 0]
        return own if own in days else max(days, default=day)

    def lot_of_part(self, program, account, part, tier, at):
        """S8, S10: the part's own pending days and policy, else its campaign's, the tier's, the program's."""
        rule = part.rule or {}
        pending_days, policy = program.pending_days, self.policy(program, tier)
        if rule.get('pending_days') is not None:
            pending_days = rule['pending_days']
        if rule:
            campaign = program.campaigns[rule['campaign']] if rule['campaign'] else {}
            policy = rule['expiry'] or campaign.get('expiry') or policy
        return self.earned_lot(account, at, pending_days, policy), policy

    def credit_parts(self, account, parts, today):
        """D4: usable points pay debt first, from the front; the rest goes into the parts' lots."""
        slices = in_order(gather([(p.lot, p.given) for p in parts]))
        usable = [(k, n) for k, n in slices if k.usable_from <= today]
        left = without_first(usable, account.pay_debt(sum(n for _, n in usable)))
        left += [(k, n) for k, n in slices if k.usable_from > today]
        for key, points in left:
            put(account.lots, key, points)
        return gather(left)

    def names(self, program, account, args, at, today, activity, amount, tier):
        """What the names in a rule's expressions stand for."""
        day = account.zone.day_of(at)
        date = dates.date_of(day)
        local = (EPOCH + dt.timedelta(microseconds=at)).astimezone(account.zone.info)
        attributes = args.get('attributes') or {}
        member = self.members[account.member]
        running = tiers.metrics(account, *tiers.window(program, account, today), today)
        since = None if account.last_order_on is None else max(0, day - account.last_order_on)
        event = dict(activity=activity, amount=amount, currency=attributes.get('currency', program.currency),
                     channel=args.get('channel'), store=args.get('store'), brand=args.get('brand'), at=at,
                     local_date=day, year=date.year, month=date.month, day=date.day, weekday=date.isoweekday(),
                     hour=local.hour, time=local.time(), attributes=attributes, lines=len(args.get('lines') or []),
                     streak=self.streak(account, activity, day))
        who = dict(key=account.member, tags=member['tags'] or [], birthday=member['birthday'], orders=account.orders,
                   is_birthday=is_birthday(member['birthday'], date), days_since_order=since,
                   referred='referrer' in (member['attributes'] or {}))
        figures = dict(tier=tier and tier['code'], tier_rank=tier and tier['rank'], balance=account.balance,
                       usable=account.usable_points(today), earned=account.earned,
                       spend=account.spend, orders=account.orders,
                       **{f'tier_{name}': running[name] for name in ('points', 'spend', 'orders', 'activities')})
        return expressions.Names(event, who, figures)

    def streak(self, account, activity, day):
        """Days in a row with this activity, the event's day included."""
        days = {h for (h, what, _), row in account.tallies.items() if what == activity and row[0] > 0}
        n = 1
        while day - n in days:
            n += 1
        return n

    def award(self, program, account, args, at, clock, today):
        expires = args.get('expires_on')
        day = account.zone.day_of(at)
        refuse_if((expires is not None and expires < day, '22023'))
        given = self.given_under_cap(program, account, args['points'])
        pending_days = 0
        if args.get('pending'):
            pending_days = program.pending_days or None         # none of its own: until confirmed
        tier = self.tier_for(program, account, at)
        policy = self.policy(program, tier)
        lot = self.earned_lot(account, at, pending_days, policy, expires)
        account.activity(at)
        gained = account.credit(given, lot, today)
        counts_from = self.counts_from(day, pending_days, [(lot, given)])
        qualifies = args.get('qualifies') is not False
        account.tally(day, 'award', counts_from, 1, given if qualifies else 0)
        account.earned += given
        part = GivenPart('base', None, None, args['points'], given, [given], lot, 'proportional', qualifies, True, policy)
        return account.write('award', at, clock, computed=args['points'], gained=gained,
                             expiry=policy if part.waits() or lot.usable_from == NEVER else None,
                             expires_on=expires, parts=[part], counts_from=counts_from, happened_on=day,
                             qualifying=given if qualifies else 0, became_known={day})

    def confirm(self, program, account, args, at, clock, today):
        """S10: frees what returns have left of that award; the expiry clock starts then."""
        award = account.entry_of_ref(args['of_ref'], EARNING)
        if award is None:
            raise Refused('LY006')
        refuse_if((at < award.at, 'LY009'))                     # D21
        refuse_if((any(e.kind == 'confirm' and e.of_seq == award.seq for e in account.entries), 'LY007'))
        waiting = [key for key in sorted(award.gained) if key.usable_from > today]
        nothing = sum(p.given for p in award.parts) == 0
        kept = award.expiry is not None                         # a policy for a confirmation
        refuse_if((not kept or not waiting and award.counts_from != NEVER and not nothing, 'LY007'))    # the order may wait alone (D34)
        start, claims, moves = account.zone.day_of(at), account.claims(award), []
        here = dict(account.lots)
        for origin, key in sorted(claims):
            if key not in waiting or award.parts[origin].lot != key:
                continue
            points = min(claims[origin, key], here.get(key, 0))
            if points:
                here[key] -= points
                moves.append((origin, key, self.confirmed_lot(award, origin, start), points))
        account.activity(at)
        counted = self.count_from(account, award, start)
        taken = account.take(in_order(gather([(key, n) for _, key, _, n in moves])))
        arrived = in_order(gather([(lot, n) for _, _, lot, n in moves]))
        arrived = without_first(arrived, account.pay_debt(total(taken)))
        left, freed = dict(arrived), []
        for lot, n in arrived:
            put(account.lots, lot, n)
        for origin, key, lot, n in moves:                       # of lots that became one, the first parts' are left
            into = min(n, left.get(lot, 0))
            left[lot] = left.get(lot, 0) - into
            freed.append((origin, key, lot, n, into))
        return account.write('confirm', at, clock, of_seq=award.seq, of_ref=award.ref, taken=taken,
                             gained=gather(arrived), freed=freed, **counted,
                             became_known={award.happened_on})

    def confirmed_lot(self, award, origin, start):
        """The expiry clock of points that waited starts on the day of the confirm, by their part's own policy."""
        part, expires = award.parts[origin], award.expires_on
        if expires is None:
            expires = expires_on(part.policy, start)
        return part.lot._replace(expires=expires, usable_from=start)

    def count_from(self, account, award, start):
        """S10: what returns have left of it counts for tiers from the day of the confirm. What its entry states."""
        returns = [e for e in account.entries if e.kind == 'refund' and e.of_seq == award.seq]
        times = 0 if any(e.is_last for e in returns) else 1
        points = sum(p.given for p in award.parts if p.qualifies)
        points -= sum(due for e in returns for p, due in zip(award.parts, e.due_parts) if p.qualifies)
        spend = award.amount - sum(e.amount for e in returns) if award.kind == 'purchase' else 0
        day, activity = award.happened_on, activity_of(award)
        if sum(p.given for p in award.parts) == 0:              # it has counted all along
            start = award.counts_from
        account.tally(day, activity, award.counts_from, -times, -points, -spend)
        account.tally(day, activity, start, times, points, spend)
        return dict(activity=activity, happened_on=day, would_count_from=award.counts_from, counts_from=start,
                    quantity=times, qualifying=points, amount=spend if award.kind == 'purchase' else None)

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
        entry = account.entry_of_ref(args['of_ref'], ('hold',))
        if entry is None:
            raise Refused('LY006')
        found = [h for h in account.holds if h.seq == entry.seq]
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
        award = account.entry_of_ref(args['of_ref'], EARNING)
        if award is None:
            raise Refused('LY006')
        refuse_if((at < award.at, 'LY009'))
        amount, by_line, due_parts, mode, is_last, due_cells = self.due_of_return(account, award, args)

        # a) each part from its own places: what is not usable yet of all parts first, then in order of use
        claim, left, taken, own = account.claims(award), list(due_parts), {}, {}
        been = account.lots_of_parts(award)
        for pending in (True, False):
            for i, part in enumerate(award.parts):
                for place in sorted((c for c in claim if c[0] == origin_of(award, i)), key=lambda c: c[1]):
                    key = place[1]
                    if (key.usable_from > today) == pending:
                        points = min(left[i], claim[place], account.lots.get(key, 0))
                        drop(account.lots, key, points)
                        put(taken, key, points)
                        put(own, place, points)
                        claim[place] -= points
                        left[i] -= points
        # b) nothing for points of it that expired
        gone, spared = account.expired_since(award.seq), {}
        for i, part in enumerate(award.parts):
            for place in sorted((c for c in claim if c[0] == origin_of(award, i)), key=lambda c: c[1]):
                points = min(left[i], claim[place], gone.get(place[1], 0))
                put(spared, place[1], points)
                claim[place] -= points
                left[i] -= points
                if points:
                    gone[place[1]] -= points
        # c) the rest of all parts by policy
        policy, owed, written_off, rest = program.on_spent_return, 0, 0, sum(left)
        if rest and policy == 'reject':
            raise Refused('LY010')
        others = []
        if policy in ('debt', 'active_only'):
            others = account.usable_slices(today)
        if policy == 'pending_only':
            others = [(k, n) for k, n in in_order(account.lots) if k.usable_from > today]
        more = first_of(others, rest)
        account.take(more)
        for key, points in more:
            put(taken, key, points)
            rest -= points
        if policy == 'debt':
            owed = rest
            account.debt += owed
        else:
            written_off = rest
        written_parts, written_off_lots = self.written_by_part(left, written_off), {}
        for i, points in enumerate(written_parts):
            for key in been.get(origin_of(award, i), ()) if points else ():
                put(written_off_lots, key, points)
        charges = self.give_back(account, award, due_parts, written_parts, amount, is_last)
        confirmed = [e.counts_from for e in account.entries if e.kind == 'confirm' and e.of_seq == award.seq]
        entry = account.write('refund', at, clock, of_seq=award.seq, of_ref=award.ref, amount=amount,
                              due=sum(due_parts), owed=owed, taken=taken, spared=spared, written_off=written_off,
                              written_off_lots=written_off_lots, mode=policy if written_off else None,
                              charges=charges, due_parts=due_parts, written_parts=written_parts, taken_own=own,
                              activity=activity_of(award), happened_on=award.happened_on,
                              counts_from=(confirmed or [award.counts_from])[0], quantity=1 if is_last else 0,
                              qualifying=sum(n for p, n in zip(award.parts, due_parts) if p.qualifies))
        entry.by_line, entry.return_mode, entry.is_last = by_line, mode, is_last
        entry.due_cells = due_cells
        entry.of_parts = [] if not award.parts or award.parts[0].alone else award.parts
        entry.free_pieces = self.free_pieces if by_line is not None else None
        if written_off:
            account.write_offs.append([entry.seq, written_off, entry.written_off_lots, policy == 'clamp'])
            entry.then = account.copy(with_entries=False)
        return entry

    def written_by_part(self, left, written_off):
        """What is written off falls on the last parts first, each by what its own lots did not pay."""
        result = [0] * len(left)
        for i in reversed(range(len(left))):
            result[i] = min(left[i], written_off)
            written_off -= result[i]
        return result

    def give_back(self, account, award, due_parts, written_parts, amount, is_last):
        """S14: caps and budgets get back what was due, less what was written off; tallies fall by the whole due;
        a firing counts less only with the whole order. Returns the charges, negative."""
        back = [due - written for due, written in zip(due_parts, written_parts)]
        charges = []
        for counter, first_day, times, _, part in award.charges:
            if part is not None:
                points = back[part]
            elif counter[0] == 'campaign':
                points = sum(n for p, n in zip(award.parts, back) if p.campaign == counter[1])
            else:
                points = sum(back)
            times = times if is_last and (part is None or self.is_undone(account, award, part, due_parts, written_parts)) else 0
            if points or times:
                charges.append((counter, first_day, -times, -points, part))
            if first_day != 'budget':
                account.charge(counter, first_day, -times, -points)
        returned = [e for e in account.entries if e.kind == 'confirm' and e.of_seq == award.seq]
        counts_from = returned[0].counts_from if returned else award.counts_from
        account.tally(account.zone.day_of(award.at), activity_of(award), counts_from, -1 if is_last else 0,
                      -sum(due for p, due in zip(award.parts, due_parts) if p.qualifies), -amount)
        account.earned -= sum(due_parts)
        account.spend -= amount
        if is_last and award.kind == 'purchase':
            account.orders -= 1
        return charges

    def is_undone(self, account, award, number, due_parts, written_parts):
        """S14: a firing counts less only where nothing of its part is kept or written off."""
        returns = [e for e in account.entries if e.kind == 'refund' and e.of_seq == award.seq]
        part = award.parts[number]
        return (part.on_return != 'never'
                and part.given == due_parts[number] + sum(e.due_parts[number] for e in returns)
                and not written_parts[number] + sum(e.written_parts[number] for e in returns))

    def due_of_return(self, account, award, args):
        """S12: (money returned, money by line, points due by part, 'amount', 'lines' or None, whether all is back)."""
        returns = [e for e in account.entries if e.kind == 'refund' and e.of_seq == award.seq]
        net = award.amount if award.kind == 'purchase' else Fraction(0)
        refunded = sum(e.amount for e in returns)
        rest = net - refunded
        modes = [e.return_mode for e in returns if e.return_mode]
        asked_amount, asked_lines = args.get('amount'), args.get('lines')
        refuse_if((any(e.is_last for e in returns), 'LY007'))
        # what each part still has
        had = [p.given - sum(e.due_parts[i] for e in returns) for i, p in enumerate(award.parts)]
        proportional = [p.on_return == 'proportional' for p in award.parts]

        def last_return(by_line=None):
            due = [0 if p.on_return == 'never' else n for p, n in zip(award.parts, had)]
            return rest, by_line, due, None, True, None

        def due_by_part(keep):
            """S12: all proportional parts keep `keep` together, split by cumulative rounding of what each still had."""
            kept = rules.spread([n if mine else 0 for n, mine in zip(had, proportional)], keep)
            return [n - k if mine else 0 for n, k, mine in zip(had, kept, proportional)]

        if asked_amount is None and asked_lines is None:        # all the rest
            return last_return()
        if award.kind != 'purchase' or net == 0:                    # whole, once
            raise Refused('22023', 'LY007', 'LY006')
        if asked_amount is not None:
            amount = Fraction(str(asked_amount))
            if amount == rest:
                return last_return()
            refuse_if((amount > rest, 'LY007'))
            if 'lines' in modes:                                # the first return decides
                raise Refused('LY007', '22023', 'LY006')
            given = sum(p.given for p, mine in zip(award.parts, proportional) if mine)
            return amount, None, due_by_part(math.floor(given * (rest - amount) / net)), 'amount', False, None

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
            return last_return(by_line)
        if 'amount' in modes:
            raise Refused('LY007', '22023', 'LY006')
        # each line by its own money against its own points, what belongs to the order by the order's money
        due_cells = [[0] * len(p.cells) for p in award.parts]
        for cell in range(max(len(p.cells) for p in award.parts)):
            if cell < len(award.lines):
                whole, gone = Fraction(str(award.lines[cell]['amount'])), before.get(cell + 1, 0) + by_line.get(cell + 1, 0)
                if not whole:                                   # of a line that costs nothing, by its pieces
                    whole = Fraction(str(award.lines[cell].get('quantity', 1)))
                    gone = pieces.get(cell + 1, 0) + self.free_pieces.get(cell + 1, 0)
            else:
                whole, gone = net, refunded + amount
            given = [p.cells[cell] if mine else 0 for p, mine in zip(award.parts, proportional)]
            here = [n - (sum(e.due_cells[i][cell] for e in returns) if mine else 0)
                    for i, (n, mine) in enumerate(zip(given, proportional))]
            for i, keeps in enumerate(rules.spread(here, math.floor(sum(given) * (whole - gone) / whole))):
                due_cells[i][cell] = here[i] - keeps
        return amount, by_line, [sum(cells) for cells in due_cells], 'lines', False, due_cells

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
        before = sum(total(e.source) for e in account.entries if e.kind == 'cancel' and e.of_seq == use.seq)
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
        use = account.entry_of_ref(of_ref, USING)
        if use is None:
            raise Refused('LY006')
        return (use, in_order(use.taken), use.seq) if use.kind == 'spend' else (use, in_order(use.source), use.of_seq)

    def gets_grace(self, program, account, key, today):
        return account.has_ended(key, today) and program.cancel_grace_days > 0 and key not in account.graced

    # ---- correcting and mending (S9)

    def adjust(self, program, account, args, at, clock, today):
        points = args['points']
        if points > 0:                                          # a lot of today's policy, never pending
            lot = self.earned_lot(account, at, 0, self.policy(program, self.tier_for(program, account, at)))
            account.activity(at)
            return account.write('adjust', at, clock, gained=account.credit(points, lot, today))
        down, usable = -points, account.usable_points(today)
        refuse_if((down > usable and not args.get('allow_debt'), 'LY001'))
        taken = account.take(first_of(account.usable_slices(today), down))
        account.debt += down - total(taken)
        return account.write('adjust', at, clock, taken=taken)

    def extend(self, program, account, args, at, clock, today):
        """D15: free usable lots and lots in holds that end before `to` (or on one date) end on `to`."""
        to, only = args['last_day'], args.get('of_last_day')
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
                             expires_on=to, of_last_day=only,
                             moves=[(k, k._replace(expires=to), n, n)
                                    for k, n in free + in_order(gather(held))])

    def reinstate(self, program, account, args, at, clock, today):
        """D16: what expired comes back, latest first, with its first earning date."""
        to, slices = args['last_day'], account.reinstatable()
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
            (date < sender.zone.day_of(sender.opened_at), 'LY009'),
            (0 <= date - sender.zone.day_of(sender.opened_at) < program.transfer_membership_days, 'LY008'),
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

    # ---- tiers that are given, benefits (S24)

    def grant_tier(self, program, account, args, at, clock, today):
        refuse_if((args['tier'] not in program.tiers, NO_SUCH_TIER))
        first = account.zone.day_of(at) if args.get('first_day') is None else args['first_day']
        until = NEVER if args.get('last_day') is None else args['last_day']
        refuse_if((until < first, '22023'), (first < account.zone.day_of(at), '22023'))
        if until >= today:
            account.grants += (tiers.Grant(account.seq + 1, args['tier'], first, until),)
        return account.write('grant_tier', at, clock, tier_grant=args['tier'], grant_first_day=first, grant_last_day=until)

    def end_grant(self, program, account, args, at, clock, today):
        grant = account.entry_of_ref(args['of_ref'], ('grant_tier',))
        if grant is None:
            raise Refused('LY006')
        refuse_if((at < grant.at, 'LY009'))
        refuse_if((all(g.seq != grant.seq for g in account.grants), 'LY007'))
        account.grants = tuple(g for g in account.grants if g.seq != grant.seq)
        return account.write('end_grant', at, clock, of_seq=grant.seq, of_ref=grant.ref)

    def use_benefit(self, program, account, args, at, clock, today):
        refuse_if((args['benefit'] not in program.benefits, 'LY006'))
        benefit, quantity = program.benefits[args['benefit']], args.get('quantity', 1)
        tier = self.tier_for(program, account, at)
        counter, first_day = ('benefit', benefit['code']), periods.start(benefit['period'], account.zone.day_of(at))
        used = account.usage.get((counter, first_day), (0, 0))[0]
        mine = benefit['tiers'] is None or tier is not None and tier['code'] in benefit['tiers']
        refuse_if((not mine, 'LY008'), (benefit['quota'] is not None and used + quantity > benefit['quota'], 'LY008'))
        account.charge(counter, first_day, quantity, 0)
        return account.write('use_benefit', at, clock, benefit=benefit['code'], quantity=quantity,
                             charges=[(counter, first_day, quantity, 0, None)])

    # ---- settling and reading

    def preview(self, args, wall=FOREVER):
        """What a purchase would come to: its entry. Writes nothing."""
        trial = self.copy()
        _, account = self.find(args)
        trial.post('purchase', dict(args, ref='preview of this'), wall)
        after = trial.accounts[account.member, account.program]
        return [e for e in after.entries if e.ref == 'preview of this'][0]

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

    def tiers_held(self, program, t):
        """Of every member who holds one: the tier in force, since when, and its last day, as of a time."""
        rows = []
        for (member, code), account in sorted(self.accounts.items()):
            then = self.as_of(member, code, t) if code == program else None
            if then is None or then.tier is None:
                continue
            entries = [e for e in account.entries if e.clock <= t] + then.entries
            changes = [e for before, e in zip([None, *entries], entries) if before is None or before.tier != e.tier]
            ends = [g.until for g in then.grants if g.first <= then.clock_on
                    and tiers.rank(then.settings, g.tier) == tiers.rank(then.settings, then.tier)]
            if tiers.rank(then.settings, then.computed_tier) == tiers.rank(then.settings, then.tier):
                ends.append(NEVER if then.computed_last_day is None else then.computed_last_day)
            rows.append((member, then.tier, changes[-1].clock, max(ends)))
        return rows

    def tier_history(self, member, program, t):
        """Rows (tier, since, until, cause, ref, entry) of an account, settled to t."""
        account = self.accounts[member, program].copy()
        account.settle(t)
        causes, rows, before = {'grant_tier': 'grant', 'end_grant': 'grant ended'}, [], None
        for e in account.entries:
            if e.tier != before:
                rows.append([e.tier, e.clock, None, causes.get(e.kind, e.cause), e.ref or e.of_ref, e.seq])
                before = e.tier
        for row, after in zip(rows, rows[1:]):
            row[2] = after[1]
        return rows

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
