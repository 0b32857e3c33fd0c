"""Planted faults: models that are wrong in one small way, to see that the runner finds it.

Each is a slip that a ledger could plausibly have. `selftest.py` runs them all in the database's
place (`run.py --model FAULT` runs one). A fault that no longer fits the model (`misfits`), or raises
anything but a refusal, is broken, and proves nothing.
"""
import inspect

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


def write_off_by_any_lot(self, slices, use_seq):
    """S13: under clamp what comes back to other lots makes a write-off good, from the front."""
    for write_off in self.write_offs:
        write_off[2:] = [{}, False]
    return COME_BACK(self, slices, use_seq)


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
FIRST_ON_LINES, IS_MET, PART = rules.Order.first_on_each_line, tiers.is_met, rules.Order.part
COUNTS_FROM, JOINED = m.Ledger.counts_from, m.Account.joined_within
AFTER_RETURN, REACH = tiers.after_return_rolling, tiers.reach
AWARD, CONFIRM, JOIN_LOTS = m.Ledger.award, m.Ledger.confirm, m.Account.join_lots
COUNT_FROM = m.Ledger.count_from
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


def no_ceiling(self, rules, base):
    """S4: the ceiling on multipliers is forgotten."""
    ceiling, self.program.multiplier_ceiling = self.program.multiplier_ceiling, None
    try:
        return MULTIPLIED(self, rules, base)
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
    self.before_tier, self.before_last_day = self.computed_tier, self.computed_last_day


def return_leaves_the_day(program, account, event_on, today):
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
    """S10: what was confirmed goes on waiting to count for tiers, whatever the entry says."""
    waiting = account.tallies
    stated = COUNT_FROM(self, account, award, start)
    account.tallies = waiting
    return stated


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


# ---------------------------------------------------------------- what the ledger once did (issue "trust")

def order_rules_first(self, rivals, left):
    """S4: a rule for the order that is taken leaves lines' rules of its group alone where there are no lines."""
    FIRST_ON_LINES(self, rivals, left)
    if not self.lines:
        for c in rivals:
            left[id(c)] = dict(c.values)


def spared_by_the_order(self, account, award, args):
    """S12, S14: by lines, money back is split as if all had been given for the order; budgets get back too much."""
    amount, by_line, due, mode, is_last, cells = DUE_OF_RETURN(self, account, award, args)
    if cells is None or not award.amount:
        return amount, by_line, due, mode, is_last, cells
    returns = [e for e in account.entries if e.kind == 'refund' and e.of_seq == award.seq]
    had = [p.given - sum(e.due_parts[i] for e in returns) if p.on_return == 'proportional' else 0
           for i, p in enumerate(award.parts)]
    return amount, by_line, [int(n * amount / award.amount) for n in had], mode, is_last, cells


def trifles_reach(account, tier, day, today):
    """S23: whatever happens on a day reaches the tier again."""
    return True


def nothing_lasts_after_a_return(program, account, event_on, today):
    """S23: after a return a rolling tier is what the window of today supports."""
    stands = tiers.supported(program, account, *tiers.window(program, account, today), today)
    if tiers.rank(program, stands) >= tiers.rank(program, account.computed_tier):
        return None
    return stands, tiers.until(program, account, stands, today), today


def return_moves_no_end(program, account, event_on, today):
    """S23: a return that leaves a rolling tier leaves its last day, too."""
    fallen = AFTER_RETURN(program, account, event_on, today)
    return None if fallen and fallen[0] == account.computed_tier else fallen


def every_return_had_part(program, account, event_on, today):
    """S23: a return of what was outside of the window that reached takes a rolling tier all the same."""
    return AFTER_RETURN(program, account, account.reached_on, today)


def balance_falls_with_a_return(program, account, event_on, today):
    """S23: a return takes a rolling tier that is held by a balance, for no day reaches it."""
    tiers.reach = lambda program, account, today, on, code=None: REACH(program, account, today, on, code)
    try:
        return AFTER_RETURN(program, account, event_on, today)
    finally:
        tiers.reach = REACH


def gone_points_count_never(self):
    """S10: an order that was returned in part, and whose points are all gone, does not count on its day."""
    return set()


