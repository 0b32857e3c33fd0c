"""The situations in which the ledger once gave a wrong answer, and how often a run of histories came upon each.

Each is seen in the model, after an operation: an operation (of_operation), or an entry that it left
(of_entry). run.py prints the table; a long run in which one never came up has proved nothing of it and fails.
"""
import periods
import tiers

LONG = 200000           # operations in which each situation must come up

SITUATIONS = (
    # S4
    'first of a group, mixed scope, with lines', 'first of a group, mixed scope, without lines',
    'best of a group, mixed scope, with lines', 'best of a group, mixed scope, without lines',
    'best of a group: not what a cap or budget leaves less of', 'first of a group: not what can give nothing more',
    # S12, S13, S14
    'return by lines: parts with last days of their own', 'return by lines: some points expired, others are taken',
    'return by lines: a campaign\'s budget gets some back', 'whole return: a never part keeps its firing',
    'bought again after a never part kept its firing', 'write-off under clamp', 'write-off under clamp, made good',
    # S8, S10
    'confirm: parts of one lot by policies of their own', 'no points where they wait: activity',
    'no points where they wait: activity lifts', 'no points where they wait: order',
    'no points where they wait: order lifts', 'counts on its day though its points are gone',
    'confirmed though its points are gone', 'a gift that does not qualify',
    # S21 to S24
    'rolling: a return lowers', 'rolling: a return leaves the tier', 'rolling: a return moves the end alone',
    'rolling: a trifle moves no end', 'rolling: a return leaves what a balance holds',
    'rolling: a return of what had no part in it',
    'by grant alone: granted', 'by grant alone: never reached beneath it',
    'a tier\'s bonus that does not qualify', 'benefit of a past date, at another tier',
    # S28
    'read before settling: the tier is another', 'tiers_held of a time', 'tier_history',
    # configuration
    'paused beside a posting that is open', 'rule withdrawn', 'rule deployed again',
    'rule deployed again goes on with its usage', 'rule deployed again goes on with its budget',
    'campaign deployed again goes on with its budget',
    # members
    'second program: more is told', 'second program: contradicted', 'transfer dated before joining',
    # lots
    'lots joined', 'lots joined: last days differ', 'lots joined while settling', 'lots joined beside some that wait',
    'return of what was joined')


def of_operation(ledger, op, refused):
    """What an operation is, once it has been done on the model."""
    do, args = op['do'], op.get('args', {})
    if do == 'read' and op['what'] in ('tiers_held', 'tier_history'):
        yield 'tier_history' if op['what'] == 'tier_history' else 'tiers_held of a time'
        account = ledger.accounts[op['member'], op['program']]
        if op['at'] >= account.clock and ledger.as_of(op['member'], op['program'], op['at']).tier != account.tier:
            yield 'read before settling: the tier is another'
    if do == 'config' and op.get('beside'):
        yield 'paused beside a posting that is open'
    if do == 'withdraw' and op['view'] == 'rules':
        yield 'rule withdrawn'
    if do == 'deploy' and op['view'] == 'rules':
        yield 'rule deployed again'
    if do == 'post' and op['verb'] == 'enroll' and any(who == args['member'] for who, _ in ledger.accounts):
        if refused and '22023' in refused.codes:
            yield 'second program: contradicted'
    if do == 'post' and op['verb'] == 'transfer' and refused and refused.code == 'LY009':
        account = ledger.accounts[args['member'], args['program']]
        if args['at'] < account.opened_at and not account.frozen:
            yield 'transfer dated before joining'


def of_entry(ledger, account, e):
    """What an entry is, just after it was written."""
    program = ledger.programs[account.program]
    if e.kind in ('purchase', 'activity'):
        yield from e.met
        yield from of_earning(ledger, program, account, e)
    if e.kind == 'refund':
        yield from of_return(program, account, e)
    if e.written_off and program.on_spent_return == 'clamp':
        yield 'write-off under clamp'
    if e.made_good and program.on_spent_return == 'clamp':
        yield 'write-off under clamp, made good'
    if e.kind == 'confirm':
        parts = [p for p in account.entries[e.of_seq - 1].parts if p.waits()]
        if any(p.lot == q.lot and p.policy != q.policy for p in parts for q in parts):
            yield 'confirm: parts of one lot by policies of their own'
        if parts and not e.taken:
            yield 'confirmed though its points are gone'
    if e.kind == 'mature' and not any(key.usable_from == e.clock_on for key in (*e.then.lots, *e.taken)):
        yield 'counts on its day though its points are gone'
    if e.kind == 'award' and not e.qualifying and e.points > 0:
        yield 'a gift that does not qualify'
    if e.kind == 'join':
        yield from of_joining(account.entries[e.seq - 2], e)
    if e.kind == 'grant_tier' and program.tiers[e.tier_grant]['by_grant']:
        yield 'by grant alone: granted'
    if e.cause == 'reached' and any(t['by_grant'] and t['rank'] > program.tiers[e.standing['computed_tier']]['rank']
                                    for t in program.tiers.values()):
        yield 'by grant alone: never reached beneath it'
    if e.kind == 'use_benefit' and e.at < e.clock and account.tier_at(e.at) != e.tier:
        yield 'benefit of a past date, at another tier'
    if e.kind == 'enroll' and e.told_more:
        yield 'second program: more is told'


