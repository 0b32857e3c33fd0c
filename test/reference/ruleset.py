"""What is configured beside a program's own settings: the views, their columns, the defaults."""

TIERS = dict(code=None, name=None, rank=0, multiplier='1', stacking='additive', exclusive_group=None, priority=100,
             expiry=None, floor=None, needs='any', points=None, spend=None, orders=None, activities=None, balance=None, by_grant=False, qualifies=True)
RULE_GROUPS = dict(code=None, takes='best')
CAMPAIGNS = dict(code=None, name=None, status='draft', starts_at=None, ends_at=None, budget=None, on_budget='trim',
                 pilot_percent=None, expiry=None)
RULES = dict(code=None, name=None, campaign=None, status='active', activity='purchase', effect='bonus', scope='order',
             condition=None, points=None, outcome='points', starts_at=None, ends_at=None, weekdays=None,
             hour_from=None, hour_until=None, tiers=None, tags=None, pilot_percent=None, priority=100,
             stacking='additive', exclusive_group=None, expiry=None, pending_days=None, times_cap=None,
             points_cap=None, cap_period='ever', on_cap='trim', budget=None, on_budget='trim',
             on_return='proportional', qualifies=True, metric=None, goal=None)
CAPS = dict(period=None, points=None, on_cap='trim')
BENEFITS = dict(code=None, name=None, tiers=None, settings=None, quota=None, period='year')

# view: (defaults, what names a row, attribute of a program), in the order in which they are inserted
VIEWS = {
    'tiers': (TIERS, 'code', 'tiers'),
    'rule_groups': (RULE_GROUPS, 'code', 'groups'),
    'campaigns': (CAMPAIGNS, 'code', 'campaigns'),
    'rules': (RULES, 'code', 'rules'),
    'caps': (CAPS, 'period', 'caps'),
    'benefits': (BENEFITS, 'code', 'benefits'),
}


def row(view, given):
    defaults = VIEWS[view][0]
    assert not set(given) - set(defaults), given
    return {**defaults, **given}
