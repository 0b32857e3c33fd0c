#!/usr/bin/python3
"""Drive the model and the database with the same random history, and compare everything.

    run.py --dsn "dbname=test" --operations 200000 --seed 1 --jobs 2

After every operation: its receipt (or SQLSTATE), and of each account touched the row, the
holds, and every new entry field by field; then the invariants of the rows themselves. At
the end of an episode: reads as of now, the view balances, verify(). A history that differs
is shortened and printed as a psql script. Without a database, `--model [FAULT]` puts a
second model, with a planted fault if one is named, in the database's place. Ends with 1 if
there was a difference, with 2 if the runner or the fault itself failed.
"""
import argparse
import collections
import json
import multiprocessing
import os
import sys
import time
from decimal import Decimal
from fractions import Fraction

import coverage
import history
import model as m
import operations as ops

HELPERS = r"""
CREATE SCHEMA IF NOT EXISTS loyalty_reference;

-- The state that a test compares: the account's row, its holds, its entries after number `since`.
CREATE OR REPLACE FUNCTION loyalty_reference.state(member text, program text, since bigint) RETURNS jsonb
LANGUAGE plpgsql AS $$     -- which keeps its plans, unlike sql
BEGIN RETURN (
  SELECT jsonb_build_object(
    'account', to_jsonb(a) - 'hash', 'member', to_jsonb(m),
    'holds', coalesce((SELECT jsonb_agg(to_jsonb(h) ORDER BY h.seq)
                       FROM loyalty.hold h WHERE h.account_id = a.id), '[]'),
    'entries', coalesce((SELECT jsonb_agg(to_jsonb(e) - 'hash' || jsonb_build_object('counterparty',
                           (SELECT m2.key FROM loyalty.account a2 JOIN loyalty.member m2 ON m2.id = a2.member_id
                            WHERE a2.id = e.counterparty_id)) ORDER BY e.seq)
                         FROM loyalty.entry e WHERE e.account_id = a.id AND e.seq > since), '[]'))
  FROM loyalty.account a
  JOIN loyalty.member m ON m.id = a.member_id
  JOIN loyalty.program p ON p.id = a.program_id
  WHERE m.key = state.member AND p.code = state.program);
END $$;

-- Run a command and return its result, or its error, with the state of the accounts afterwards.
-- way: 'plain' (an error ends the transaction), 'protect' (in a subtransaction), 'undo' (rolled back in any case).
CREATE OR REPLACE FUNCTION loyalty_reference.run(command text, yields text, way text,
  members text[], programs text[], since bigint[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  result jsonb; state text; message text;
BEGIN
  IF way = 'plain' THEN
    result := loyalty_reference.execute(command, yields);
  ELSE
    BEGIN
      result := loyalty_reference.execute(command, yields);
      IF way = 'undo' THEN
        RAISE EXCEPTION USING ERRCODE = 'UNDO1', MESSAGE = 'undone';
      END IF;
    EXCEPTION
      WHEN SQLSTATE 'UNDO1' THEN NULL;
      WHEN OTHERS THEN state := SQLSTATE; message := SQLERRM; result := NULL;
    END;
  END IF;
  RETURN jsonb_build_object('result', result, 'error', state, 'message', message, 'states',
    (SELECT jsonb_agg(loyalty_reference.state(x.m, x.p, x.s) ORDER BY x.n)
     FROM unnest(members, programs, since) WITH ORDINALITY AS x (m, p, s, n)));
END $$;

CREATE OR REPLACE FUNCTION loyalty_reference.execute(command text, yields text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  result jsonb;
BEGIN
  CASE yields
    WHEN 'none' THEN EXECUTE command;
    WHEN 'json' THEN EXECUTE command INTO result;
    WHEN 'rows' THEN EXECUTE 'SELECT coalesce(jsonb_agg(x.j), ''[]'') FROM (' || command || ') AS x (j)' INTO result;
  END CASE;
  RETURN result;
END $$;
"""