def of_joining(before, e):
    """`before`: the entry before it."""
    yield 'lots joined'
    if any(source.expires != target.expires for source, target, _, _ in e.moves):
        yield 'lots joined: last days differ'
    if before.kind == 'release' and before.fingerprint is None:     # a hold that lapsed
        yield 'lots joined while settling'
    if any(key.usable_from > e.clock_on for key in e.then.lots):
        yield 'lots joined beside some that wait'


def of_earning(ledger, program, account, e):
    given = sum(p.given for p in e.parts)
    what = 'order' if e.kind == 'purchase' else 'activity'
    if not given and program.pending_days != 0 and (e.amount or what == 'activity'):
        yield f'no points where they wait: {what}'
        if e.cause == 'reached':
            yield f'no points where they wait: {what} lifts'
    if program.tier_window == 'rolling' and account.computed_last_day and e.cause is None and e.at >= e.clock:
        held = program.tiers[account.computed_tier]
        figures = tiers.metrics(account, *tiers.window(program, account, account.clock_on), account.clock_on)
        if tiers.is_met(held, figures) and not tiers.adds(account, held, account.clock_on, account.clock_on):
            yield 'rolling: a trifle moves no end'
    if any(p.name == 'tier' and p.given and not p.qualifies for p in e.parts):
        yield 'a tier\'s bonus that does not qualify'
    day, kept = account.zone.day_of(e.at), set()
    for back in account.entries[:e.seq - 1]:
        if back.kind == 'refund' and back.is_last:
            kept |= kept_firings(account.entries[back.of_seq - 1])
    for counter, first_day in kept:
        rule = program.rules.get(counter[1])
        if rule and first_day == periods.start(rule['cap_period'], day):
            yield 'bought again after a never part kept its firing'
    for counter, first_day, times, points, _ in e.charges:
        if (account.program, counter) not in ledger.deployed_again:
            continue
        if first_day != 'budget' and account.usage[counter, first_day] != (times, points):
            yield 'rule deployed again goes on with its usage'
        if first_day == 'budget' and ledger.spent[account.program][counter] != points:
            yield f'{counter[0]} deployed again goes on with its budget'


def kept_firings(award):
    """Counters, and their periods, of the parts of an award that no return takes back."""
    return {(counter, first_day) for counter, first_day, times, _, part in award.charges
            if times and part is not None and award.parts[part].on_return == 'never'}


def of_return(program, account, e):
    award = account.entries[e.of_seq - 1]
    if e.return_mode == 'lines' and not e.is_last:
        if len({p.lot.expires for p in award.parts if p.given}) > 1:
            yield 'return by lines: parts with last days of their own'
            if e.spared and e.taken:
                yield 'return by lines: some points expired, others are taken'
        if any(counter[0] == 'campaign' and points < 0 for counter, _, _, points, _ in e.charges):
            yield 'return by lines: a campaign\'s budget gets some back'
    if e.is_last and kept_firings(award):
        yield 'whole return: a never part keeps its firing'
    before = account.entries[e.seq - 2].then
    if program.tier_window == 'rolling' and before.computed_tier and program.tier_on_return == 'recompute':
        if e.cause is None:
            yield 'rolling: a return leaves the tier'
            yield from of_what_stays(program, e.then, award, e)
        else:
            yield ('rolling: a return moves the end alone' if before.computed_tier == e.then.computed_tier
                   else 'rolling: a return lowers')
    if any(j.kind == 'join' and any(source in award.gained for source, _, _, _ in j.moves)
           for j in account.entries[award.seq:e.seq - 1]):
        yield 'return of what was joined'


def of_what_stays(program, account, award, e):
    """Why a return leaves a rolling tier. `account`: as it stood after it."""
    held, today = account.computed_tier, e.clock_on
    balances = any(tier['balance'] is not None for tier in program.tiers.values())
    first, last = tiers.window(program, account, account.reached_on)
    if not balances and not first <= award.happened_on <= last:
        yield 'rolling: a return of what had no part in it'
    found = [tiers.reach(program, account, today, day, tiers.reached_on_day(program, account, day, today))
             for day in {h for h, _, _ in account.tallies if h <= today} | {today}]
    others = [account.before_tier, *(r.tier for r in found if r)]
    if balances and all(tiers.rank(program, code) < tiers.rank(program, held) for code in others):
        yield 'rolling: a return leaves what a balance holds'


def table(tally):
    """Lines: how often each, and those that never were."""
    lines = [f'{tally["* " + name]:9d}  {name}' for name in SITUATIONS]
    return lines, [name for name in SITUATIONS if not tally['* ' + name]]
