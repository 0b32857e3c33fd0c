"""Planted faults: models that are wrong in one small way, to see that the runner finds it.

Each is a slip that a ledger could plausibly have. `selftest.py` runs them all in the database's
place (`run.py --model FAULT` runs one).
"""
import model as m
import periods
import rules
import tiers

CAP, GRACE = m.Ledger.given_under_cap, m.Ledger.gets_grace
ACTIVITY, CLAIMS, COME_BACK = m.Account.activity, m.Account.claims, m.Account.come_back
DUE, LAST_DAY, PAY_DEBT = m.Account.due_instants, m.Account.last_day_of, m.Account.pay_debt
DUE_OF_RETURN, CONFIRMED_LOT = m.Ledger.due_of_return, m.Ledger.confirmed_lot
REINSTATABLE, SETTLE_INSTANT = m.Account.reinstatable, m.Account.settle_instant


def one_grace_too_many(self, program, account, key, today):
    """S15: a lot whose date a grace gave gets a second one."""
    return account.has_ended(key, today) and program.cancel_grace_days > 0


def moved_points_not_found(self, award):
    """S13: a return does not look into the lots to which points moved."""
    return {place: points for place, points in CLAIMS(self, award).items() if place[1] in award.gained}


def claims_never_fall(self, award):
    """S13: what earlier returns took is taken again from the same lot."""
    again = {place: award.parts[place[0]].given for place in CLAIMS(self, award)}
    return {**CLAIMS(self, award), **again}


def write_off_forgotten(self, slices, use_seq):
    """S13: what comes back does not make a write-off good."""
    return COME_BACK(self, slices, m.FOREVER)


def write_off_of_older_returns(self, slices, use_seq):
    """S13: returns older than the use are made good as well."""
    return COME_BACK(self, slices, 0)


def nothing_spared(self, seq):
    """S13: a return takes points although its own expired."""
    return {}


def ends_a_day_early(self, key):
    """S8: a lot is gone at the start of its last day."""
    last = LAST_DAY(self, key)
    return last if last == m.NEVER else last - 1


def activity_by_clock(self, at):
    """S8: the inactivity date follows the account's clock, not the time of the event."""
    ACTIVITY(self, at if self.clock is None else max(at, self.clock))


def cap_without_debt(self, program, account, computed):
    """S25: the balance cap looks at the lots and forgets the debt."""
    poorer = account.copy()
    poorer.balance += account.debt
    return CAP(self, program, poorer, computed)


def hold_lives_at_its_end(self):
    """S17: a hold is over only after its end, not at it."""
    ends = {h.until for h in self.holds}
    return [t + 1 if t in ends else t for t in DUE(self)]


def first_expired_first(self):
    """S9: reinstate brings back what expired first."""
    return REINSTATABLE(self)[::-1]


def matured_points_pay_no_debt(self, t):
    """S11: pending points become usable beside a debt (until the next credit)."""
    self.in_settling = True
    SETTLE_INSTANT(self, t)
    self.in_settling = False


def pay_debt_but_not_in_settling(self, points):
    return 0 if getattr(self, 'in_settling', False) and not self.holds else PAY_DEBT(self, points)


# ---------------------------------------------------------------- rules and tiers

CHARGES, GIVE_BACK, MAY_APPLY = rules.Caps.charges, m.Ledger.give_back, rules.may_apply
REVIEW, START, WINDOW, REACHED = tiers.review, periods.start, tiers.window, tiers.reached
END_OF_TERM, MULTIPLIED, WRITTEN = tiers.end_of_term, rules.Order.multiplied, m.Ledger.written_by_part


def week_from_sunday(period, day):
    """S25: a week begins on Sunday."""
    return START(period, day + 1) - 1 if period == 'week' else START(period, day)


def first_part_first(parts, most):
    """S25: a trim takes from the first part first."""
    over = sum(p.given for p in parts) - max(0, most)
    for part in parts:
        cut = min(part.given, max(0, over))
        part.given -= cut
        over -= cut


