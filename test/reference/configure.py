"""Random configurations: tiers, groups, campaigns, rules, caps, benefits of a program; and members."""
from fractions import Fraction

import model as m

ACTIVITIES = ['visit', 'visit', 'review']
EXPIRIES = ['never', '5 days', '20 days', '60 days', '2 months', '12 months', '1 months to end of month',
            'end of year + 1', 'each 06-30 12-31']
PERIODS = ['day', 'week', 'month', 'year', 'ever']
ON_CAP = ['trim', 'trim', 'reject']
WINDOWS = ['lifetime', 'calendar year', 'calendar year', 'rolling', 'rolling', 'membership year']

METRICS = ['points', 'spend', 'orders', 'activities', 'balance']

ORDER_CONDITIONS = ['amount >= 20', 'amount > 5.50', 'event.amount < 100', "channel = 'web'", "channel = 'app'",
                    "store = 's1'", "member.tags ? 'vip'", 'orders = 0', 'orders >= 3', 'weekday = 3 and hour >= 10',
                    'month = 12', 'day <= 10', 'is_birthday', 'referred', 'streak % 2 = 0', 'streak >= 3', 'lines >= 2',
                    'days_since_order > 5', 'days_since_order is null', "tier = 't1'", 'tier_rank >= 1', 'usable > 50',
                    'balance >= 100', 'earned >= 200', 'spend >= 100', 'account.orders > 4', 'tier_points >= 80',
                    'tier_orders >= 2', 'tier_spend < 50', 'tier_activities >= 1', "event.attributes ->> 'table' = '4'"]
LINE_CONDITIONS = ["line.category = 'food'", "line.category = 'toys'", 'line.quantity >= 2', 'amount >= 10',
                   "sku = 'A'", "sku = 'B'", 'event.amount >= 20', "channel = 'web'"]
BASE_POINTS = {'order': ['amount * 2', 'floor(amount / 10)', '5', '0', 'amount * 0.35', 'streak * 2',
                         'least(amount, 20)', 'null'],
               'line': ['line.amount * 3', 'line.amount * 0.7', 'amount * 1.5', '2', 'line.quantity * 1.5',
                        'floor(amount / 5)']}
BONUS_POINTS = {'order': ['50', '7', '3.5', 'floor(amount / 10)', 'amount * 0.1', '0', 'null', 'event.amount * 0.25'],
                'line': ['5', '0.5', 'line.quantity * 2', 'line.amount * 0.15']}
FACTORS = {'order': ['1.5', '2', '1.25', '3', '1', '1 + orders * 0.1'], 'line': ['1.5', '2', '1.25', '4']}


def person(rng):
    """What a member is enrolled with."""
    args = {}
    if rng.random() < 0.5:
        args['tags'] = rng.choice([['vip'], ['vip', 'staff'], [], ['new']])
    if rng.random() < 0.5:
        some_day = f'{rng.randint(1, 12):02}-{rng.randint(1, 28):02}'
        args['birthday'] = rng.choice(['02-29', '02-28', '01-01', '12-31', some_day])
    if rng.random() < 0.3:
        args['attributes'] = rng.choice([{'referrer': 'bob'}, {'height': 180}])
    return args


def some(rng, share, value):
    return value() if rng.random() < share else None


def without_nothing(row):
    return {name: value for name, value in row.items() if value is not None}


# What an episode may look at closely: see each of closely_...
FLAVOURS = ['groups', 'groups', 'groups', 'lines', 'lines', 'waiting', 'rolling', 'rolling', 'shared']


def of_view(rows, view):
    return [row for one, row in rows if one == view]


def closely_groups(rng, settings, rules, rows):
    """S4: many of one group, of either scope, some of them at their caps soon."""
    settings['base_group'] = rng.choice([None, 'g1', 'g1'])
    rows[:] = [row for row in rows if row[0] != 'rule_groups']
    rows.append(('rule_groups', dict(code='g1', takes=rng.choice(['best', 'first']))))
    effect = rng.choice(['base', 'bonus', 'multiplier', None])
    for rule in rules:
        rule.update(plain(rule))
        if rule['effect'] != 'challenge' and rng.random() < 0.9:
            rule['exclusive_group'] = 'g1'
            if effect and rule['effect'] != effect:
                points = dict(base=BASE_POINTS, multiplier=FACTORS).get(effect, BONUS_POINTS)
                rule.update(effect=effect, points=rng.choice(points[rule['scope']]))
            if rng.random() < 0.4:
                rule.update(points_cap=rng.choice([5, 20, 100]), cap_period=rng.choice(['week', 'month', 'year']))