# Made where the extension has rules: what rules, campaigns, caps and benefits are numbered, those that were deleted
# too, and what they count.
RULE_HELPERS = r"""
CREATE OR REPLACE FUNCTION loyalty_reference.counters_of(program text) RETURNS TABLE (id bigint, name text)
LANGUAGE sql AS $$
  SELECT c.id, c.name
  FROM (SELECT r.id, r.program_id, 'rule:' || r.code FROM loyalty.rule r
        UNION ALL SELECT c.id, c.program_id, 'campaign:' || c.code FROM loyalty.campaign c
        UNION ALL SELECT c.id, c.program_id, 'cap:' || c.period FROM loyalty.cap c
        UNION ALL SELECT b.id, b.program_id, 'benefit:' || b.code FROM loyalty.benefit b
        UNION ALL SELECT r.id, r.program_id, r.noun || ':' || r.code FROM loyalty.retired r) AS c (id, program_id, name)
  JOIN loyalty.program p ON p.id = c.program_id
  WHERE p.code = $1
$$;

CREATE OR REPLACE FUNCTION loyalty_reference.counted(member text, program text) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN RETURN (
  SELECT jsonb_build_object(
    'tallied', a.tallied,
    'usage', coalesce((SELECT jsonb_agg(jsonb_build_array(u.counter_id, u.period_on, u.times, u.points))
                       FROM loyalty.usage u WHERE u.account_id = a.id), '[]'),
    'tally', coalesce((SELECT jsonb_agg(jsonb_build_array(t.happened_on, t.activity, t.counts_from,
                                                          t.times, t.points, t.spend))
                       FROM loyalty.tally t WHERE t.account_id = a.id), '[]'))
  FROM loyalty.account a
  JOIN loyalty.member m ON m.id = a.member_id
  JOIN loyalty.program p ON p.id = a.program_id
  WHERE m.key = $1 AND p.code = $2);
END $$;

CREATE OR REPLACE FUNCTION loyalty_reference.spent(program text) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN RETURN (
  SELECT coalesce((SELECT jsonb_agg(jsonb_build_array(c.name, b.spent))
                   FROM loyalty_reference.counters_of($1) c JOIN loyalty.budget b ON b.id = c.id), '[]'));
END $$;
"""


# ---------------------------------------------------------------- who answers

