"""Operations of a random history: what they are, their SQL, and what the model makes of them.

An operation is a dict: {'do': ..., ...}
  post     verb, args, style ('call': the function, 'view': INSERT ... RETURNING), undo (then rolled back)
  set      verb, rows: one INSERT ... SELECT into the view, without RETURNING
  settle   args
  program  code, settings: an UPDATE of a program in mid-episode
  config   code, view, name, row: an UPDATE of a rule, campaign ... in mid-episode; beside: in a session of its
           own, which commits at once, while the postings of this one are open
  withdraw, deploy   code, view, name, row: a DELETE or INSERT of a rule, campaign ... in mid-episode
  limit    lots: from how many on they are joined
  preview  args: what a purchase would come to
  read     what ('balance', 'lots', 'tiers_held' or 'tier_history'), member, program, at
  commit
  unwound  member, program, at: everything was returned, cancelled, released (see history.py)
Names of members and programs get a prefix in SQL only, so that a history can be run many times.
"""
from decimal import Decimal
from fractions import Fraction

import model as m
import periods
import ruleset

RULES = True            # False: the extension has no rules, tiers ... (run.py --core)

VIEWS = {'enroll': 'enrollments', 'purchase': 'purchases', 'award': 'awards', 'confirm': 'confirmations',
         'spend': 'spends', 'hold': 'holds', 'capture': 'captures', 'release': 'releases',
         'refund': 'refunds', 'cancel': 'cancellations', 'adjust': 'adjustments', 'extend': 'extensions',
         'reinstate': 'reinstatements', 'transfer': 'transfers', 'freeze': 'freezes',
         'unfreeze': 'unfreezes', 'activity': 'activities', 'grant_tier': 'tier_grants', 'end_grant': 'grant_ends',
         'use_benefit': 'benefit_uses'}

TYPES = {'points': 'bigint', 'amount': 'numeric', 'at': 'timestamptz', 'until': 'timestamptz',
         'first_day': 'date', 'last_day': 'date', 'expires_on': 'date', 'of_last_day': 'date', 'joined_on': 'date',
         'lines': 'jsonb', 'attributes': 'jsonb', 'tags': 'jsonb', 'quantity': 'bigint',
         'pending': 'boolean', 'allow_debt': 'boolean', 'qualifies': 'boolean'}     # all others are text

PROGRAM_TYPES = {'base_rate': 'numeric', 'per_amount': 'numeric', 'block_amount': 'numeric',
                 'hold_limit': 'interval', 'expiry': 'loyalty.expiry', 'multiplier_ceiling': 'numeric'}

# Columns of the views of ruleset.py that are not text
CONFIGURATION_TYPES = {'expiry': 'loyalty.expiry', 'starts_at': 'timestamptz', 'ends_at': 'timestamptz',
                       'hour_from': 'time', 'hour_until': 'time', 'weekdays': 'integer[]', 'tiers': 'text[]',
                       'tags': 'text[]', 'multiplier': 'numeric', 'spend': 'numeric', 'goal': 'numeric',
                       'settings': 'jsonb'}


# ---------------------------------------------------------------- SQL

def json_text(value):
    """JSON with exact decimals."""
    if isinstance(value, dict):
        return '{' + ', '.join(f'{json_text(k)}: {json_text(v)}' for k, v in value.items()) + '}'
    if isinstance(value, list):
        return '[' + ', '.join(json_text(v) for v in value) + ']'
    if isinstance(value, (Decimal, int)):
        return str(value)
    return '"' + value + '"'


def literal(name, value, prefix='', verb=None):
    kind = TYPES.get(name, 'text')
    if value is None:
        return f'NULL::{kind}'
    if kind == 'boolean':
        return 'true' if value else 'false'
    if kind == 'timestamptz':
        value = m.instant_text(value)
    elif kind == 'date':
        value = m.day_text(value)
    elif kind == 'jsonb':
        value = json_text(value)
    elif name in ('member', 'to_member', 'program') and value:
        value = prefix + value
    return "'" + str(value).replace("'", "''") + "'::" + kind


def column(name):
    return name


def call_sql(verb, args, prefix):
    return f'loyalty.{verb}(' + ', '.join(
        f'{column(n)} => {literal(n, v, prefix, verb)}' for n, v in args.items()) + ')'


def view_sql(verb, args, prefix):
    return (f'INSERT INTO loyalty.{VIEWS[verb]} ({", ".join(map(column, args))}) '
            f'VALUES ({", ".join(literal(n, v, prefix, verb) for n, v in args.items())})')