def closely_lines(rng, settings, rules, rows):
    """S12 to S14: parts of lines with their own last days and budgets, and parts that stay."""
    settings['balance_cap'] = None
    for campaign in of_view(rows, 'campaigns'):
        campaign.update(status='running', budget=rng.choice([50, 300, 2000]))
        for name in ('starts_at', 'ends_at', 'pilot_percent'):
            campaign.pop(name, None)
    for rule in rules:
        rule.update(plain(rule))
        if rule['effect'] != 'challenge' and rng.random() < 0.7:
            points = dict(base=BASE_POINTS, multiplier=FACTORS).get(rule['effect'], BONUS_POINTS)['line']
            rule.update(scope='line', points=rng.choice(points),
                        condition=rng.choice(["sku = 'A'", "sku = 'B'", "sku = 'C'", "line.category = 'food'"]))
        if rng.random() < 0.6:
            rule['expiry'] = rng.choice(['5 days', '20 days', '60 days', 'end of year + 1', 'never'])
        if rule['on_return'] == 'never':
            rule.update(times_cap=rng.choice([1, 2]), cap_period=rng.choice(['month', 'year', 'ever']))


def closely_waiting(rng, settings, rules, rows):
    """S10: points wait, each part under its own policy; much gives no points at all, and counts."""
    settings.update(pending_days=rng.choice([None, None, 3, 14]), balance_cap=None)
    if rng.random() < 0.4:
        settings.update(block_amount=None, block_points=None, base_rate='0', per_amount='1.00')
    for rule in rules:
        rule.pop('pending_days', None)
        rule.update(plain(rule))
        if rng.random() < 0.7:
            rule['expiry'] = rng.choice(EXPIRIES)
    tiers = of_view(rows, 'tiers')
    for tier in tiers[1:]:
        if not tier.get('by_grant') and rng.random() < 0.6:
            tier[rng.choice(['activities', 'orders'])] = 2 + tiers.index(tier) * rng.choice([1, 5])


def closely_rolling(rng, settings, rules, rows):
    """S23: rolling tiers, by what was spent or by a balance; orders of many sizes, returns, ladders that change."""
    settings.update(tier_window='rolling', tier_on_return='recompute', tier_months=rng.choice([1, 2, 6, 12]))
    tiers, metric = of_view(rows, 'tiers'), rng.choice(['spend', 'balance'])
    if metric == 'balance':                                     # what is there, and little that counts beside it
        settings.update(balance_cap=None, block_amount=None, block_points=None, base_rate='0', per_amount='1.00',
                        tier_months=rng.choice([1, 2]))
        for rule in rules:
            rule['qualifies'] = rng.random() < 0.3
    for tier in tiers[1:]:
        if not tier.get('by_grant') and rng.random() < 0.8:
            for name in METRICS:
                tier.pop(name, None)
            least = rng.choice([20, 50, 150]) * tiers.index(tier)
            tier[metric] = str(least) if metric == 'spend' else least


def closely_shared(rng, settings, rules, rows):
    """S25: caps of times and points, and budgets, that are used up slowly."""
    for rule in rules:
        rule.update(plain(rule))
        if rng.random() < 0.6:
            rule.update(times_cap=rng.choice([2, 5]), cap_period=rng.choice(['month', 'year', 'ever']))
        if rng.random() < 0.6:
            rule['budget'] = rng.choice([150, 1000])


def plain(rule):
    """Of a rule of which more than one shall meet at an event: what keeps it from most goes."""
    for name in ('weekdays', 'hour_from', 'hour_until', 'tiers', 'tags', 'pilot_percent', 'starts_at', 'ends_at'):
        rule.pop(name, None)
    return dict(status='active', activity=rule['activity'] if rule['activity'] == '*' else 'purchase')