class Database:
    """The ledger under test. Names get a prefix that is new for every run of a history."""

    def __init__(self, dsn):
        import psycopg2
        self.psycopg2 = psycopg2
        self.dsn = dsn
        self.connection = self.beside = None

    def connect(self):
        self.connection = self.psycopg2.connect(self.dsn)
        self.cursor = self.connection.cursor()
        self.cursor.execute("SET timezone = 'UTC'; SET synchronous_commit = off; "
                            "SET client_min_messages = warning; SET intervalstyle = postgres; SET datestyle = iso")
        self.connection.commit()

    def prepare(self):
        """Once, before the jobs start."""
        self.connect()
        self.cursor.execute("SELECT to_regnamespace('loyalty') IS NULL")
        if self.cursor.fetchone()[0]:
            self.cursor.execute('CREATE EXTENSION loyalty')
        self.cursor.execute(HELPERS)
        if ops.RULES:
            self.cursor.execute("SELECT to_regclass('loyalty.retired') IS NULL")
            if self.cursor.fetchone()[0]:               # an extension that forgets them
                self.cursor.execute("CREATE TABLE loyalty.retired (program_id integer, noun text, code text, id bigint)")
            self.cursor.execute(RULE_HELPERS)
        self.connection.commit()

    def begin(self, prefix, programs):
        self.prefix, self.counters = prefix, {}
        if self.connection is None or self.connection.closed:
            self.connect()
        self.connection.rollback()
        self.cursor.execute('RESET loyalty.lots_limit')
        for code, settings in programs.items():
            for sql in ops.program_inserts(code, settings, prefix):
                self.cursor.execute(sql)
            if ops.RULES:
                self.cursor.execute('SELECT id, name FROM loyalty_reference.counters_of(%s)', (prefix + code,))
                self.counters.update(self.cursor.fetchall())
        self.connection.commit()                        # for what is done beside

    def run_beside(self, sql):
        """In another session, which waits for nobody for long."""
        if self.beside is None:
            self.beside = self.psycopg2.connect(self.dsn)
            self.beside.autocommit = True
            self.beside.cursor().execute("SET timezone = 'UTC'; SET lock_timeout = '5s'")
        try:
            self.beside.cursor().execute(sql)
            return dict(error=None, message=None, result=None, states={})
        except self.psycopg2.Error as error:
            return dict(error=error.pgcode or 'lost', message=str(error), result=None, states={})

    def run(self, op, way, since):
        """`since`: {(member, program): entries known}. -> dict(error, message, result, states)."""
        if op['do'] == 'commit':
            self.connection.commit()
            return dict(error=None, message=None, result=None, states={})
        sql, yields = ops.command(op, self.prefix)
        if op.get('beside'):
            return self.run_beside(sql)
        who = list(since)
        try:
            self.cursor.execute(
                'SELECT loyalty_reference.run(%s, %s, %s, %s::text[], %s::text[], %s::bigint[])::text',
                (sql, yields, way, [self.prefix + w[0] for w in who], [self.prefix + w[1] for w in who],
                 [since[w] for w in who]))
            answer = json.loads(self.cursor.fetchone()[0], parse_float=Decimal)
        except self.psycopg2.Error as error:
            return dict(error=error.pgcode or 'lost', message=str(error), result=None, states={})
        answer['states'] = dict(zip(who, answer['states'] or []))
        for state in answer['states'].values():
            if state:
                self.tidy(state)
        if isinstance(answer['result'], dict) and 'parts' in answer['result']:
            answer['result']['parts'] = self.parts(answer['result']['parts'])
        if op['do'] == 'deploy' and not answer['error']:
            self.cursor.execute('SELECT id, name FROM loyalty_reference.counters_of(%s)', (self.prefix + op['code'],))
            self.counters.update(self.cursor.fetchall())
        return answer

    def tidy(self, state):
        """The form in which operations.py expects it."""
        account, member = state['account'], state['member']
        state['member'] = dict(birthday=member['birthday'], tags=member['tags'] or None,
                               attributes=sorted(map(list, (member['attributes'] or {}).items())) or None)
        if 'grants' in account:
            account['grants'] = sorted((g for g in account['grants'] or [] if g['last_day'] in (None, 'never')
                                        or g['last_day'] >= account['clock_on']), key=lambda g: g['seq'])
        for entry in state['entries']:
            entry['counterparty'] = self.name(entry['counterparty'])
            if entry.get('lines') and entry['kind'] == 'purchase':
                entry['line_points'] = [line.get('points') for line in entry['lines']]
            entry['parts'] = self.parts(entry.get('parts'))
            if entry.get('happened_on'):                # NULL means what it would be without rules
                entry['counts_from'] = entry['counts_from'] or entry['happened_on']
                whole = entry['due'] if entry['kind'] == 'refund' else entry['points']
                entry['qualified'] = [(whole or 0) if entry['qualifying'] is None else entry['qualifying']]
            charges = [(self.counters.get(c['id'], c['id']), c.get('on', '').replace('ever', '-infinity') or None, c.get('times') or 0, c.get('points') or 0)
                       for c in entry.get('charges') or []]
            entry['charges'] = sorted(([name, on or 'budget', times, points] for name, on, times, points in charges
                                       if times or points), key=str)

    def parts(self, parts):
        if parts and len(parts) == 1 and parts[0]['part'] == 'base':
            return None                                 # receipts show the part base alone, entries do not
        for part in parts or []:
            if part.get('qualifies') is not None:
                part['qualifies'] = 'yes' if part['qualifies'] else 'no'
        return parts or None

    def counted(self, who):
        """What a member's account has counted, for operations.expected_counted."""
        names = self.prefix + who[0], self.prefix + who[1]
        self.cursor.execute('SELECT loyalty_reference.counted(%s, %s)::text', names)
        found = json.loads(self.cursor.fetchone()[0], parse_float=Decimal)
        usage = sorted(([self.counters.get(u[0], u[0]), *u[1:]] for u in found['usage'] if u[2] or u[3]), key=str)
        tally = sorted((t[:5] + [Fraction(str(t[5]))] for t in found['tally'] if any(t[3:])), key=str)
        return dict(usage=usage, tally=tally, tallied=found['tallied'])

    def spent(self, program):
        self.cursor.execute('SELECT loyalty_reference.spent(%s)::text', (self.prefix + program,))
        return sorted(row for row in json.loads(self.cursor.fetchone()[0]) if row[1])

    def name(self, key):
        return key[len(self.prefix):] if key else key

    def rows(self, sql, args):
        try:
            self.cursor.execute(sql, args)
            return [dict(zip((c.name for c in self.cursor.description), row)) for row in self.cursor]
        except self.psycopg2.Error as error:
            return [dict(error=str(error))]

    def finish(self, accounts):
        """What verify() says of the episode's accounts, and what the view shows."""
        names = [(self.prefix + member, self.prefix + program) for member, program in accounts]
        wrong = [row for name in names for row in self.rows('SELECT * FROM loyalty.verify(%s, %s)', name)]
        shown = {}
        for key, name in zip(accounts, names):
            shown[key] = self.rows('SELECT balance, usable, pending, held, debt FROM loyalty.balances '
                                   'WHERE member = %s AND program = %s', name)
        self.connection.commit()
        return wrong, shown