def charged_before_the_trim(self):
    """S25: caps and budgets are charged with what was computed."""
    given = [p.given for p in self.done]
    for part in self.done:
        part.given = part.computed
    charges = CHARGES(self)
    for part, n in zip(self.done, given):
        part.given = n
    return charges


def rounded_part_by_part(self, parts):
    """S2: every part is rounded for itself."""
    for part in parts:
        part.computed_cells = [rules.rounded(cell, self.program.rounding) for cell in part.cells]
        part.computed = part.given = sum(part.computed_cells)


def no_ceiling(self, rules_, base):
    """S4: the ceiling on multipliers is forgotten."""
    ceiling, self.program.multiplier_ceiling = self.program.multiplier_ceiling, None
    try:
        return MULTIPLIED(self, rules_, base)
    finally:
        self.program.multiplier_ceiling = ceiling


def todays_tier(self, program, account, at):
    """S22: a late order earns at the tier of today."""
    return program.tier(account.tier)


def challenges_fire_again(program, rule, names, member_id, used):
    """A challenge is met again at every order."""
    return MAY_APPLY(program, rule, names, member_id, 0 if rule['effect'] == 'challenge' else used)


def fired_once_less_with_any_return(self, account, award, due_parts, written_parts, amount, is_last):
    """S14: a part of the order gives the firing back (and never below zero)."""
    charges = GIVE_BACK(self, account, award, due_parts, written_parts, amount, is_last)
    for counter, first_day, times, _, _ in award.charges:
        if times and not is_last and account.usage[counter, first_day][0]:
            account.charge(counter, first_day, -1, 0)
    return charges


def written_off_from_the_front(self, left, written_off):
    """S14: what is written off falls on the first parts."""
    return WRITTEN(self, left[::-1], written_off)[::-1]


def window_a_day_too_long(program, account, day):
    """S21: a rolling window has its first day twice."""
    first, last = WINDOW(program, account, day)
    return (first - 1, last) if program.tier_window == 'rolling' else (first, last)


def no_grace(program, account, day):
    """S23: a status ends with its term, grace forgotten."""
    return END_OF_TERM(program, account, day) - program.tier_grace_days


def no_floor(program, account, today):
    """S23: a review looks at no floor."""
    kept = {code: tier['floor'] for code, tier in program.tiers.items()}
    for tier in program.tiers.values():
        tier['floor'] = None
    try:
        return REVIEW(program, account, today)
    finally:
        for code, floor in kept.items():
            program.tiers[code]['floor'] = floor


def before_every_lift(self, on):
    """S23: what a return falls back to is the tier before the last lift, not before the window's first."""
    self.before_tier, self.before_until = self.computed_tier, self.computed_until


def return_leaves_the_day(program, account, today):
    """S23: a return leaves the day on which a rolling tier was last reached."""
    return None


def waits_without_points(self, day, pending_days, given):
    """S10: what gave no points waits as well."""
    return m.NEVER if pending_days is None else day + pending_days


def grant_without_its_last_day(self, today):
    """S24: a grant is over at the start of its last day."""
    best = self.computed_tier
    for grant in self.grants:
        if grant.first <= today < grant.until:
            best = tiers.higher(self.settings, best, grant.tier)
    return best


def late_events_lift_nothing(program, account, day, today):
    """S22: what becomes known after its day is lost."""
    return REACHED(program, account, day, today) if day == today else None


def confirmed_counts_never(self, account, award, start):
    """S10: what was confirmed does not count for tiers."""
    return {}


def scopes_apart(self, rivals, left):
    """S4: of a group that takes the first, rules for the order and for lines do not know each other."""
    taken = set()
    for c in sorted(rivals, key=rules.Candidate.turn):
        left[id(c)] = {cell: v for cell, v in c.values.items() if cell not in taken}
        taken |= set(c.values)


def best_without_room(self, rule, points):
    """S4: groups choose by what rules would give, not by what their caps and budgets leave."""
    return points