def configure(rng, settings, now, unwind, flavour=None):
    """Adds settings for rules and tiers, and `configuration`, to a program's settings."""
    rows = []
    if rng.random() < 0.85:
        rows += [('tiers', row) for row in some_tiers(rng)]
        settings.update(
            tier_window=rng.choice(WINDOWS), tier_months=rng.choice([1, 2, 3, 6, 12]),
            tier_term=rng.choice([1, 1, 1, 2]),
            tier_grace_days=rng.choice([0, 0, 0, 5, 30]),
            tier_review=rng.choice(['supported', 'supported', 'keep', 'step']),
            tier_on_return=rng.choice(['recompute', 'recompute', 'recompute', 'review']))
    settings.update(multiplier_ceiling=rng.choice([None, None, None, '1', '2', '2.5', '3']),
                    base_group=rng.choice([None, None, None, 'g1']))
    tiers = [row['code'] for _, row in rows]
    rows += [('rule_groups', dict(code=g, takes=rng.choice(['best', 'first'])))
             for g in ('g1', 'g2') if rng.random() < 0.7]
    campaigns = [f'c{i}' for i in range(rng.choice([0, 1, 1, 2]))]
    rows += [('campaigns', some_campaign(rng, code, now)) for code in campaigns]
    rules = [some_rule(rng, f'r{i}', campaigns, tiers, now, unwind)
             for i in range(rng.choice([3, 4, 5, 6] if flavour else [0, 1, 2, 3, 5, 8]))]
    if flavour:
        globals()['closely_' + flavour](rng, settings, rules, rows)
    rows += [('rules', row) for row in rules]
    for period in PERIODS:
        if rng.random() < 0.12:
            points = {'day': 60, 'week': 150, 'month': 400, 'year': 1500, 'ever': 5000}[period]
            rows.append(('caps', dict(period=period, points=points + rng.randrange(50), on_cap=rng.choice(ON_CAP))))
    for i in range(rng.choice([0, 0, 1, 2])):
        rows.append(('benefits', without_nothing(dict(
            code=f'b{i}', tiers=some(rng, 0.4, lambda: rng.sample(tiers, 1) if tiers else None),
            quota=some(rng, 0.8, lambda: rng.choice([1, 2, 5])), period=rng.choice(PERIODS)))))
    settings['configuration'] = rows


def some_tiers(rng):
    result, unit = [], rng.choice([5, 20, 60, 150])
    for i in range(rng.randint(2, 4)):
        tier = dict(code=f't{i}', rank=i * 10 + rng.randint(1, 10), multiplier=rng.choice(['1', '1.25', '1.5', '2']),
                    stacking=rng.choice(['additive', 'additive', 'multiply']), needs=rng.choice(['any', 'any', 'all']))
        if rng.random() < 0.3:
            tier.update(exclusive_group=rng.choice(['g1', 'g2']), priority=rng.choice([1, 100, 101]))
        if rng.random() < 0.3:
            tier['expiry'] = rng.choice(EXPIRIES)
        if i or rng.random() < 0.15:
            step = unit * (i + 1) * (i + 1)
            metrics = dict(points=step, spend=str(step), orders=2 * i + 2, activities=i + 2, balance=step)
            for name in rng.sample(['points', *metrics], rng.choice([1, 1, 2, 3])):
                tier[name] = metrics[name]
        elif i == 0 and rng.random() < 0.1:
            tier['by_grant'] = True
        if i and rng.random() < 0.12:                           # held by grant alone
            for name in METRICS:
                tier.pop(name, None)
            tier['by_grant'] = True
        if rng.random() < 0.15:
            tier['qualifies'] = False
        if rng.random() < 0.4:
            tier['floor'] = rng.choice([*result, tier])['code']
        result.append(tier)
    return result


def moment(rng, now):
    return now + rng.randrange(-30, 400) * m.DAY + rng.choice([0, rng.randrange(m.DAY)])


def some_window(rng, now):
    first = some(rng, 0.25, lambda: moment(rng, now))
    last = some(rng, 0.25, lambda: moment(rng, now if first is None else first + 31 * m.DAY))
    return dict(starts_at=first, ends_at=last)


def some_campaign(rng, code, now):
    return without_nothing(dict(
        code=code, status=rng.choice(['running', 'running', 'running', 'paused', 'draft']), **some_window(rng, now),
        budget=some(rng, 0.5, lambda: rng.choice([50, 300, 2000])), on_budget=rng.choice(ON_CAP),
        pilot_percent=some(rng, 0.15, lambda: rng.choice([30, 70])),
        expiry=some(rng, 0.3, lambda: rng.choice(EXPIRIES))))


