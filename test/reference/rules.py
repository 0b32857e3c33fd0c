"""What a purchase or activity earns: parts, groups, multipliers, rounding, caps (S2-S5, S25).

The order is a row of cells: its lines, then the order itself (alone where it has no lines). A part
has exact points in some cells; all of it is rounded at once, and trimmed from the last part on.
Settings are dicts with the names of the views (ruleset.py has their defaults).
"""
import datetime as dt
import hashlib
import math
from fractions import Fraction

import expressions
import periods

LAST = 2147483647           # the priority of the program's own rate in its group


class BadRule(Exception):
    """A rule gave what no rule may give."""


class Part:
    """The share of an award that one rule gave; `cells`: exact points by cell."""

    def __init__(self, name, cells, rule=None, tier=None, factors=None):
        self.name, self.cells, self.rule, self.tier, self.factors = name, cells, rule, tier, factors
        self.computed_cells = self.computed = self.given = None
        self.challenge = False
        self.tier_qualifies = True

    @property
    def campaign(self):
        return self.rule and self.rule['campaign']

    @property
    def on_return(self):
        if self.rule is None:
            return 'proportional'
        if self.challenge and self.rule['on_return'] == 'proportional':
            return 'full_return_only'
        return self.rule['on_return']

    @property
    def qualifies(self):
        if self.rule is None:
            return self.tier is None or self.tier_qualifies
        return self.rule['qualifies']

    def given_cells(self):
        """Cells share what caps took by cumulative rounding."""
        return spread(self.computed_cells, self.given)


def spread(points, given):
    """`given` of sum(points), shared by cumulative rounding."""
    total, so_far, before, result = sum(points), 0, 0, []
    for n in points:
        so_far += n
        here = given * so_far // total if total else 0
        result.append(here - before)
        before = here
    return result


def rounded(exact, how):
    if how == 'floor':
        return math.floor(exact)
    if how == 'ceil':
        return math.ceil(exact)
    return math.floor(exact + Fraction(1, 2))           # half_up


class Candidate:
    """A rule (or the program's rate, or the tier's multiplier) and what it would give where it applies:
    points by cell, of multipliers factors by cell."""

    def __init__(self, name, priority, group, values, stacking='additive', rule=None, tier=None):
        self.name, self.priority, self.group, self.values = name, priority, group, values
        self.stacking, self.rule, self.tier = stacking, rule, tier
        self.worth = values                             # by cell, for the best of a group

    def scope(self):
        """The program's rate works by line, a tier's multiplier on the order."""
        return self.rule['scope'] if self.rule else 'order' if self.tier else 'line'

    def turn(self):
        code = '' if self.name == 'base' else self.name
        return self.priority, code