def set_sql(verb, rows, prefix):
    names = list(dict.fromkeys(n for row in rows for n in row))
    values = ',\n  '.join('(' + ', '.join(literal(n, row.get(n), prefix, verb) for n in names) + ')' for row in rows)
    columns = ', '.join(map(column, names))
    return f'INSERT INTO loyalty.{VIEWS[verb]} ({columns}) SELECT * FROM (VALUES\n  {values}) AS v ({columns})'


def program_literal(name, value):
    if value is None:
        return 'NULL'
    if isinstance(value, int):
        return str(value)
    return f"'{value}'::{PROGRAM_TYPES.get(name, 'text')}"


def program_inserts(code, settings, prefix):
    """Statements that make a program, with its `configuration` of rules, tiers ..."""
    return [program_insert(code, settings, prefix)] + [configuration_insert(code, view, row, prefix)
                                                       for view, row in settings.get('configuration', ())]


def program_insert(code, settings, prefix):
    settings = {n: v for n, v in settings.items() if n != 'configuration'}
    names = ['code', 'name', *settings]
    values = [f"'{prefix}{code}'", f"'{code}'", *(program_literal(n, v) for n, v in settings.items())]
    return f'INSERT INTO loyalty.program ({", ".join(names)}) VALUES ({", ".join(values)})'


def program_update(code, settings, prefix):
    changes = ', '.join(f'{n} = {program_literal(n, v)}' for n, v in settings.items())
    return f"UPDATE loyalty.program SET {changes} WHERE code = '{prefix}{code}'"


def configuration_literal(name, value):
    kind = CONFIGURATION_TYPES.get(name, 'text')
    if value is None:
        return 'NULL'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if kind == 'timestamptz':
        value = m.instant_text(value)
    elif kind.endswith('[]'):
        value = '{' + ','.join(map(str, value)) + '}'
    elif kind == 'jsonb':
        value = json_text(value)
    elif isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + f"'::{kind}"


def configuration_insert(code, view, row, prefix):
    columns = ', '.join(['program', *map(column, row)])
    values = ', '.join([f"'{prefix}{code}'", *(configuration_literal(n, v) for n, v in row.items())])
    return f'INSERT INTO loyalty.{view} ({columns}) VALUES ({values})'


def configuration_update(code, view, name, row, prefix):
    changes = ', '.join(f'{column(n)} = {configuration_literal(n, v)}' for n, v in row.items())
    return (f"UPDATE loyalty.{view} SET {changes} "
            f"WHERE program = '{prefix}{code}' AND {ruleset.VIEWS[view][1]} = '{name}'")


def configuration_delete(code, view, name, prefix):
    return f"DELETE FROM loyalty.{view} WHERE program = '{prefix}{code}' AND {ruleset.VIEWS[view][1]} = '{name}'"


TIER_READS = {
    'tiers_held': """SELECT to_jsonb(r) FROM (SELECT substr(member, {skip}) AS member, tier, since, last_day
                     FROM loyalty.tiers_held({at}, {program}) ORDER BY member COLLATE "C") AS r""",
    'tier_history': """SELECT to_jsonb(r) FROM (SELECT tier, since, until, cause, of_ref, entry
                       FROM loyalty.tier_history WHERE member = {member} AND program = {program} ORDER BY entry) AS r"""}


def command(op, prefix):
    """(SQL, what it yields: 'json' one value, 'rows' an array of rows, 'none')."""
    do = op['do']
    if do == 'post' and op['style'] == 'view':
        return view_sql(op['verb'], op['args'], prefix) + \
            " RETURNING jsonb_build_object('entry', entry, 'balance', balance, 'usable', usable)", 'json'
    if do == 'post':
        return f'SELECT to_jsonb(r) FROM {call_sql(op["verb"], op["args"], prefix)} AS r', 'json'
    if do == 'set':
        return set_sql(op['verb'], op['rows'], prefix), 'none'
    if do == 'settle':
        return f'SELECT to_jsonb({call_sql("settle", op["args"], prefix)})', 'json'
    if do == 'program':
        return program_update(op['code'], op['settings'], prefix), 'none'
    if do == 'config':
        return configuration_update(op['code'], op['view'], op['name'], op['row'], prefix), 'none'
    if do == 'withdraw':
        return configuration_delete(op['code'], op['view'], op['name'], prefix), 'none'
    if do == 'deploy':
        return configuration_insert(op['code'], op['view'], op['row'], prefix), 'none'
    if do == 'limit':
        return f'SET loyalty.lots_limit = {op["lots"]}', 'none'
    if do == 'preview':
        return f'SELECT to_jsonb(r) FROM {call_sql("preview", op["args"], prefix)} AS r', 'json'
    if do == 'read' and op['what'] in TIER_READS:
        return TIER_READS[op['what']].format(skip=len(prefix) + 1, **{
            n: literal(n, op[n], prefix) for n in ('member', 'program', 'at')}), 'rows'
    if do in ('read', 'unwound'):
        args = {n: op[n] for n in ('member', 'program', 'at')}
        return f'SELECT to_jsonb(r) FROM {call_sql(op.get("what", "balance"), args, prefix)} AS r', 'rows'
    raise AssertionError(do)