def some_change(rng, program, unwind, view=None):
    """An operation that changes what a program, a tier, a rule or a campaign gives from now on; or None."""
    view = view or rng.choice(['program', 'tiers', 'rules', 'rules', 'campaigns', 'caps'])
    if view == 'program':
        settings = dict(rng.choice([
            dict(tier_grace_days=rng.choice([0, 5, 30])), dict(tier_review=rng.choice(['supported', 'keep', 'step'])),
            dict(tier_on_return=rng.choice(['recompute', 'review'])), dict(tier_term=rng.choice([1, 2])),
            dict(multiplier_ceiling=rng.choice([None, '2', '3'])), dict(base_group=rng.choice([None, 'g1']))]))
        return dict(do='program', code=program.code, settings=settings)
    there = getattr(program, view)
    if not there:
        return None
    name = rng.choice(list(there))
    row = there[name]
    if view == 'tiers':
        change = rng.choice([dict(multiplier=rng.choice(['1', '1.5', '3'])), dict(expiry=rng.choice(EXPIRIES))])
        metrics = [metric for metric in METRICS if row[metric] is not None]
        if metrics and rng.random() < 0.6:
            metric = rng.choice(metrics)
            least = max(1, int(Fraction(str(row[metric]))) + rng.choice([-20, -1, 1, 10, 100]))
            change = {metric: str(least) if metric == 'spend' else least}
    elif view == 'rules':
        points = dict(base=BASE_POINTS, multiplier=FACTORS).get(row['effect'], BONUS_POINTS)[row['scope']]
        change = rng.choice([dict(points=rng.choice(points)), dict(priority=rng.choice([1, 100, 300])),
                             dict(expiry=rng.choice(EXPIRIES)), dict(qualifies=not row['qualifies']),
                             dict(pending_days=rng.choice([None, 0, 5])),
                             dict(on_return=rng.choice(['proportional', 'full_return_only'] + ['never'] * (not unwind)))])
        if row['points'] in ('0.5', '-3') and row['effect'] == 'multiplier':
            change = dict(priority=2)
    elif row.get('budget') is not None:
        change = dict(budget=row['budget'] + rng.choice([1, 50]))
    elif view == 'caps':
        change = dict(points=row['points'] + rng.choice([1, 50]), on_cap=rng.choice(ON_CAP))
    else:
        change = dict(starts_at=None, ends_at=None)
    return dict(do='config', code=program.code, view=view, name=name, row=change)


def some_rule(rng, code, campaigns, tiers, now, unwind):
    effect = rng.choice(['base', 'multiplier', 'multiplier', 'bonus', 'bonus', 'bonus', 'challenge'])
    scope = 'order' if effect == 'challenge' else rng.choice(['order', 'line'])
    row = dict(code=code, effect=effect, scope=scope, priority=rng.choice([1, 50, 100, 100, 100, 200]),
               activity=rng.choice(['purchase', 'purchase', 'purchase', '*', 'visit']),
               status=rng.choice(['active', 'active', 'active', 'active', 'paused']),
               campaign=some(rng, 0.5, lambda: rng.choice(campaigns) if campaigns else None), **some_window(rng, now))
    if rng.random() < 0.6:
        row['condition'] = rng.choice(ORDER_CONDITIONS if scope == 'order' else LINE_CONDITIONS)
    row['points'] = rng.choice(dict(base=BASE_POINTS, multiplier=FACTORS).get(effect, BONUS_POINTS)[scope])
    if rng.random() < 0.02:
        row.update(points='0.5' if effect == 'multiplier' else '-3', condition='amount >= 250', activity='purchase')
    if effect != 'challenge' and rng.random() < 0.35:
        row['exclusive_group'] = rng.choice(['g1', 'g2'])
    if effect == 'multiplier':
        row['stacking'] = rng.choice(['additive', 'additive', 'multiply'])
    if effect == 'challenge':
        row['metric'] = rng.choice(['points', 'spend', 'orders', 'activities'])
        row['goal'] = dict(points='120', spend='99.50', orders='3', activities='2')[row['metric']]
        row['cap_period'] = rng.choice(['week', 'month', 'year', 'ever'])
    if rng.random() < 0.15:
        row['weekdays'] = sorted(rng.sample(range(1, 8), rng.randint(2, 6)))
    if rng.random() < 0.1:
        row.update(hour_from='06:00', hour_until='18:30')
    if rng.random() < 0.15 and tiers:
        row['tiers'] = rng.sample(tiers, rng.randint(1, len(tiers)))
    if rng.random() < 0.1:
        row['tags'] = rng.sample(['vip', 'staff', 'new'], 2)
    if rng.random() < 0.1:
        row['pilot_percent'] = rng.choice([40, 80])
    if rng.random() < 0.3:
        row['expiry'] = rng.choice(EXPIRIES)
    if rng.random() < 0.25:
        row['pending_days'] = rng.choice([0, 0, 2, 10])
    if rng.random() < 0.3:
        row.update(times_cap=rng.choice([1, 2, 5]), cap_period=rng.choice(PERIODS))
    if rng.random() < 0.3:
        row.update(points_cap=rng.choice([5, 20, 100]), on_cap=rng.choice(ON_CAP))
        row.setdefault('cap_period', rng.choice(PERIODS))
    if rng.random() < 0.25:
        row.update(budget=rng.choice([20, 150, 1000]), on_budget=rng.choice(ON_CAP))
    row['on_return'] = rng.choice(['proportional', 'proportional', 'proportional', 'full_return_only', 'never'])
    if unwind and row['on_return'] == 'never':
        row['on_return'] = 'full_return_only'
    if rng.random() < 0.2:
        row['qualifies'] = False
    return without_nothing(row)