class Order:
    """An event and its cells."""

    def __init__(self, program, names, lines, tier):
        self.program, self.names, self.lines, self.tier = program, names, lines, tier
        self.amount = names.event['amount']
        self.last = len(lines)                          # the cell of the order itself
        self.limits = lambda rule, points: points       # what caps and budgets of a rule leave of its points
        self.met = set()                                # situations, for coverage.py

    def cells(self):
        return range(self.last + 1)

    # ---- where rules apply

    def places(self):
        """(cell, names) of every line; an order without lines is one line, of the order's own cell."""
        n = self.names
        if not self.lines:
            whole = dict(sku=None, category=None, quantity=Fraction(1), amount=self.amount)
            yield self.last, expressions.Names(n.event, n.member, n.account, whole)
        for i, line in enumerate(self.lines):
            seen = dict(sku=line.get('sku'), category=line.get('category'),
                        quantity=None if line.get('quantity') is None else Fraction(str(line['quantity'])),
                        amount=Fraction(str(line['amount'])))
            yield i, expressions.Names(n.event, n.member, n.account, seen)

    def values(self, rule):
        """Where a rule gives, and how much: {cell: exact points or factor}."""
        found = {}
        for cell, names in self.places() if rule['scope'] == 'line' else [(self.last, self.names)]:
            if not expressions.condition(rule['condition'], names):
                continue
            value = expressions.points(rule['points'], names)
            if value is None:
                continue
            if value < (1 if rule['effect'] == 'multiplier' else 0):
                raise BadRule(rule['code'])
            found[cell] = value
        if found and rule['effect'] == 'multiplier' and rule['scope'] == 'order':
            return dict.fromkeys(self.cells(), found[self.last])
        return found

    def candidates(self, rules, effect):
        found = [Candidate(r['code'], r['priority'], r['exclusive_group'], self.values(r), r['stacking'], rule=r)
                 for r in rules if r['effect'] == effect]
        return sorted((c for c in found if c.values), key=Candidate.turn)

    # ---- how much

    def rate(self):
        """What the program's own rate gives, by cell."""
        p = self.program
        if not self.lines:
            return {self.last: p.exact_points(self.amount)}
        if p.block_amount is None:
            return {i: p.exact_points(Fraction(str(line['amount']))) for i, line in enumerate(self.lines)}
        result, amount, before = {}, Fraction(0), Fraction(0)       # blocks: differences of the running sum
        for i, line in enumerate(self.lines):
            amount += Fraction(str(line['amount']))
            result[i] = p.exact_points(amount) - before
            before += result[i]
        return result

    def parts(self, rules):
        """S4: the parts before caps, in their order, rounded together (S2)."""
        base = self.candidates(rules, 'base')
        if self.amount is not None and self.names.event['activity'] == 'purchase':
            base.insert(0, Candidate('base', LAST, self.program.base_group, self.rate()))
        kept = self.within_groups(base)
        parts = [self.part(c) for c in kept]
        if base and base[0].name == 'base' and all(c.name != 'base' for c in kept):
            parts.insert(0, Part('base', [Fraction(0) for _ in self.cells()]))
        parts += self.multiplied(rules, [sum(part.cells[i] for part in parts) for i in self.cells()])
        parts += [self.part(c) for c in self.within_groups(self.candidates(rules, 'bonus'))]
        self.round(parts)
        return parts

    def part(self, candidate, cells=None):
        cells = cells or [Fraction(candidate.values.get(i, 0)) for i in self.cells()]
        part = Part(candidate.name, cells, candidate.rule, candidate.tier)
        part.tier_qualifies = candidate.tier is None or self.tier['qualifies']
        return part

    def within_groups(self, candidates):
        """S4: of an exclusive group the best over the whole order, or on each line the first; in their order."""
        left = {id(c): dict(c.values) for c in candidates}
        for group in {c.group for c in candidates if c.group is not None}:
            rivals = sorted((c for c in candidates if c.group == group), key=Candidate.turn)
            self.note(group, rivals)
            if self.program.takes(group) == 'best':
                worths = [self.limits(c.rule, self.whole(sum(c.worth.values()))) for c in rivals]
                for i, c in enumerate(rivals):
                    if i != worths.index(max(worths)):
                        left[id(c)] = {}
            else:
                self.first_on_each_line(rivals, left)
        kept = []
        for c in candidates:
            if left[id(c)] == c.values:
                kept.append(c)
            elif left[id(c)]:
                kept.append(Candidate(c.name, c.priority, c.group, left[id(c)], c.stacking, c.rule, c.tier))
        return kept

    def note(self, group, rivals):
        """For coverage.py: which situation the choice of a group is."""
        takes = self.program.takes(group)
        if len({c.scope() for c in rivals}) > 1:
            self.met.add(f'{takes} of a group, mixed scope, {"with" if self.lines else "without"} lines')
        if takes == 'first' and self.limits(rivals[0].rule, 1) == 0 and len(rivals) > 1:
            self.met.add('first of a group: not what can give nothing more')
        if takes == 'best':
            worths = [self.whole(sum(c.worth.values())) for c in rivals]
            left = [self.limits(c.rule, n) for c, n in zip(rivals, worths)]
            if worths.index(max(worths)) != left.index(max(left)):
                self.met.add('best of a group: not what a cap or budget leaves less of')

    def whole(self, exact):
        """What a group compares: whole points, by the program's rounding."""
        return rounded(exact, self.program.rounding)

    def first_on_each_line(self, rivals, left):
        """One of a group on a line, whatever the scope: a rule for the order has all lines that are not
        taken, or it is not taken; what can give nothing more comes last."""
        free = set(range(self.last)) or {self.last}
        for c in sorted(rivals, key=lambda c: (self.limits(c.rule, 1) == 0, c.turn())):
            if self.last in c.values:
                keeps = free | {self.last} if free else set()
                free = set()
            else:
                keeps = free & set(c.values)
                free = free - keeps
            left[id(c)] = {cell: v for cell, v in c.values.items() if cell in keeps}

    def multiplied(self, rules, base):
        """The multipliers' parts: additive ones work on the base, then `multiply` ones on what was reached."""
        found = self.candidates(rules, 'multiplier')
        if self.tier and Fraction(self.tier['multiplier']) > 1:
            factor = Fraction(self.tier['multiplier'])
            found.insert(0, Candidate('tier', self.tier['priority'], self.tier['exclusive_group'],
                                      dict.fromkeys(self.cells(), factor), self.tier['stacking'],
                                      tier=self.tier['code']))
        for c in found:
            c.worth = {cell: (factor - 1) * base[cell] for cell, factor in c.values.items()}
        kept = self.within_groups(found)
        adding = [c for c in kept if self.works_on_base(c)]
        after = sorted((c for c in kept if not self.works_on_base(c)), key=Candidate.turn)
        reached, parts = list(base), []
        for c in adding + after:
            on = base if c in adding else list(reached)
            cells = []
            for cell in self.cells():
                more = (c.values.get(cell, 1) - 1) * on[cell]
                if self.program.multiplier_ceiling is not None:
                    most = Fraction(self.program.multiplier_ceiling) * base[cell]
                    more = max(Fraction(0), min(more, most - reached[cell]))
                cells.append(more)
                reached[cell] += more
            parts.append(self.part(c, cells))
        return parts

    def works_on_base(self, c):
        """S4: additive ones, and the one chosen of each exclusive group."""
        return c.stacking == 'additive' or c.group is not None

    def round(self, parts):
        """S2: one rounding per order; cells are the differences of the running sum."""
        exact, before = Fraction(0), 0
        for part in parts:
            part.computed_cells = []
            for cell in part.cells:
                exact += cell
                here = rounded(exact, self.program.rounding)
                part.computed_cells.append(here - before)
                before = here
            part.computed = part.given = sum(part.computed_cells)