def script_line(op, prefix):
    """The operation for psql, outside a transaction."""
    if op['do'] == 'commit':
        return '-- (commit)'
    sql = command(op, prefix)[0]
    if op['do'] == 'post' and op['style'] == 'call':
        sql = f'SELECT * FROM {call_sql(op["verb"], op["args"], prefix)}'
    elif op['do'] in ('read', 'unwound'):
        sql = sql.replace('SELECT to_jsonb(r)', 'SELECT *', 1)
    return f'BEGIN; {sql}; ROLLBACK;' if op.get('undo') else sql + ';'


def accounts_of(op):
    """(member, program) of every account that an operation may touch."""
    found = []
    for args in op.get('rows', [op.get('args', op)]):
        for member in (args.get('member'), args.get('to_member')):
            if member and args.get('program') and (member, args['program']) not in found:
                found.append((member, args['program']))
    return found


# ---------------------------------------------------------------- the model's answer

def apply(ledger, op, wall):
    """Run an operation on a model. Returns its result: a receipt, a count, rows, or None."""
    do = op['do']
    if do == 'post':
        return (ledger.copy() if op.get('undo') else ledger).post(op['verb'], op['args'], wall)
    if do == 'set':
        return apply_set(ledger, op, wall)
    if do == 'settle':
        return ledger.settle(op['args'], wall)
    if do == 'program':
        return ledger.change_program(op['code'], **op['settings'])
    if do == 'config':
        return ledger.programs[op['code']].reconfigure(op['view'], op['name'], op['row'])
    if do == 'withdraw':
        return ledger.withdraw(op['code'], op['view'], op['name'])
    if do == 'deploy':
        ledger.deployed_again.add((op['code'], (op['view'][:-1], op['name'])))
        return ledger.programs[op['code']].configure(op['view'], op['row'])
    if do == 'limit':
        ledger.lots_limit = op['lots']
        return None
    if do == 'preview':
        return ledger.preview(op['args'], wall)
    if do == 'unwound' or do == 'read' and op['what'] == 'balance':
        return ledger.balance(op['member'], op['program'], op['at'])
    if do == 'read' and op['what'] == 'tiers_held':
        return ledger.tiers_held(op['program'], op['at'])
    if do == 'read' and op['what'] == 'tier_history':
        return ledger.tier_history(op['member'], op['program'], wall)
    if do == 'read':
        return ledger.lots(op['member'], op['program'], op['at'])


def apply_set(ledger, op, wall):
    """Account by account, the oldest first, each in the order of rows (that decides who gets the rest of a
    budget, D36); all or nothing. The core looks at the form of every row first, so any account's first refusal
    may be the one that is reported."""
    trial, codes, failed = ledger.copy(), set(), set()
    age = {account: i for i, account in enumerate(ledger.accounts)}
    for row in sorted(op['rows'], key=lambda row: age.get((row.get('member'), row.get('program')), -1)):
        account = row.get('member'), row.get('program')
        try:
            if account in failed:
                m.check_form(op['verb'], row)
                trial.find(row)
            else:
                trial.post(op['verb'], row, wall)
        except m.Refused as refused:
            codes |= refused.codes
            failed.add(account)
    if codes:
        raise m.Refused(*codes)
    ledger.accounts, ledger.spent, ledger.members = trial.accounts, trial.spent, trial.members


# ---------------------------------------------------------------- what the database should show
# Values as PostgreSQL writes them into jsonb; a frozenset is a choice of values that are
# equally good (where the interface leaves room); a Fraction is compared as a number.

def json_instant(number):
    if number is None:
        return None
    if number == m.FOREVER:
        return 'infinity'
    text = m.instant_text(number)                       # 2019-01-01 10:00:00.500000+00
    seconds = text[11:-3].rstrip('0').rstrip('.') if '.' in text else text[11:-3]
    return f'{text[:10]}T{seconds}+00:00'


def json_day(number):
    return None if number is None else m.day_text(number)


def shown_day(number):
    """A day as receipts and reads show it: none where there is no end."""
    return None if number == m.NEVER else json_day(number)