def confirms_points_alone(self, program, account, args, at, clock, today):
    """S10: an order of whose points none are left to wait cannot be confirmed, and counts never."""
    award = account.entry_of_ref(args['of_ref'], m.EARNING)
    if award is not None and award.kind in m.EARNING and at >= award.at and award.gained:
        waits = {key: n for (_, key), n in CLAIMS(account, award).items() if key.usable_from > today}
        m.refuse_if((not any(min(n, account.lots.get(key, 0)) for key, n in waits.items()), 'LY007'))
    return CONFIRM(self, program, account, args, at, clock, today)


def refs_of_all_acts(verb):
    """S26: the number of an order that was held, spent or bought with names no other act."""
    return m.EARNING + m.USING + ('hold', 'confirm', 'release', 'refund', 'cancel')


def refs_of_one_kind(verb):
    """S26: an award may have the ref of a purchase, and a return does not know which is meant."""
    return ({'transfer': 'transfer_out'}.get(verb, verb),)


def every_gift_qualifies(self, program, account, args, at, clock, today):
    """S21: a gift that is said not to count for tiers counts all the same."""
    return AWARD(self, program, account, {**args, 'qualifies': None}, at, clock, today)


def granted_or_reached(tier, figures):
    """S24: a tier by grant alone is reached as any other."""
    return IS_MET(dict(tier, by_grant=False), figures)


def every_tier_qualifies(self, candidate, cells=None):
    """S21: a tier's bonus counts for tiers whatever the tier says."""
    part = PART(self, candidate, cells)
    part.tier_qualifies = True
    return part


def waits_as_the_program_says(self, day, pending_days, given):
    """S10: an order counts on the program's day, though none of its points wait so long."""
    return COUNTS_FROM(self, day, pending_days, [(m.Key(m.NEVER, day, m.NEVER), 1)])


def joined_lots_not_found(self, award):
    """S13: a return does not follow points into the lot to which they were joined."""
    kept = {e.seq: e.moves for e in self.entries if e.kind == 'join'}
    for e in self.entries:
        e.moves = [] if e.seq in kept else e.moves
    try:
        return CLAIMS(self, award)
    finally:
        for e in self.entries:
            e.moves = kept.get(e.seq, e.moves)


def joined_to_the_end_of_the_first(self, days, excess):
    """Lots that are joined end with the first of them."""
    moves, found = JOINED(self, days, excess), []
    for target in dict.fromkeys(t for _, t, _, _ in moves):
        group = [s for s, t, _, _ in moves if t == target] + [target] * (target in self.lots)
        first = target._replace(expires=min(k.expires for k in group))
        found += [(k, first, self.lots[k], self.lots[k]) for k in group if k != first]
    return found


def joins_what_waits(self, days, excess):
    """Points that are not usable yet are joined with those that are."""
    clock_on, self.clock_on = self.clock_on, m.NEVER
    try:
        return JOINED(self, days, excess)
    finally:
        self.clock_on = clock_on


def settles_without_joining(self, t):
    """What comes back while settling is joined only with the next posting."""
    self.in_settling = True
    SETTLE_INSTANT(self, t)
    self.in_settling = False


def joins_but_not_in_settling(self, limit):
    if not getattr(self, 'in_settling', False):
        JOIN_LOTS(self, limit)


class Once(m.Ledger):
    """What a ledger did outside of a posting."""


class ForgetsWithdrawn(Once):
    """S25: what members used of a rule, and what its budget gave, goes with it."""

    def withdraw(self, code, view, name):
        super().withdraw(code, view, name)
        for who, account in list(self.accounts.items()):
            if who[1] == code:
                account = account.copy()
                account.usage = {k: v for k, v in account.usage.items() if k[0] != (view[:-1], name)}
                self.accounts[who] = account
        self.spent[code].pop((view[:-1], name), None)


class ShowsWhatIsSettled(Once):
    """S28: the history of tiers shows what is settled, and nothing that fell due."""

    def tier_history(self, member, program, t):
        return super().tier_history(member, program, self.accounts[member, program].clock)


class HeldByEntries(Once):
    """S28: the tier as of a time is that of the last entry by then."""

    def tiers_held(self, program, t):
        return [(member, self.accounts[member, program].tier_at(t), since, until)
                for member, _, since, until in super().tiers_held(program, t)]


class DropsWhatIsTold(Once):
    """Enrolling in a second program adds nothing to what is known of the member."""

    def merge_member(self, key, told):
        return False if key in self.members else super().merge_member(key, told)