def lines_pooled(self, account, award, args):
    """S12: what lines are due is split over all parts, also over those that gave other lines their points."""
    amount, by_line, due, mode, is_last, cells = DUE_OF_RETURN(self, account, award, args)
    if cells is not None:
        returns = [e for e in account.entries if e.kind == 'refund' and e.of_seq == award.seq]
        had = [p.given - sum(e.due_parts[i] for e in returns) if p.on_return == 'proportional' else 0
               for i, p in enumerate(award.parts)]
        kept = rules.spread(had, sum(had) - sum(due))
        due = [n - k for n, k in zip(had, kept)]
    return amount, by_line, due, mode, is_last, cells


def firing_of_what_stays(self, account, award, number, due_parts, written_parts):
    """S14: the firing of a part that stays comes back with the order."""
    return True


def one_policy_waits(self, award, origin, start):
    """S8: what waits in one lot has the policy of its first part."""
    first = [i for i, p in enumerate(award.parts) if p.lot == award.parts[origin].lot][0]
    return CONFIRMED_LOT(self, award, first, start)


class Planted(m.Ledger):
    """A ledger with some methods of the model replaced while it works."""
    changes = {}

    def within(self, call, *args):
        kept = []
        for name, change in self.changes.items():
            owner = [o for o in (m.Account, m.Ledger, rules.Order, rules.Caps, rules, tiers, periods)
                     if hasattr(o, name)][0]
            kept.append((owner, name, getattr(owner, name)))
            setattr(owner, name, change)
        try:
            return call(*args)
        finally:
            for owner, name, original in kept:
                setattr(owner, name, original)

    def post(self, *args):
        return self.within(super().post, *args)

    def settle(self, *args):
        return self.within(super().settle, *args)


def planted(**methods):
    return type('Planted', (Planted,), {'changes': methods})


FAULTS = {
    'one_grace_too_many': planted(gets_grace=one_grace_too_many),
    'moved_points_not_found': planted(claims=moved_points_not_found),
    'claims_never_fall': planted(claims=claims_never_fall),
    'write_off_forgotten': planted(come_back=write_off_forgotten),
    'write_off_of_older_returns': planted(come_back=write_off_of_older_returns),
    'nothing_spared': planted(expired_since=nothing_spared),
    'ends_a_day_early': planted(last_day_of=ends_a_day_early),
    'activity_by_clock': planted(activity=activity_by_clock),
    'cap_without_debt': planted(given_under_cap=cap_without_debt),
    'hold_lives_at_its_end': planted(due_instants=hold_lives_at_its_end),
    'first_expired_first': planted(reinstatable=first_expired_first),
    'matured_points_pay_no_debt': planted(settle_instant=matured_points_pay_no_debt,
                                          pay_debt=pay_debt_but_not_in_settling),
    'week_from_sunday': planted(start=week_from_sunday),
    'first_part_first': planted(trim_last=first_part_first),
    'charged_before_the_trim': planted(charges=charged_before_the_trim),
    'rounded_part_by_part': planted(round=rounded_part_by_part),
    'no_ceiling': planted(multiplied=no_ceiling),
    'todays_tier': planted(tier_for=todays_tier),
    'challenges_fire_again': planted(may_apply=challenges_fire_again),
    'fired_once_less_with_any_return': planted(give_back=fired_once_less_with_any_return),
    'written_off_from_the_front': planted(written_by_part=written_off_from_the_front),
    'window_a_day_too_long': planted(window=window_a_day_too_long),
    'no_grace': planted(end_of_term=no_grace),
    'no_floor': planted(review=no_floor),
    'before_every_lift': planted(remember=before_every_lift),
    'return_leaves_the_day': planted(after_return_rolling=return_leaves_the_day),
    'waits_without_points': planted(counts_from=waits_without_points),
    'grant_without_its_last_day': planted(tier_in_force=grant_without_its_last_day),
    'late_events_lift_nothing': planted(reached=late_events_lift_nothing),
    'scopes_apart': planted(first_on_each_line=scopes_apart),
    'best_without_room': planted(leave=best_without_room),
    'lines_pooled': planted(due_of_return=lines_pooled),
    'firing_of_what_stays': planted(is_undone=firing_of_what_stays),
    'one_policy_waits': planted(confirmed_lot=one_policy_waits),
    'confirmed_counts_never': planted(count_from=confirmed_counts_never),
}