# ---------------------------------------------------------------- does a rule apply

def pilot_in(code, member_id, percent):
    """Is the member among the `percent` of a hundred on whom a pilot is tried?"""
    if percent is None:
        return True
    if member_id is None:
        return False
    digest = hashlib.sha256(f'{code}:{member_id}'.encode()).digest()
    return int.from_bytes(digest[:4], 'big') % 100 < percent


def within(moment, start, end):
    return (start is None or start <= moment) and (end is None or moment < end)


def may_apply(program, rule, names, member_id, used):
    """Everything but the condition, in the order of reasons. `used`: times that it fired in its period."""
    event = names.event
    campaign = program.campaigns[rule['campaign']] if rule['campaign'] else None
    most = rule['times_cap']
    if rule['effect'] == 'challenge' and most is None:
        most = 1
    return (rule['status'] == 'active'
            and (campaign is None or campaign['status'] == 'running')
            and rule['activity'] in ('*', event['activity'])
            and (campaign is None or within(event['at'], campaign['starts_at'], campaign['ends_at']))
            and within(event['at'], rule['starts_at'], rule['ends_at'])
            and (rule['weekdays'] is None or event['weekday'] in rule['weekdays'])
            and (rule['hour_from'] is None or clock_time(rule['hour_from']) <= event['time'])
            and (rule['hour_until'] is None or event['time'] < clock_time(rule['hour_until']))
            and (rule['tiers'] is None or names.account['tier'] in rule['tiers'])
            and (rule['tags'] is None or any(t in names.member['tags'] for t in rule['tags']))
            and (campaign is None or pilot_in(campaign['code'], member_id, campaign['pilot_percent']))
            and pilot_in('rule:' + rule['code'], member_id, rule['pilot_percent'])
            and (most is None or used < most))


def clock_time(text):
    return dt.time.fromisoformat(text)


# ---------------------------------------------------------------- caps (S25)