class TakesWhatContradicts(Once):
    """Enrolling in a second program writes over what is known of the member."""

    def merge_member(self, key, told):
        known = self.members.get(key)
        if known is not None and told['birthday'] and known['birthday']:
            self.members[key] = dict(known, birthday=told['birthday'])
        return super().merge_member(key, told)


class PausingWaits(Once):
    """S25: what stops a campaign waits for the postings that are open."""
    pausing_waits = True


class MembershipBeforeJoining(Once):
    """S18: a transfer dated before joining is said to be too soon after it."""

    def post(self, verb, args, wall=m.FOREVER):
        try:
            return super().post(verb, args, wall)
        except m.Refused as refused:
            account = self.accounts.get((args.get('member'), args.get('program')))
            if verb == 'transfer' and account and refused.code == 'LY009' and args['at'] < account.opened_at:
                raise m.Refused('LY008') from None
            raise


class RefusesManyLots(Once):
    """S6: a posting that would leave too many lots is refused."""

    def finish(self, account, entry):
        if len(account.lots) > self.lots_limit:
            raise m.Refused('54000')
        return super().finish(account, entry)


def owner_of(name):
    """Where the model has what a fault replaces; None where it has it no more."""
    owners = (m.Account, m.Ledger, rules.Order, rules.Caps, rules, tiers, periods, m)
    return next((owner for owner in owners if hasattr(owner, name)), None)


class Planted(m.Ledger):
    """A ledger with some methods of the model replaced while it works."""
    changes = {}

    def within(self, call, *args):
        kept = []
        for name, change in self.changes.items():
            owner = owner_of(name)
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
    'write_off_by_any_lot': planted(come_back=write_off_by_any_lot),
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
    'order_rules_first': planted(first_on_each_line=order_rules_first),
    'spared_by_the_order': planted(due_of_return=spared_by_the_order),
    'trifles_reach': planted(adds=trifles_reach),
    'nothing_lasts_after_a_return': planted(after_return_rolling=nothing_lasts_after_a_return),
    'return_moves_no_end': planted(after_return_rolling=return_moves_no_end),
    'every_return_had_part': planted(after_return_rolling=every_return_had_part),
    'balance_falls_with_a_return': planted(after_return_rolling=balance_falls_with_a_return),
    'gone_points_count_never': planted(waiting=gone_points_count_never),
    'confirms_points_alone': planted(confirm=confirms_points_alone),
    'refs_of_all_acts': planted(act_of=refs_of_all_acts),
    'refs_of_one_kind': planted(act_of=refs_of_one_kind),
    'every_gift_qualifies': planted(award=every_gift_qualifies),
    'granted_or_reached': planted(is_met=granted_or_reached),
    'every_tier_qualifies': planted(part=every_tier_qualifies),
    'waits_as_the_program_says': planted(counts_from=waits_as_the_program_says),
    'joined_lots_not_found': planted(claims=joined_lots_not_found),
    'joined_to_the_end_of_the_first': planted(joined_within=joined_to_the_end_of_the_first),
    'joins_what_waits': planted(joined_within=joins_what_waits),
    'settles_without_joining': planted(settle_instant=settles_without_joining, join_lots=joins_but_not_in_settling),
    'forgets_withdrawn': ForgetsWithdrawn,
    'shows_what_is_settled': ShowsWhatIsSettled,
    'held_by_entries': HeldByEntries,
    'drops_what_is_told': DropsWhatIsTold,
    'takes_what_contradicts': TakesWhatContradicts,
    'pausing_waits': PausingWaits,
    'membership_before_joining': MembershipBeforeJoining,
    'refuses_many_lots': RefusesManyLots,
}


def replaced(fault):
    """(name, function) of all that a fault has in the model's place."""
    if issubclass(fault, Planted):
        return fault.changes.items()
    return [(name, value) for name, value in vars(fault).items() if inspect.isfunction(value)]


def misfits():
    """Faults whose functions do not have the parameters of what they replace, or replace nothing."""
    found = []
    for fault, ledger in FAULTS.items():
        for name, change in replaced(ledger):
            original = getattr(owner_of(name) if issubclass(ledger, Planted) else m.Ledger, name, None)
            if original is None:
                found.append(f'{fault}: the model has no {name}')
            elif inspect.signature(original) != inspect.signature(change):
                found.append(f'{fault}: {name}{inspect.signature(change)}, in the model {inspect.signature(original)}')
    return found