class SecondModel:
    """A model in the database's place: to try out the runner, and to see that faults are found."""

    def __init__(self, make_ledger=m.Ledger):
        self.make_ledger = make_ledger

    def prepare(self):
        pass

    def begin(self, prefix, programs):
        self.ledger = self.make_ledger()
        for code, settings in programs.items():
            self.ledger.add_program(code, **settings)

    def run(self, op, way, since):
        answer = dict(error=None, message=None, result=None, states={})
        if op['do'] == 'commit':
            return answer
        if op.get('beside') and getattr(self.ledger, 'pausing_waits', False):
            return dict(answer, error='55P03')
        try:
            answer['result'] = expected_result(op, ops.apply(self.ledger, op, now()), self.ledger)
        except m.Refused as refused:
            answer['error'] = refused.code
        except AssertionError as error:                 # the model's own: a planted fault may break them
            answer.update(error='XX000', message=repr(error))
        for who, known in since.items():
            account = self.ledger.accounts.get(who)
            self.ledger.member_ids[who[0]] = number_of(who[0])
            answer['states'][who] = ops.expected_account(account, known) if account else None
            if account:
                answer['states'][who]['account']['member_id'] = number_of(who[0])
                answer['states'][who]['member'] = ops.expected_member(self.ledger.members[who[0]])
        return answer

    def counted(self, who):
        return dict(ops.expected_counted(self.ledger, who), tallied=True)

    def spent(self, program):
        return ops.expected_spent(self.ledger, program)

    def finish(self, accounts):
        return [], {who: [self.ledger.balance(*who, now())] for who in accounts}


def number_of(member):
    return int(member[1:]) + 7 if member[1:].isdigit() else 0


def now():
    return int((time.time() - 946684800) * m.SECOND)


def expected_result(op, result, ledger):
    if op['do'] == 'post':
        return None if op.get('undo') else ops.expected_receipt(result, op['style'])
    if op['do'] == 'preview':
        return ops.expected_preview(result)
    if op['do'] == 'read' and op['what'] == 'tiers_held':
        return ops.expected_tiers_held(result)
    if op['do'] == 'read' and op['what'] == 'tier_history':
        return ops.expected_tier_history(result)
    if op['do'] == 'read' and op['what'] == 'lots':
        then = ledger.as_of(op['member'], op['program'], op['at'])
        return ops.expected_lots(result, then.inactive_on)
    if op['do'] in ('read', 'unwound'):
        return [result]
    return result


# ---------------------------------------------------------------- comparing

class Difference(Exception):
    def __init__(self, where, want, have, message=None):
        super().__init__(f'{where}: expected {want!r}, the database says {have!r}'
                         + (f' ({message})' if message else ''))
        # what makes two differences the same one, for shortening: the place, and for errors the codes
        self.where = (where, str(want), str(have)) if where.endswith('.error') else where


def compare(where, want, have):
    """Everything that `want` names must be equal in `have`; no value is as good as 0 or {}."""
    if isinstance(want, dict):
        if not isinstance(have, dict):
            raise Difference(where, want, have)
        for name, value in want.items():
            there = have.get(name)
            if value is not there and (type(value) is not type(there) or value != there):
                compare(f'{where}.{name}', value, there)
    elif isinstance(want, list):
        if not isinstance(have, list) or len(want) != len(have):
            raise Difference(where + '.length', want, have)
        for one, other in zip(want, have):
            compare(where, one, other)
    elif isinstance(want, frozenset):
        if have not in want and have != want:
            raise Difference(where, set(want), have)
    elif isinstance(want, Fraction):
        if Fraction(str(have or 0)) != want:
            raise Difference(where, str(want), have)
    elif want != have and not (want in (0, '{}', None) and have in (0, '{}', None)):
        raise Difference(where, want, have)