def trim_last(parts, most):
    """At most `most` points are left; the last part is cut first."""
    over = sum(p.given for p in parts) - max(0, most)
    for part in reversed(parts):
        cut = min(part.given, max(0, over))
        part.given -= cut
        over -= cut


def fit(parts, most, how):
    """Trim the parts to what a cap leaves, or give nothing of them."""
    if most is None or sum(p.given for p in parts) <= max(0, most):
        return
    if how == 'reject':
        most = 0
    trim_last(parts, most)


class Caps:
    """What caps and budgets leave, and what an award charges them with.

    usage: {(counter, period's first day): (times, points)} of the member;
    spent: {('rule' or 'campaign', code): points} of the program. `room`: of the balance cap, or None.
    """

    def __init__(self, program, usage, spent, day, room):
        self.program, self.usage, self.spent, self.day, self.room = program, usage, spent, day, room
        self.done = []                                  # parts that were fitted already (before a challenge)

    def used(self, counter, period):
        return self.usage.get((counter, periods.start(period, self.day)), (0, 0))

    def leave(self, rule, points):
        """What a rule's own cap, its budget and its campaign's can still give of so many points."""
        if rule is None:
            return points
        limits = [(rule['points_cap'], self.used(('rule', rule['code']), rule['cap_period'])[1], rule['on_cap']),
                  (rule['budget'], self.spent.get(('rule', rule['code']), 0), rule['on_budget'])]
        if rule['campaign']:
            campaign = self.program.campaigns[rule['campaign']]
            limits.append((campaign['budget'], self.spent.get(('campaign', campaign['code']), 0),
                           campaign['on_budget']))
        for limit, used, how in limits:
            room = None if limit is None else max(0, limit - used)
            if room is not None and points > room:
                points = 0 if how == 'reject' else room
        return points

    def fit(self, parts):
        """In this order: a rule's points, a rule's budget, its campaign's, the program's caps, the balance cap."""
        for part in parts:
            rule = part.rule
            if rule and rule['points_cap'] is not None:
                fit([part], rule['points_cap'] - self.used(('rule', rule['code']), rule['cap_period'])[1],
                    rule['on_cap'])
        for part in parts:
            rule = part.rule
            if rule and rule['budget'] is not None:
                fit([part], rule['budget'] - self.spent.get(('rule', rule['code']), 0), rule['on_budget'])
        for code in dict.fromkeys(p.campaign for p in parts if p.campaign):
            campaign = self.program.campaigns[code]
            if campaign['budget'] is not None:
                left = campaign['budget'] - self.spent.get(('campaign', code), 0)
                left -= sum(p.given for p in self.done if p.campaign == code)
                fit([p for p in parts if p.campaign == code], left, campaign['on_budget'])
        given = sum(p.given for p in self.done)
        for cap in sorted(self.program.caps.values(), key=lambda c: periods.NAMES.index(c['period'])):
            fit(parts, cap['points'] - self.used(('cap', cap['period']), cap['period'])[1] - given, cap['on_cap'])
        if self.room is not None:
            fit(parts, max(0, self.room) - given, self.program.on_balance_cap)
        self.done += parts

    def charges(self):
        """S25: what was finally given is charged: [(counter, first day or 'budget', times, points, part)]."""
        found = []
        for i, part in enumerate(self.done):
            rule = part.rule
            if rule and (rule['times_cap'] is not None or rule['points_cap'] is not None or part.challenge):
                times = 1 if part.given or part.challenge else 0
                found.append((('rule', rule['code']), periods.start(rule['cap_period'], self.day),
                              times, part.given, i))
            if rule and rule['budget'] is not None:
                found.append((('rule', rule['code']), 'budget', 0, part.given, i))
        for code in dict.fromkeys(p.campaign for p in self.done if p.campaign):
            if self.program.campaigns[code]['budget'] is not None:
                found.append((('campaign', code), 'budget', 0,
                              sum(p.given for p in self.done if p.campaign == code), None))
        for cap in self.program.caps.values():
            found.append((('cap', cap['period']), periods.start(cap['period'], self.day), 0,
                          sum(p.given for p in self.done), None))
        return [c for c in found if c[2] or c[3]]