def expected_preview(e):
    lots = m.gather([(p.lot, p.given) for p in e.parts])
    first = min(lots) if lots else None
    known = first is not None and first.usable_from != m.NEVER and first.expires != m.INACTIVE
    return dict(points=m.total(lots), computed=e.computed, balance=e.balance, tier=e.at_tier,
                expires_on=shown_day(first.expires) if known else None,
                never_expires=known and first.expires == m.NEVER, parts=expected_parts(e.parts))


def expected_receipt(receipt, style):
    names = ['entry', 'balance', 'usable']
    if style == 'call':
        names += ['kind', 'points', 'debt', 'repeat', 'expired'] + (['tier'] if RULES else [])
        if receipt['kind'] == 'refund':
            names += ['due', 'taken', 'owed', 'spared', 'written_off']
    result = {n: receipt[n] for n in names}
    if style == 'call' and receipt['kind'] in ('purchase', 'activity'):
        result['parts'] = expected_parts(receipt['parts'])
    if style == 'call':
        days = receipt['expires_on'] if isinstance(receipt['expires_on'], tuple) else (receipt['expires_on'],)
        result['expires_on'] = frozenset(map(shown_day, days))
        result['never_expires'] = frozenset(day == m.NEVER for day in days)
    return result


def expected_parts(parts):
    """Parts as an entry and a receipt show them; None where the part base is alone."""
    if not parts or parts[0].alone:
        return None
    rows = []
    for p in parts:
        row = dict(part=p.name, computed=p.computed, given=p.given, campaign=p.campaign, tier=p.tier,
                   on_return=None if p.on_return == 'proportional' else p.on_return,
                   qualifies=None if p.qualifies else 'no')
        if p.given and p.lot.usable_from != m.NEVER:
            row['usable_from'] = frozenset([None, json_day(p.lot.usable_from)])
            last = {m.INACTIVE: 'inactive', m.NEVER: 'never'}.get(p.lot.expires) or json_day(p.lot.expires)
            row['expires_on'] = frozenset([None, last])
        rows.append(row)
    return rows


def expected_charges(charges):
    return sorted(([f'{kind}:{name}', 'budget' if on == 'budget' else period_day(on), times, points]
                   for (kind, name), on, times, points, _ in charges), key=str)


def period_day(number):
    return '-infinity' if number == periods.ALWAYS else m.day_text(number)


def expected_standing(s):
    """What the tier rests on."""
    return dict(computed_tier=s['computed_tier'], computed_last_day=json_day(s['computed_last_day']),
                reached_on=json_day(s['reached_on']), before_tier=s['before_tier'],
                before_last_day=json_day(s['before_last_day']))


def expected_entry(e):
    row = dict(
        seq=e.seq, kind=e.kind, at=json_instant(e.at), clock=json_instant(e.clock),
        clock_on=json_day(e.clock_on), points=e.points, balance=e.balance, usable=e.usable, debt=e.debt,
        held=e.held, ref=e.ref, of_ref=e.of_ref, fee=e.fee or 0, counterparty=e.counterparty,
        made_good=m.total(e.made_good), channel=e.channel, store=e.store, brand=e.brand,
        taken=m.lots_text(e.taken), gained=m.lots_text(e.gained), source=m.lots_text(e.source),
        spared=m.lots_text(e.spared), written_off_lots=m.lots_text(e.written_off_lots),
        made_good_lots=m.lots_text(e.made_good))
    if RULES:
        row.update(tier=e.tier, charges=expected_charges(e.charges))
        if e.kind == 'refund':
            row['parts'] = [dict(part=p.name, due=n) for p, n in zip(e.of_parts, e.due_parts)] or None
        else:
            row['parts'] = expected_parts(e.parts)
    if e.standing is not None:
        row.update(expected_standing(e.standing))
    row['cause'] = e.cause
    if e.happened_on is not None:                       # as run.py's Database.tidy brings it
        row.update(happened_on=json_day(e.happened_on), counts_from=json_day(e.counts_from),
                   would_count_from=json_day(e.would_count_from), qualified=[e.qualifying], activity=e.activity,
                   quantity=e.quantity)
    if e.kind == 'use_benefit':
        row.update(benefit=e.benefit, quantity=e.quantity)
    if e.kind == 'grant_tier':
        row.update(tier_grant=e.tier_grant, grant_first_day=json_day(e.grant_first_day), grant_last_day=open_day(e.grant_last_day))
    if e.kind in ('activity', 'confirm') and e.amount is not None:
        row['amount'] = Fraction(e.amount)
    if e.fingerprint is not None:                       # a caller posted it
        row.update(expired=e.expired, reason=e.reason)
    if e.kind in ('refund', 'confirm', 'capture', 'release', 'end_grant'):
        row['of_seq'] = e.of_seq
    if e.kind in m.EARNING:
        row['computed'] = e.computed
        if e.expiry is not None:
            row['expiry'] = frozenset([e.expiry, e.expiry.replace('1 days', '1 day').replace('1 months', '1 month')])
    if e.kind == 'purchase' or e.kind == 'refund' and e.amount:
        row['amount'] = Fraction(e.amount)
    if e.kind == 'refund':
        row.update(due=e.due, owed=e.owed, written_off=e.written_off)
    if e.kind in ('extend', 'reinstate', 'cancel') or e.kind == 'award' and e.expires_on is not None:
        row['expires_on'] = json_day(e.expires_on)
    if e.kind == 'extend':
        row['of_last_day'] = json_day(e.of_last_day)
    if e.kind in ('hold', 'freeze') and e.fingerprint is not None:
        row['until'] = json_instant(e.until)
    if e.kind in ('freeze', 'refund'):
        row['mode'] = e.mode
    if e.lines is not None:
        row['line_points'] = [line['points'] for line in e.lines]
    if e.attributes is not None:
        row['attributes'] = e.attributes
    return row