class Invariants:
    """What must hold of the rows themselves, whatever the model says. Keeps sums per account."""

    def __init__(self):
        self.accounts = collections.defaultdict(
            lambda: dict(balance=0, lots=collections.Counter(), given={}, used={}))

    def check(self, who, state):
        books = self.accounts[who]
        for e in state['entries']:
            self.check_entry(books, e)
        account = state['account']
        lots = m.total(m.parse_lots(account['lots']))
        self.expect('balance = lots + held - debt', account['balance'],
                    lots + (account['held'] or 0) - account['debt'])
        self.expect('held = holds', account['held'] or 0, sum(h['points'] for h in state['holds']))
        self.expect('points in = points out', account['balance'], books['balance'])
        self.expect('lots = what came in less what went out', m.lots_text(books['lots']), account['lots'])
        if account['debt'] and account['usable']:
            raise Difference('S11: debt beside usable', 0, account['usable'])

    def check_entry(self, books, e):
        taken, gained, source, spared = (collections.Counter(m.parse_lots(e.get(n) or '{}'))
                                         for n in ('taken', 'gained', 'source', 'spared'))
        books['balance'] += e['points']
        self.expect('sum of points = balance', e['balance'], books['balance'])
        if e['debt'] and e['usable']:
            raise Difference('S11: debt beside usable', 0, e['usable'])
        for key, points in taken.items():
            books['lots'][key] -= points
        for key, points in gained.items():
            books['lots'][key] += points
        if min(books['lots'].values(), default=0) < 0:
            raise Difference('a lot below zero', None, m.lots_text(taken))
        books['lots'] = +books['lots']
        # nothing returned beyond what was given, nothing cancelled beyond what was used (S12, S15)
        if e['kind'] in m.EARNING:
            books['given'][e['seq']] = [e['points'], Fraction(str(e.get('amount') or 0))]
        if e['kind'] == 'refund':
            left = books['given'][e['of_seq']]
            left[0] -= e['due'] or 0
            left[1] -= Fraction(str(e.get('amount') or 0))
            if left[0] < 0 or left[1] < 0:
                raise Difference('returned beyond what was given', '>= 0', left)
            if min((p['due'] or 0 for p in e.get('parts') or []), default=0) < 0:
                raise Difference('a part below zero', '>= 0', e['parts'])
            self.expect('due = taken + owed + spared + written off', e['due'] or 0,
                        sum(taken.values()) + (e['owed'] or 0) + sum(spared.values()) + (e['written_off'] or 0))
        if e['kind'] == 'spend':
            books['used'][e['ref']] = sum(taken.values())
        if e['kind'] == 'capture':
            books['used'][e['ref']] = sum(source.values())
        if e['kind'] == 'cancel':
            books['used'][e['of_ref']] -= sum(source.values())
            if books['used'][e['of_ref']] < 0:
                raise Difference('cancelled beyond what was used', '>= 0', books['used'][e['of_ref']])

    def expect(self, what, one, other):
        if one != other:
            raise Difference(what, other, one)


class Runner:
    """One run of a history on the model and on a driver."""

    def __init__(self, driver, programs, prefix, ledger=None, tally=None):
        self.driver, self.tally = driver, tally if tally is not None else collections.Counter()
        self.ledger = ledger or m.Ledger()
        if ledger is None:
            for code, settings in programs.items():
                self.ledger.add_program(code, **settings)
        self.invariants = Invariants()
        self.steps = 0
        driver.begin(prefix, programs)

    def step(self, op):
        """Run one operation on both; raises Difference."""
        touched = ops.accounts_of(op) if op['do'] in ('post', 'set', 'settle', 'unwound') else []
        since = {who: self.seq(who) for who in touched}
        name = op.get('verb') or op['do']
        refused = want = None
        try:
            result = ops.apply(self.ledger, op, now())
            if op['do'] == 'set':
                name = 'set of ' + name
            else:
                want = expected_result(op, result, self.ledger)
        except m.Refused as error:
            refused = error
        way = 'undo' if op.get('undo') else 'protect' if refused else 'plain'
        have = self.driver.run(op, way, since)
        self.count(name, op, refused, want)
        self.tally.update('* ' + situation for situation in coverage.of_operation(self.ledger, op, refused))
        if refused:
            if have['error'] not in refused.codes:
                raise Difference(f'{name}.error', refused.codes, have['error'], have['message'])
        elif have['error']:
            raise Difference(f'{name}.error', None, have['error'], have['message'])
        elif want is not None:
            compare(name, want, have['result'])
        if op['do'] == 'unwound' and (have['result'][0]['balance'] > 0 or have['result'][0]['usable'] > 0):
            raise Difference('unwound.balance', '<= 0', have['result'])
        for who in touched:
            self.compare_account(name, who, since[who], have['states'].get(who))
        self.steps += 1
        if ops.RULES and (self.steps % 20 == 0 or op['do'] == 'unwound'):
            for who in touched:
                self.compare_counted(who, op)

    def compare_counted(self, who, op=None):
        """Usage, tallies and budgets; and S25 of the database's own rows: nothing over a cap."""
        if who not in self.ledger.accounts:
            return
        program, have = self.ledger.programs[who[1]], self.driver.counted(who)
        want = ops.expected_counted(self.ledger, who)
        if not have['tallied'] and not program.tiers:   # nobody asks there for tallies
            want['tally'] = []
        compare(f'counted {who[0]}', want, have)
        for name, _, times, points in have['usage']:
            kind, _, code = str(name).partition(':')
            row = {'rule': program.rules, 'cap': program.caps, 'benefit': program.benefits}.get(kind, {}).get(code, {})
            most_times = row.get('quota' if kind == 'benefit' else 'times_cap')
            most_points = row.get('points' if kind == 'cap' else 'points_cap')
            if (most_times is not None and times > most_times or kind != 'benefit' and most_points is not None
                    and points > most_points or times < 0 or points < 0):
                raise Difference('usage over a cap', row, [name, times, points])
        spent = self.driver.spent(who[1])
        compare(f'budgets {who[1]}', ops.expected_spent(self.ledger, who[1]), spent)
        for name, points in spent:
            kind, _, code = name.partition(':')
            row = (program.rules if kind == 'rule' else program.campaigns).get(code)
            most = row and row['budget']                # none where it is withdrawn
            if most is not None and points > most or points < 0:
                raise Difference('a budget over its limit', most, [name, points])
        if op and op['do'] == 'unwound':                # S14: everything was given back
            left = [u for u in have['usage'] if not str(u[0]).startswith('benefit')]
            wrote_off = any(e.written_off for e in self.ledger.accounts[who].entries)
            if left and not wrote_off:              # what was written off is used up, and so is its firing
                raise Difference('unwound: usage', [], left)
            if have['tally']:
                raise Difference('unwound: tallies', [], have['tally'])

    def seq(self, who):
        account = self.ledger.accounts.get(who)
        return account.seq if account else 0

    def compare_account(self, name, who, since, state):
        account = self.ledger.accounts.get(who)
        if account is None or state is None:
            if account is not state:
                raise Difference(f'{name}: account {who}', account, state)
            return
        if 'member_id' in state['account']:
            self.ledger.member_ids[who[0]] = state['account']['member_id']
        for e in account.entries[since:]:
            self.tally.update([f'(tier: {e.cause})'] if e.cause else [])
            self.tally.update('* ' + situation for situation in coverage.of_entry(self.ledger, account, e))
        compare(f'{name} {who[0]}', ops.expected_account(account, since), state)
        compare(f'{name}: member {who[0]}', ops.expected_member(self.ledger.members[who[0]]), state['member'])
        self.invariants.check(who, state)
        # account.due_at is a lower bound of the next instant at which anything falls due
        due = min(account.due_instants(), default=None)
        if 'due_at' in state['account'] and due is not None:
            due_at = state['account']['due_at']
            if due_at is None or due_at == 'infinity' or m.instant(due_at.replace('T', ' ')) > due:
                raise Difference('account.due_at', '<= ' + m.instant_text(due), due_at)

    def finish(self):
        """At the end of an episode."""
        accounts = list(self.ledger.accounts)
        wall = now()
        for who in accounts if ops.RULES else ():
            self.compare_counted(who)
        wrong, shown = self.driver.finish(accounts)
        if wrong:
            raise Difference('verify()', [], wrong[:5])
        for who in accounts:
            compare(f'balances {who}', [self.ledger.balance(*who, wall)], shown[who])

    def count(self, name, op, refused, want):
        """For --stats: what the history came to."""
        if refused:
            self.tally[f'{name} {refused.code}'] += 1
            return
        self.tally[name] += 1
        if op['do'] == 'post' and not op.get('undo') and want is not None:
            if isinstance(want, dict) and want.get('repeat'):
                self.tally['(repeat)'] += 1
                return
            entries = self.ledger.accounts[op['args']['member'], op['args']['program']].entries
            e = entries[want['entry'] - 1]
            for part in e.parts or []:
                if not part.alone:
                    self.tally['(part trimmed)' if part.given < part.computed else '(part)'] += 1
            for what in ('debt', 'written_off', 'made_good', 'expired', 'spared', 'owed'):
                if getattr(e, what):
                    self.tally[f'({what})'] += 1
            if e.kind == 'cancel' and e.expires_on:
                self.tally['(grace)'] += 1
            if e.at < e.clock:
                self.tally['(late)'] += 1