def open_day(number):
    """A last day; NULL or infinity where there is none."""
    return frozenset([None, 'infinity', 'never']) if number == m.NEVER else json_day(number)


def account_with_rules(a):
    return dict(tier=a.tier, orders=a.orders, spend=Fraction(a.spend), earned=a.earned,
                last_order_on=json_day(a.last_order_on), **expected_standing(a.standing()),
                grants=[{'seq': g.seq, 'tier': g.tier, 'first_day': json_day(g.first), 'last_day': open_day(g.until)}
                        for g in sorted(a.grants) if g.until >= a.clock_on])


def expected_counted(ledger, who):
    """Usage and tallies; rows of nothing are as good as none."""
    a = ledger.accounts[who]
    usage = [[f'{kind}:{code}', period_day(on), times, points]
             for ((kind, code), on), (times, points) in a.usage.items() if times or points]
    tally = [[json_day(on), activity, json_day(counts_from), times, points, Fraction(spend)]
             for (on, activity, counts_from), (times, points, spend) in a.tallies.items() if times or points or spend]
    return dict(usage=sorted(usage, key=str), tally=sorted(tally, key=str))


def expected_spent(ledger, program):
    return sorted([f'{kind}:{code}', points] for (kind, code), points in ledger.spent[program].items() if points)


def expected_account(account, since):
    """The account, its holds, and its entries after number `since`."""
    a = account
    return dict(
        account=dict(
            opened_at=json_instant(a.opened_at), frozen=a.frozen, frozen_until=json_instant(a.frozen_until),
            inactive_months=a.inactive_months, inactive_on=json_day(a.inactive_on),
            clock=json_instant(a.clock), clock_on=json_day(a.clock_on), seq=a.seq, balance=a.balance,
            usable=a.usable, debt=a.debt, held=a.held(), written_off=a.written_off(),
            lots=m.lots_text(a.lots), **(account_with_rules(a) if RULES else {})),
        holds=[dict(seq=h.seq, ref=h.ref, points=m.total(h.lots), until=json_instant(h.until),
                    lots=m.lots_text(h.lots)) for h in sorted(a.holds, key=lambda h: h.seq)],
        entries=[expected_entry(e) for e in a.entries[since:]])


def expected_tiers_held(rows):
    return [dict(member=member, tier=tier, since=json_instant(since), last_day=open_day(until))
            for member, tier, since, until in rows]


def expected_tier_history(rows):
    return [dict(tier=tier, since=json_instant(since), until=json_instant(until), cause=cause, of_ref=ref, entry=seq)
            for tier, since, until, cause, ref, seq in rows]


def expected_member(told):
    """What is known of a member; nothing is as good as empty."""
    return dict(birthday=told['birthday'], tags=told['tags'] or None,
                attributes=sorted(map(list, told['attributes'].items())) if told['attributes'] else None)


def expected_lots(rows, inactive_on):
    def expiry(key):
        if key.expires == m.INACTIVE:                   # NULL as in unnest(), or the account's day
            return frozenset([None, shown_day(inactive_on)])
        return shown_day(key.expires)
    return [dict(expires_on=expiry(k), earned_on=json_day(k.earned), usable_from=shown_day(k.usable_from),
                 issuer=k.issuer, points=free, held=held, state=state) for k, free, held, state in rows]