# ---------------------------------------------------------------- shortening a failing history

RUNS = [0]


def prefix_of(seed, episode):
    RUNS[0] += 1
    return f'r{seed}-{episode}-{os.getpid()}-{RUNS[0]}-'


def replay(driver, programs, operations, prefix):
    """Run a recorded history; (index, Difference) of the first difference, or None."""
    runner = Runner(driver, programs, prefix)
    for i, op in enumerate(operations):
        try:
            runner.step(op)
        except Difference as difference:
            return i, difference
        except (KeyError, AttributeError, AssertionError):     # a read of an account that is not there any more
            return None
    try:
        runner.finish()
    except Difference as difference:
        return len(operations), difference
    return None


def shorten(driver, programs, operations, where, prefix, seconds):
    """Drop operations while the same difference remains: the shortest failing prefix, then chunk by chunk."""
    deadline = time.time() + seconds

    def fails(candidate):
        found = replay(driver, programs, candidate, prefix())
        return candidate[:found[0] + 1] if found and found[1].where == where else None

    size = max(1, len(operations) // 2)
    while size and time.time() < deadline:
        start, dropped = 0, False
        while start < len(operations) and time.time() < deadline:
            shorter = fails(operations[:start] + operations[start + size:])
            if shorter is not None:
                operations, dropped = shorter, True
            else:
                start += size
        size = size if dropped and size == 1 else size // 2
    return operations


def script(programs, operations, prefix, difference):
    lines = [f'-- difference: {line}' for line in str(difference).splitlines()[:3]]
    lines += ["SET timezone = 'UTC';"]
    lines += [sql + ';' for code, s in programs.items() for sql in ops.program_inserts(code, s, prefix)]
    ledger = m.Ledger()
    for code, settings in programs.items():
        ledger.add_program(code, **settings)
    for op in operations:
        lines.append(ops.script_line(op, prefix))
        try:
            expected = expected_result(op, ops.apply(ledger, op, now()), ledger)
        except m.Refused as refused:
            expected = refused.code
        if expected is not None:
            lines.append(f'--   expected: {expected}')
    return '\n'.join(lines)


# ---------------------------------------------------------------- episodes and jobs

def episode(driver, seed, number, length, options, tally):
    """Run one episode. Returns (operations done, None or the report of a difference)."""
    story = history.History(f'{seed}/{number}', length, now(), rules=ops.RULES)
    prefix = prefix_of(seed, number)
    runner = Runner(driver, story.programs_at_start, prefix, story.ledger, tally)
    done = []
    try:
        for op in story.operations():
            done.append(op)
            runner.step(op)
        runner.finish()
    except Difference as difference:
        report = [f'difference in episode {number} of seed {seed}, operation {len(done)}: {difference}']
        report.append('shortening ...')
        shorter = shorten(driver, story.programs_at_start, done, difference.where,
                          lambda: prefix_of(seed, number), options.shrink)
        last = replay(driver, story.programs_at_start, shorter, prefix_of(seed, number))
        report.append(f'-- {len(shorter)} of {len(done)} operations left; seed {seed}, episode {number}')
        report.append(script(story.programs_at_start, shorter, f's{os.getpid()}-', last[1] if last else difference))
        return len(done), '\n'.join(report)
    return len(done), None


def job(options, number, queue):
    driver = make_driver(options)
    share = options.operations // options.jobs
    done, tally, at = 0, collections.Counter(), options.first + number
    differences = 0
    while done < share:
        length = history.length_of(options.seed, at, share - done)
        try:
            count, report = episode(driver, options.seed, at, length, options, tally)
        except Exception as error:                              # the runner or a planted fault failed: say where
            import traceback
            queue.put(('broken', at, 0, f'broken in episode {at} of seed {options.seed}: {error!r}\n'
                       + traceback.format_exc()))
            break
        done += count
        queue.put(('episode', at, count, report))
        if report:
            differences += 1
            if differences >= options.differences:
                break
        if options.episode is not None:
            break
        at += options.jobs
    queue.put(('end', number, tally, None))


def make_driver(options):
    if options.model is None:
        return Database(options.dsn)
    import faults
    return SecondModel(faults.FAULTS[options.model] if options.model else m.Ledger)


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--dsn', default='')
    p.add_argument('--operations', type=int, default=20000)
    p.add_argument('--seed', default=str(int(time.time())))
    p.add_argument('--jobs', type=int, default=2)
    p.add_argument('--episode', type=int, help='only this episode')
    p.add_argument('--differences', type=int, default=1, help='go on until each job has found so many')
    p.add_argument('--shrink', type=int, default=60, help='seconds to shorten a failing history')
    p.add_argument('--stats', action='store_true', help='count what the histories came to')
    p.add_argument('--no-sweep', action='store_true', help='do not sweep and verify the whole database at the end')
    p.add_argument('--model', nargs='?', const='', default=None, metavar='FAULT',
                   help='a second model instead of the database, with a planted fault')
    p.add_argument('--core', action='store_true', help='programs without rules, and an extension that has none')
    options = p.parse_args()
    ops.RULES = not options.core
    options.first = 0
    if options.episode is not None:
        options.jobs, options.first, options.differences = 1, options.episode, 1
    return options


def sweep_and_verify(options):
    """S28, S30: the sweeper changes no figure that a read shows; verify() of everything is silent."""
    database = Database(options.dsn)
    database.connect()
    database.connection.autocommit = True
    one = database.cursor
    one.execute('CREATE TEMP TABLE before AS SELECT * FROM loyalty.balances')
    one.execute('CALL loyalty.sweep()')
    one.execute('SELECT count(*) FROM (SELECT * FROM before EXCEPT SELECT * FROM loyalty.balances) AS d')
    changed = one.fetchone()[0]
    one.execute('SELECT * FROM loyalty.verify() LIMIT 20')
    wrong = one.fetchall()
    if changed:
        print(f'difference: the sweeper changed {changed} rows of loyalty.balances')
    for row in wrong:
        print('difference: verify() says', row)
    return bool(changed) + bool(wrong)


def report_coverage(tally, done):
    """How often each situation of coverage.py was met; in a long run, one that never was is a failure."""
    lines, missing = coverage.table(tally)
    print('situations, and how often each was met:', *lines, sep='\n')
    for name in missing if done >= coverage.LONG else ():
        print(f'difference: in {done} operations there was never: {name}')
    return len(missing) if done >= coverage.LONG else 0


def main():
    options = arguments()
    print(f'reference: seed {options.seed}, {options.operations} operations, {options.jobs} jobs', flush=True)
    make_driver(options).prepare()
    queue = multiprocessing.Queue()
    jobs = [multiprocessing.Process(target=job, args=(options, i, queue)) for i in range(options.jobs)]
    for j in jobs:
        j.start()
    done = episodes = differences = broken = ended = 0
    tally, started, shown = collections.Counter(), time.time(), 0
    while ended < len(jobs):
        what, number, count, report = queue.get()
        if what == 'end':
            ended += 1
            tally += count
            continue
        done, episodes = done + count, episodes + 1
        if report:
            broken += what == 'broken'
            differences += what == 'episode'
            print(report, flush=True)
        if time.time() - shown > 10:
            shown = time.time()
            print(f'{done} operations, {episodes} episodes, {done / (shown - started + 0.001):.0f}/s', flush=True)
    for j in jobs:
        j.join()
    if options.model is None and not options.no_sweep:
        differences += sweep_and_verify(options)
    if options.stats:
        for name, count in sorted(tally.items()):
            if not name.startswith('* '):
                print(f'{count:9d}  {name}')
    if ops.RULES and options.episode is None and not differences and not broken:
        differences += report_coverage(tally, done)
    print(f'reference: {done} operations, {episodes} episodes, {differences} differences'
          + f', {broken} times broken' * bool(broken) + f' (seed {options.seed})')
    sys.exit(2 if broken else 1 if differences else 0)


if __name__ == '__main__':
    main()
