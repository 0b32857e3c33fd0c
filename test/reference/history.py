"""Random histories: one episode is some programs and members and a list of operations.

The generator looks at the model while it goes, so that what it asks for is often just
possible, or just not: all that is usable, one point more, the last of a return, the
instant at which a lot ends. Every operation is concrete, so a recorded list can be
replayed, and shortened, without the generator.
"""
import random
from decimal import Decimal
from fractions import Fraction

import configure
import model as m
import tiers

ZONES = ['UTC', 'UTC', 'Asia/Shanghai', 'America/Havana', 'Asia/Beirut', 'Europe/London', 'Pacific/Apia']

EXPIRIES = ['never', '0 days', '1 days', '5 days', '20 days', '60 days', '1 months', '2 months', '3 months',
            '12 months', '1 months to end of month', '6 months to end of month', '2 months to end of quarter',
            '3 months to end of half-year', '1 months to end of year', '10 days to end of month',
            '12 months to next 03-01', '1 months to next 06-30 12-31', '0 days to next 03-01 09-15',
            'end of year', 'end of year + 1', 'each 06-30 12-31', 'each 01-15 04-15 07-15 10-15',
            '1 months inactive', '2 months inactive', '6 months inactive']

POLICIES = ['debt', 'debt', 'debt', 'active_only', 'clamp', 'clamp', 'pending_only', 'reject']


def expiry_text(rng):
    return rng.choice(EXPIRIES)


def length_of(seed, episode, most):
    """How many operations an episode has."""
    return min(random.Random(f'length {seed}/{episode}').randint(150, 900), max(most, 50))


class History:
    def __init__(self, seed, operations, wall, rules=True):
        self.rng = rng = random.Random(seed)
        self.ledger = m.Ledger()            # the runner applies every operation to it
        self.length = operations
        self.wall = wall
        # 'unwind': nothing by hand is given: no corrections, transfers, reinstating, freezes;
        # and one policy for spent points throughout (clamp and pending_only may leave what they wrote off)
        self.unwind = rng.choice(['debt', 'debt', 'active_only']) if rng.random() < 0.3 else None
        start = rng.choice([2010, 2011, 2015, 2017, 2018, 2019, 2019, 2019])
        self.now = m.instant(f'{start}-01-01 00:00') + rng.randrange(365) * m.DAY + rng.randrange(m.DAY)
        self.programs = {f'P{i}': self.settings() for i in range(rng.choice([1, 2, 2, 3]))}
        self.rules = rules
        # half of the episodes look closely at something
        self.flavour = rng.choice(configure.FLAVOURS) if rules and rng.random() < 0.5 else None
        for settings in self.programs.values():
            if rules and rng.random() < 0.85:
                configure.configure(rng, settings, self.now, self.unwind is not None, self.flavour)
        for code, settings in self.programs.items():
            self.ledger.add_program(code, **settings)
        self.programs_at_start = {code: dict(s) for code, s in self.programs.items()}
        self.members = [f'M{i}' for i in range(rng.randint(3, 6))]
        self.people = {member: configure.person(rng) if rules else {} for member in self.members}
        self.accounts = [(member, code) for member in self.members for code in self.programs]
        self.weights = [rng.choice([1, 1, 2, 5, 25]) for _ in self.accounts]
        self.pace = rng.choice([0.1, 0.3, 0.6, 1] + [1, 3, 3] * rules) if self.flavour != 'lines' else 1
        self.counter = 0
        self.refs, self.used = [], set()    # and for which acts
        self.posted = []                    # operations that were posted, to be repeated
        self.next = []                      # what comes next, each made when it is its turn
        self.withdrawn = []                 # operations that deploy again what was deleted
        self.written = set()                # programs of which this transaction has written the configuration
        self.lots_limit = rng.choice([4, 5, 8, 16]) if rng.random() < 0.2 else None

    # ---------------------------------------------------------------- settings

    def settings(self):
        rng = self.rng
        s = dict(timezone=rng.choice(ZONES))
        for name in ('earning', 'rounding', 'expiry', 'pending_days', 'cap', 'on_spent_return',
                     'cancel_grace_days', 'hold_limit', 'limits', 'fee'):
            s.update(self.setting(name))
        return s

    def setting(self, name):
        rng = self.rng
        if name == 'earning':
            if rng.random() < 0.3:
                return dict(block_amount=rng.choice(['2.00', '5.00', '7.50']), block_points=rng.choice([1, 3, 10]))
            return dict(block_amount=None, block_points=None, base_rate=rng.choice(['1', '1.5', '2', '0.333']),
                        per_amount=rng.choice(['1.00', '1.00', '3.00']))
        if name == 'rounding':
            return dict(rounding=rng.choice(['floor', 'half_up', 'ceil']))
        if name == 'expiry':
            return dict(expiry=expiry_text(rng))
        if name == 'pending_days':
            return dict(pending_days=rng.choice([0, 0, 0, 0, 1, 3, 14, None, None]))
        if name == 'cap':
            return dict(balance_cap=rng.choice([None, None, None, 20, 60, 150, 400]),
                        on_balance_cap=rng.choice(['trim', 'trim', 'reject']))
        if name == 'on_spent_return':
            return dict(on_spent_return=self.unwind or rng.choice(POLICIES))
        if name == 'cancel_grace_days':
            return dict(cancel_grace_days=rng.choice([0, 1, 5, 30, 30]))
        if name == 'hold_limit':
            return dict(hold_limit=rng.choice(['1 hours', '48 hours', '168 hours', '720 hours', '720 hours',
                                               '2000 hours']))
        if name == 'limits':
            return dict(transfers_per_year=rng.choice([None, None, None, 3, 8]),
                        points_per_transfer_year=rng.choice([None, None, None, 100]),
                        transfer_membership_days=rng.choice([0, 0, 0, 30]),
                        transfer_usable_days=rng.choice([0, 0, 0, 2]))
        return dict(transfer_fee=rng.choice([0, 0, 1, 5]))

    # ---------------------------------------------------------------- the episode

    def operations(self):
        if self.lots_limit:
            yield dict(do='limit', lots=self.lots_limit)
        for member, code in self.accounts:
            if self.rng.random() < 0.97:
                yield self.post('enroll', member=member, program=code, at=self.now,
                                **self.args_enroll((member, code), None, self.now))
                self.tick()
        made = 0
        while made < self.length:
            self.tick()
            op = self.next.pop(0)() if self.next else self.some_operation()
            if op is not None:
                made += 1
                self.note_transaction(op)
                if op['do'] == 'post' and not op.get('undo'):
                    self.posted.append(op)
                yield op
        if self.unwind:
            yield from self.unwinding()

    def note_transaction(self, op):
        """Rows that this transaction wrote are not to be written beside it."""
        if op['do'] == 'commit':
            self.written = set()
        if op['do'] in ('program', 'config', 'withdraw', 'deploy') and not op.get('beside'):
            self.written.add(op['code'])

    def tick(self):
        """Time moves on: mostly a little, sometimes far, sometimes exactly to where something falls due."""
        rng = self.rng
        dice = rng.random()
        if dice < 0.15:
            return
        if dice < 0.60:
            step = rng.randrange(3 * m.HOUR)
        elif dice < 0.85:
            step = rng.randrange(40) * m.HOUR
        elif dice < 0.93:
            step = rng.randrange(12) * m.DAY + rng.randrange(m.DAY)
        elif dice < 0.935:
            step = rng.randrange(90) * m.DAY
        else:
            account = self.account(self.pick())
            if account is None:
                return
            due = [t + rng.choice([-1, 0, 0, 1]) for t in account.due_instants()]
            due = [t for t in due if self.now < t < min(self.now + 40 * m.DAY, self.wall - 2 * m.DAY)]
            if due:
                self.now = min(due) if rng.random() < 0.7 else rng.choice(due)
            return
        step = int(step * self.pace)
        if rng.random() < 0.5:
            step -= step % m.SECOND
        if self.now + step < self.wall - 2 * m.DAY:
            self.now += step

    def pick(self):
        return self.rng.choices(self.accounts, self.weights)[0]

    def account(self, who):
        return self.ledger.accounts.get(who)

    def when(self):
        """`at` of a posting: mostly now; a late arrival now and then (S27)."""
        rng = self.rng
        dice = rng.random()
        if dice < 0.85:
            return self.now
        if dice < 0.93:
            return self.now - rng.randrange(2 * m.DAY)
        if dice < 0.99:
            return self.now - rng.randrange(90) * m.DAY
        return self.now - rng.randrange(900) * m.DAY

    def ref(self, verb):
        """A new ref, or one that other acts have used, as the number of an order may be."""
        act, rng = m.act_of(verb), self.rng
        if self.refs and rng.random() < 0.2:
            ref = rng.choice(self.refs[-20:])
            if (act, ref) not in self.used:
                self.used.add((act, ref))
                return ref
        self.counter += 1
        ref = f'{verb}-{self.counter}'
        self.refs.append(ref)
        self.used.add((act, ref))
        return ref

    def post(self, verb, **args):
        rng = self.rng
        style = 'view' if rng.random() < 0.15 else 'call'
        op = dict(do='post', verb=verb, args=args, style=style)
        if rng.random() < 0.02:
            op['undo'] = True
        return op

    WEIGHTS = dict(purchase=15, award=11, confirm=6, spend=18, hold=9, capture=9, release=5, refund=16,
                   cancel=12, adjust=4, extend=3.5, reinstate=4.5, transfer=4.5, freeze=0.7, unfreeze=0.5,
                   enroll=0.5, settle=1.5, read=5, again=4, reused=2, malformed=2.5, astray=1.5, several=4,
                   change=1.2, commit=0.7, activity=7, grant_tier=1.5, end_grant=1, use_benefit=2, preview=1.5,
                   configured=1, redeployed=1, stopped=0.7, read_tiers=1.2, raised=0.1, propped=0.2)
    WITH_RULES = ('activity', 'grant_tier', 'end_grant', 'use_benefit', 'preview', 'configured', 'redeployed', 'stopped',
                  'read_tiers', 'raised', 'propped')
    CLOSELY = {'lines': dict(purchase=30, refund=30), 'waiting': dict(activity=15, confirm=16, refund=24),
               'rolling': dict(purchase=25, refund=25, activity=12, adjust=8, configured=4, raised=6, propped=4)}
    BY_HAND = ('adjust', 'transfer', 'reinstate', 'freeze', 'unfreeze', 'propped')

    def some_operation(self):
        kinds = [k for k in self.WEIGHTS if not (self.unwind and k in self.BY_HAND)
                 and (self.rules or k not in self.WITH_RULES)]
        who = self.pick()
        account = self.account(who)
        if account is None:
            if self.rng.random() < 0.1:
                return self.post('enroll', member=who[0], program=who[1], at=self.when(), **self.args_enroll(who, None, 0))
            return self.posting('award', who, None, self.now) if self.rng.random() < 0.1 else None
        closely = self.CLOSELY.get(self.flavour, {})
        weights = [closely.get(k, self.WEIGHTS[k]) for k in kinds]
        if account.frozen and 'unfreeze' in kinds:
            weights[kinds.index('unfreeze')] = 12
        if account.holds:
            weights[kinds.index('capture')] = 20
        kind = self.rng.choices(kinds, weights)[0]
        if kind in ('settle', 'read', 'again', 'reused', 'malformed', 'astray', 'several', 'change', 'commit',
                    'preview', 'configured', 'redeployed', 'stopped', 'read_tiers', 'raised', 'propped'):
            return getattr(self, kind)(who, account)
        at = self.when()
        if kind == 'transfer' and self.rng.random() < 0.05:
            at = account.opened_at - self.rng.choice([1, m.DAY, 27 * m.DAY])
        if kind == 'use_benefit' and self.rng.random() < 0.2:
            at = self.rng.choice(account.entries).clock
        return self.posting(kind, who, account, at)

    # ---------------------------------------------------------------- postings

    def posting(self, verb, who, account, at):
        """A sensible posting of that verb, or None where there is nothing to do it to."""
        peek = account.copy() if account else None
        if peek:
            peek.settle(max(at, peek.clock))
        args = getattr(self, 'args_' + verb)(who, peek, at)
        if args is None:
            return None
        op = self.post(verb, member=who[0], **args)
        op['args'].update(at=at, program=who[1])
        if verb in ('purchase', 'award', 'spend', 'activity') and self.rng.random() < 0.25:
            op['args'].update(channel=self.rng.choice(['app', 'web']), store='s1', brand='b',
                              attributes={'table': self.rng.randrange(9)})
        if verb not in ('purchase', 'activity', 'enroll', 'confirm', 'capture', 'release') and self.rng.random() < 0.2:
            op['args']['reason'] = "because it's so"
        return op

    def args_enroll(self, who, account, at):
        """Mostly what is known of the member; now and then less, more, or something else."""
        args = dict(self.people[who[0]])
        if self.rules and self.rng.random() < 0.3:
            for name in list(args):
                if self.rng.random() < 0.5:
                    del args[name]
            args.update(configure.person(self.rng))
            if self.rng.random() < 0.3:
                args['attributes'] = {**args.get('attributes', {}), 'size': self.rng.choice(['s', 'm'])}
        return args

    def small(self, most=40):
        return self.rng.randint(1, most)

    def args_purchase(self, who, account, at):
        rng = self.rng
        if rng.random() < (0.2 if self.flavour == 'lines' else 0.5):
            amount = Decimal(rng.choice([0, 100, 999, 1000, 1990, 5000, 30000, rng.randrange(6000)])) / 100
            return dict(amount=str(amount), ref=self.ref('purchase'))
        lines = []
        for i in range(rng.randint(1, 4)):
            quantity = rng.choice([1, 1, 2, 4, 5])
            amount = Decimal(rng.choice([0, 1000, 1000, 2000, rng.randrange(2500)])) / 100
            lines.append(dict(sku='ABCD'[i] if rng.random() < 0.9 else 'A', quantity=quantity, amount=amount))
            if rng.random() < 0.6:
                lines[-1]['category'] = rng.choice(['food', 'toys'])
        return dict(amount=str(sum(line['amount'] for line in lines)), ref=self.ref('purchase'), lines=lines)

    def args_activity(self, who, account, at):
        args = dict(activity=self.rng.choice(configure.ACTIVITIES), ref=self.ref('activity'))
        if self.rng.random() < 0.3:
            args['amount'] = str(Decimal(self.rng.randrange(6000)) / 100)
        return args

    def args_grant_tier(self, who, account, at):
        rng, tiers = self.rng, list(self.ledger.programs[who[1]].tiers)
        if not tiers or not account:
            return None
        day, today = account.zone.day_of(at), account.zone.day_of(max(at, account.clock))
        args = dict(tier=rng.choice(tiers) if rng.random() < 0.97 else 'nobody', last_day=None, ref=self.ref('grant_tier'))
        if rng.random() < 0.5:
            args['first_day'] = day + rng.choice([0, 0, 1, 5, 30])
        if rng.random() < 0.8:
            args['last_day'] = max(today, args.get('first_day', day)) + rng.choice([0, 1, 10, 10, 40, 200])
        return args

    def args_end_grant(self, who, account, at):
        grants = [e.ref for e in account.entries if e.kind == 'grant_tier']
        open_ones = [account.entries[g.seq - 1].ref for g in account.grants]
        if self.rng.random() < 0.9:
            grants = open_ones
        return dict(of_ref=self.rng.choice(grants), ref=self.ref('end_grant')) if grants else None

    def args_use_benefit(self, who, account, at):
        benefits = list(self.ledger.programs[who[1]].benefits)
        if not benefits:
            return None
        args = dict(benefit=self.rng.choice(benefits) if self.rng.random() < 0.97 else 'none', ref=self.ref('use_benefit'))
        if self.rng.random() < 0.3:
            args['quantity'] = self.rng.choice([1, 2, 3])
        return args

    def args_award(self, who, account, at):
        args = dict(points=self.small(), ref=self.ref('award'))
        rng = self.rng
        if rng.random() < 0.25:
            args['pending'] = True
        if rng.random() < (0.6 if self.flavour == 'rolling' else 0.15):
            args['qualifies'] = rng.random() < 0.2
        if rng.random() < 0.2:
            day = m.zone(self.ledger.programs[who[1]].timezone).day_of(at)
            args['expires_on'] = m.NEVER if rng.random() < 0.15 else day + rng.choice([0, 0, 1, 3, 10, 40])
            if rng.random() < 0.05:
                args['expires_on'] = day - 1
        return args

    def args_confirm(self, who, account, at):
        waiting = [e for e in account.entries if e.expiry is not None or e.counts_from == m.NEVER]
        if self.rng.random() < 0.03:
            waiting = [e for e in account.entries if e.kind in m.EARNING]
        done = {e.of_seq for e in account.entries if e.kind == 'confirm'}
        fresh = [e for e in waiting if e.seq not in done]
        found = fresh if fresh and self.rng.random() < 0.95 else waiting
        return dict(of_ref=self.rng.choice(found[-8:]).ref, ref=self.ref('confirm')) if found else None

    def some_points(self, usable):
        """All of it, one too many, or a few."""
        dice = self.rng.random()
        if dice < 0.15 and usable:
            return usable
        if dice < 0.22:
            return usable + 1
        return self.small(max(1, min(60, usable)))

    def nothing_there(self, account):
        """Mostly nobody asks for points where there are none."""
        return account.usable == 0 and self.rng.random() < 0.8

    def args_spend(self, who, account, at):
        if self.nothing_there(account):
            return None
        return dict(points=self.some_points(account.usable), ref=self.ref('spend'))

    def args_hold(self, who, account, at):
        rng = self.rng
        if self.nothing_there(account):
            return None
        args = dict(points=self.some_points(account.usable), ref=self.ref('hold'))
        clock = max(at, account.clock)
        limit = self.ledger.programs[who[1]].hold_limit_length()
        dice = rng.random()
        if dice < 0.10:
            args['until'] = m.FOREVER
        elif dice < 0.14:
            args['until'] = clock + limit + rng.choice([0, 1])
        elif dice < 0.17:
            args['until'] = clock - rng.choice([0, 1])
        elif dice < 0.65:
            args['until'] = clock + rng.randrange(1, limit)
        return args

    def some_hold(self, account):
        refs = [h.ref for h in account.holds]
        if not refs and self.rng.random() < 0.85:
            return None
        if not refs or self.rng.random() < 0.06:
            refs = [e.ref for e in account.entries if e.kind == 'hold'][-5:]
        return self.rng.choice(refs) if refs else None

    def args_capture(self, who, account, at):
        ref = self.some_hold(account)
        if ref is None:
            return None
        held = sum(m.total(h.lots) for h in account.holds if h.ref == ref)
        args = dict(of_ref=ref, ref=self.ref('capture'))
        if self.rng.random() < 0.75:
            args['points'] = self.some_points(held)
        return args

    def args_release(self, who, account, at):
        ref = self.some_hold(account)
        return None if ref is None else dict(of_ref=ref, ref=self.ref('release'))

    def args_refund(self, who, account, at):
        rng = self.rng
        given = [e for e in account.entries if e.kind in m.EARNING]
        closed = {e.of_seq for e in account.entries if e.kind == 'refund' and e.is_last}
        if rng.random() < 0.96:
            given = [e for e in given if e.seq not in closed]
        if not given:
            return None
        award = rng.choice(given[-12:] if rng.random() < 0.8 else given)
        args = dict(of_ref=award.ref, ref=self.ref('refund'))
        if award.kind != 'purchase' or not award.amount or rng.random() < 0.25:
            return args
        returns = [e for e in account.entries if e.kind == 'refund' and e.of_seq == award.seq]
        rest = award.amount - sum(e.amount for e in returns)
        modes = [e.return_mode for e in returns if e.return_mode]
        choices = ['amount'] if not award.lines else ['amount', 'lines'] + ['lines'] * 3 * (self.flavour == 'lines')
        mode = modes[0] if modes else rng.choice(choices)
        if rng.random() < 0.04:
            mode = 'lines' if mode == 'amount' and award.lines else 'amount'
        if mode == 'amount':
            cents = int(rest * 100)
            amount = Decimal(rng.choice([cents, cents + 1, cents - 1, 100, cents // 2,
                                         rng.randint(1, max(1, cents))])) / 100
            if amount > 0:
                args['amount'] = str(amount)
            return args
        lines = self.lines_to_return(award, returns)
        if 'amount' in modes:                           # the first return decided otherwise: refused
            lines = [dict(line=1, amount=Decimal('0.01'))]
        if lines:
            args['lines'] = lines
        return args

    def lines_to_return(self, award, returns):
        """Some lines by quantity, money or all the rest; by number or by a sku that is unique."""
        rng = self.rng
        asked = []
        for number, line in enumerate(award.lines, 1):
            back = sum((e.by_line or {}).get(number, 0) for e in returns)
            rest = Fraction(str(line['amount'])) - back
            if rest <= 0 or rng.random() < 0.4:
                continue
            item = dict(line=number)
            if rng.random() < 0.2 and [x['sku'] for x in award.lines].count(line['sku']) == 1:
                item = dict(sku=line['sku'])
            dice = rng.random()
            if dice < 0.4:
                item['quantity'] = rng.randint(1, line['quantity'])
            elif dice < 0.7:
                cents = int(rest * 100)
                item['amount'] = Decimal(rng.choice([max(1, cents), rng.randint(1, cents + 1)])) / 100
            asked.append(item)
        return asked

    def args_cancel(self, who, account, at):
        rng = self.rng
        uses = []
        for e in account.entries:
            if e.kind in ('spend', 'capture'):
                used = m.total(e.taken if e.kind == 'spend' else e.source)
                back = sum(m.total(c.source) for c in account.entries if c.kind == 'cancel' and c.of_seq == e.seq)
                if used > back or rng.random() < 0.02:
                    uses.append((e.ref, used - back))
        if not uses:
            return None
        ref, left = rng.choice(uses[-6:] if rng.random() < 0.6 else uses)
        args = dict(of_ref=ref, ref=self.ref('cancel'))
        if rng.random() < 0.6:
            args['points'] = self.some_points(left)
        return args

    def args_adjust(self, who, account, at):
        if self.rng.random() < 0.5:
            return dict(points=self.small(), ref=self.ref('adjust'))
        args = dict(points=-self.some_points(account.usable), ref=self.ref('adjust'))
        if self.rng.random() < 0.5:
            args['allow_debt'] = True
        return args

    def args_extend(self, who, account, at):
        rng = self.rng
        today = account.zone.day_of(max(at, account.clock))
        to = today + rng.choice([0, 1, 2, 10, 30, 30, 100])
        if rng.random() < 0.05:
            to = m.NEVER
        args = dict(last_day=to, ref=self.ref('extend'))
        dates = [account.last_day_of(k) for k in account.lots if k.expires != m.NEVER]
        if dates and rng.random() < 0.3:
            args['of_last_day'] = rng.choice(dates)
        return args

    def args_reinstate(self, who, account, at):
        there = sum(n for _, n in account.reinstatable())
        if not there and self.rng.random() < 0.9:
            return None
        today = account.zone.day_of(max(at, account.clock))
        to = self.rng.choice([today, today + 1, today + 10, today + 10, today + 60, today - 1, m.NEVER])
        return dict(points=self.some_points(there), last_day=to, ref=self.ref('reinstate'))

    def args_transfer(self, who, account, at):
        if self.nothing_there(account):
            return None
        others = [member for member in self.members if member != who[0] or self.rng.random() < 0.05]
        fee = self.ledger.programs[who[1]].transfer_fee
        points = max(1, self.some_points(account.usable) - self.rng.choice([0, fee]))
        return dict(to_member=self.rng.choice(others), points=points, ref=self.ref('transfer'))

    def args_freeze(self, who, account, at):
        args = dict(mode=self.rng.choice(['spending', 'earning', 'all']), ref=self.ref('freeze'))
        if self.rng.random() < 0.7:
            args['until'] = max(at, account.clock) + self.rng.choice([0, 1, m.HOUR, 2 * m.DAY, 6 * m.DAY])
        return args

    def args_unfreeze(self, who, account, at):
        if account.frozen is None and self.rng.random() < 0.7:
            return None
        return dict(ref=self.ref('unfreeze'))

    # ---------------------------------------------------------------- other operations

    def settle(self, who, account):
        return dict(do='settle', args=dict(member=who[0], at=self.when(), program=who[1]))

    def read(self, who, account):
        """Some time between the first entry and well ahead of now, often the instant where something ends."""
        rng = self.rng
        first, dice = account.entries[0].clock, rng.random()
        if dice < 0.3:
            at = rng.choice(account.entries).clock + rng.choice([-1, 0, 0, m.HOUR])
        elif dice < 0.6:
            at = rng.choice(account.due_instants() or [self.now]) + rng.choice([-1, 0, 0, 1])
        else:
            at = self.now + rng.randrange(-60, 200) * m.DAY + rng.randrange(m.DAY)
        at = min(max(at, first), self.wall - m.DAY)
        return dict(do='read', what=rng.choice(['balance', 'lots']), member=who[0], program=who[1], at=at)

    def again(self, who, account):
        """The very same request again (S26)."""
        if not self.posted:
            return None
        op = self.rng.choice(self.posted[-40:] if self.rng.random() < 0.7 else self.posted)
        args = dict(op['args'])
        if '.' in (args.get('amount') or ''):
            args['amount'] += '0'                       # 12.50 = 12.500
        return dict(op, args=args, style=self.rng.choice(['call', 'call', 'view']))

    def reused(self, who, account):
        """A ref that was used before, with something else."""
        used = [op for op in self.posted if op['args'].get('program') == who[1]
                and op['args'].get('ref') and op['verb'] not in ('enroll', 'grant_tier')]
        if not used:
            return None
        op = self.rng.choice(used)
        args = dict(op['args'])
        if args.get('points') and self.rng.random() < 0.5:
            args['points'] += 1
        elif self.rng.random() < 0.5 and op['verb'] != 'capture':
            args = dict(member=args['member'], points=3, ref=args['ref'], program=args['program'],
                        at=args['at'])
            return self.post('award', **args)
        else:
            args['at'] = self.now
            if op['verb'] in ('hold', 'freeze'):
                return None
        return dict(op, args=args, style='call')

    MALFORMED = [('award', dict(points=0)), ('award', dict(points=-5)), ('award', dict(points=None)),
                 ('award', dict(ref='')), ('award', dict(ref=None)), ('award', dict(ref='x' * 256)),
                 ('award', dict(points=10 ** 15 + 1)), ('award', dict(member=None)), ('spend', dict(points=-1)),
                 ('spend', dict(points=None)), ('spend', dict(ref='')), ('hold', dict(points=0)),
                 ('purchase', dict(amount='-0.01')), ('purchase', dict(amount='NaN')),
                 ('purchase', dict(amount=None)), ('purchase', dict(amount='1000000000000000')),
                 ('purchase', dict(amount='1.1234567890123')), ('purchase', dict(ref=None)),
                 ('adjust', dict(points=0)), ('adjust', dict(points=None)),
                 ('freeze', dict(mode='sometimes')), ('freeze', dict(mode=None)),
                 ('transfer', dict(points=0)), ('transfer', dict(to_member=None)),
                 ('extend', dict(last_day=None)), ('reinstate', dict(points=-1, last_day=9000)),
                 ('reinstate', dict(last_day=None, points=1)), ('refund', dict(of_ref=None)), ('cancel', dict(of_ref='')),
                 ('confirm', dict(of_ref=None)), ('confirm', dict(of_ref='x', ref=None)), ('capture', dict(of_ref=None)),
                 ('capture', dict(of_ref='x', ref=None)), ('release', dict(of_ref='')), ('release', dict(of_ref='x', ref='')),
                 ('capture', dict(points=0, of_ref='hold-1'))]
    MALFORMED_RULES = [('activity', dict(activity='')), ('activity', dict(activity='purchase')),
                       ('activity', dict(activity=None)), ('activity', dict(amount='-1')), ('activity', dict(ref=None)),
                       ('grant_tier', dict(tier=None)), ('grant_tier', dict(ref='')), ('end_grant', dict(of_ref=None)),
                       ('use_benefit', dict(benefit=None)), ('use_benefit', dict(quantity=0))]

    def malformed(self, who, account):
        rng = self.rng
        if rng.random() < 0.15:                         # later than the clock on the wall
            args = dict(points=5, ref=self.ref('award'))
            op = self.post('award', member=who[0], **args)
            op['args'].update(at=self.wall + rng.choice([m.HOUR, 400 * m.DAY]), program=who[1])
            return op
        if rng.random() < 0.15:                         # lines that do not add up
            return self.post('purchase', member=who[0], amount='10.00', ref=self.ref('purchase'),
                             lines=[dict(sku='A', quantity=1, amount=Decimal('9.99'))], at=self.now,
                             program=who[1])
        verb, wrong = rng.choice(self.MALFORMED + self.MALFORMED_RULES * self.rules)
        if self.unwind and verb in self.BY_HAND:
            return None
        sound = dict(award=dict(points=5), spend=dict(points=5), hold=dict(points=5), purchase=dict(amount='5.00'),
                     adjust=dict(points=5), freeze=dict(mode='all'), extend=dict(last_day=9000),
                     transfer=dict(to_member=self.members[0], points=1), reinstate=dict(points=1, last_day=9000),
                     refund=dict(of_ref='award-1'), cancel=dict(of_ref='spend-1'), activity=dict(activity='visit'),
                     grant_tier=dict(tier='t0', last_day=None), end_grant=dict(of_ref='grant-1'),
                     use_benefit=dict(benefit='b0')).get(verb, {})
        args = dict(member=who[0], **sound, ref=self.ref(verb), at=self.now, program=who[1])
        args.update(wrong)
        return self.post(verb, **args)

    def astray(self, who, account):
        """Unknown members, programs and refs, and refs of another kind."""
        rng = self.rng
        dice = rng.random()
        if dice < 0.2:
            return self.post('award', member='nobody', points=5, ref=self.ref('award'), at=self.now, program=who[1])
        if dice < 0.4:
            return self.post('award', member=who[0], points=5, ref=self.ref('award'), at=self.now, program='nowhere')
        verb = rng.choice(['refund', 'cancel', 'capture', 'release', 'confirm'])
        kinds = {'refund': m.EARNING, 'confirm': m.EARNING, 'cancel': m.USING}
        others = [e.ref for e in account.entries if e.ref and e.kind not in kinds.get(verb, ('hold',))]
        ref = rng.choice(others) if others and rng.random() < 0.6 else 'never-used'
        names = dict(of_ref=ref, ref=self.ref(verb))
        return self.post(verb, member=who[0], **names, at=self.now, program=who[1])

    def several(self, who, account):
        """One statement for many rows, mixed members; now and then a repeat within, or a row that fails."""
        rng = self.rng
        verb = rng.choice(['award', 'award', 'purchase', 'spend', 'refund'] + ['activity'] * self.rules)
        rows = []
        for _ in range(rng.randint(2, 12)):
            other = self.pick() if rng.random() < 0.7 else who
            there = self.account(other)
            if there is None or there.frozen and rng.random() < 0.9:
                continue
            if rows and rng.random() < 0.12:
                rows.append(dict(rng.choice(rows)))
                continue
            op = self.posting(verb, other, there, self.when())
            if op is None:
                continue
            row = op['args']
            if verb == 'spend' and rng.random() < 0.9:
                row['points'] = self.small(4)
            if verb == 'refund' and row['of_ref'] in [r['of_ref'] for r in rows]:
                continue
            rows.append(row)
        if rows and rng.random() < 0.06:
            rows[rng.randrange(len(rows))]['ref'] = rng.choice(['', None])
        return dict(do='set', verb=verb, rows=rows) if len(rows) > 1 else None

    def change(self, who, account):
        name = self.rng.choice(['earning', 'rounding', 'expiry', 'pending_days', 'cap', 'on_spent_return',
                                'cancel_grace_days', 'hold_limit', 'limits', 'fee'])
        return dict(do='program', code=who[1], settings=self.setting(name))

    def preview(self, who, account):
        if account.frozen:
            return None
        args = self.args_purchase(who, account, self.now)
        del args['ref']
        if self.rng.random() < 0.2:
            args['channel'] = 'web'
        return dict(do='preview', args=dict(member=who[0], **args, at=self.when(), program=who[1]))

    def configured(self, who, account):
        """A campaign is paused or goes on; a rule is switched off or on; or what they give changes."""
        program = self.ledger.programs[who[1]]
        if self.flavour == 'rolling' and self.rng.random() < 0.7:
            return configure.some_change(self.rng, program, self.unwind is not None, 'tiers')
        if self.rng.random() < 0.4:
            return configure.some_change(self.rng, program, self.unwind is not None)
        return self.switch(who)

    def raised(self, who, account):
        """The ladder is raised above a member who holds a rolling tier, then something of theirs is returned."""
        program = self.ledger.programs[who[1]]
        if program.tier_window != 'rolling' or account.computed_tier is None:
            return None
        metrics = list(tiers.thresholds(program.tiers[account.computed_tier]))
        if not metrics:
            return None
        metric = self.rng.choice(metrics)
        first, last = tiers.window(program, account, account.reached_on)
        more = int(tiers.metrics(account, first, last, account.clock_on)[metric]) + self.rng.choice([1, 1, 20])
        self.next = [lambda: self.posting('refund', who, self.account(who), self.now)]
        return dict(do='config', code=who[1], view='tiers', name=account.computed_tier,
                    row={metric: str(max(1, more)) if metric == 'spend' else max(1, more)})

    def propped(self, who, account):
        """A correction and a gift that counts lift a member to a tier by balance; then the gift goes, the balance stays."""
        program = self.ledger.programs[who[1]]
        above = [tier for code, tier in program.tiers.items() if tier['balance'] is not None and not tier['by_grant']
                 and tiers.rank(program, code) > tiers.rank(program, account.computed_tier)]
        if program.tier_window != 'rolling' or not above:
            return None
        gift = self.ref('award')

        def post(verb, **args):
            return self.post(verb, member=who[0], **args, at=self.now, program=who[1])

        self.next = [lambda: post('award', points=1, ref=gift),
                     lambda: post('refund', of_ref=gift, ref=self.ref('refund'))]
        return post('adjust', points=max(0, self.rng.choice(above)['balance'] - account.balance) + 5, ref=self.ref('adjust'))

    def switch(self, who):
        program = self.ledger.programs[who[1]]
        choices = [('campaigns', c) for c in program.campaigns] + [('rules', r) for r in program.rules]
        if not choices:
            return None
        view, name = self.rng.choice(choices)
        status = getattr(program, view)[name]['status']
        going, stopped = ('running', 'paused') if view == 'campaigns' else ('active', 'paused')
        return dict(do='config', code=who[1], view=view, name=name,
                    row=dict(status=stopped if status == going else going))

    def redeployed(self, who, account):
        """A rule, a cap, a benefit or a campaign that nobody names is deleted; later it is deployed again, perhaps
        with another budget. What was used of it goes on."""
        rng = self.rng
        ready = [op for op in self.withdrawn
                 if op['row'].get('campaign') in (None, *self.ledger.programs[op['code']].campaigns)]
        if ready and rng.random() < 0.6:
            self.withdrawn.remove(op := rng.choice(ready))
            return op
        program = self.ledger.programs[who[1]]
        choices = [(view, name) for view in ('rules', 'caps', 'benefits', 'campaigns') for name in getattr(program, view)]
        if not choices:
            return None
        view, name = rng.choice(choices)
        if view == 'campaigns':
            return self.campaign_redeployed(program, name)
        self.withdrawn.append(self.deployment(program, view, name))
        return dict(do='withdraw', code=who[1], view=view, name=name)

    def deployment(self, program, view, name):
        row = configure.without_nothing(getattr(program, view)[name])
        row.pop('outcome', None)
        if 'budget' in row and self.rng.random() < 0.5:
            row['budget'] += self.rng.choice([1, 20])
        return dict(do='deploy', code=program.code, view=view, name=name, row=row)

    def campaign_redeployed(self, program, campaign):
        """First its rules go, and last they come."""
        rows = [('rules', name) for name, rule in program.rules.items() if rule['campaign'] == campaign]
        rows.append(('campaigns', campaign))
        back = [self.deployment(program, view, name) for view, name in rows[::-1]]
        gone = [dict(do='withdraw', code=program.code, view=view, name=name) for view, name in rows]
        self.next = [lambda op=op: op for op in gone[1:] + back]
        return gone[0]

    def stopped(self, who, account):
        """A campaign or a rule is stopped, or goes on, in another session while a posting is open that used it."""
        def beside():
            op = self.switch(who)
            return op if op is None or who[1] in self.written else dict(op, beside=True)

        self.next = [lambda: self.posting('purchase', who, self.account(who), self.now), beside]
        return self.commit(who, account) if self.written else self.next.pop(0)()

    def read_tiers(self, who, account):
        """The tiers of a program as of a time, often one at which somebody's term is over and nothing is settled."""
        rng = self.rng
        at = self.now + rng.randrange(-60, 400) * m.DAY + rng.randrange(m.DAY)
        ends = [a.zone.start_of_day(a.computed_last_day + 1) for (_, code), a in self.ledger.accounts.items()
                if code == who[1] and a.computed_last_day is not None]
        if ends and rng.random() < 0.6:
            at = rng.choice(ends) + rng.choice([-1, 0, 1])
        what = rng.choice(['tiers_held', 'tiers_held', 'tier_history'])
        at = self.wall if what == 'tier_history' else min(at, self.wall - m.DAY)
        return dict(do='read', what=what, member=who[0], program=who[1], at=at)

    def commit(self, who, account):
        return dict(do='commit')

    # ---------------------------------------------------------------- unwinding everything

    def unwinding(self):
        """Release every hold, cancel every spend, return every order and award, whole."""
        for who in self.accounts:
            if self.account(who) is None:
                continue
            common = dict(at=self.now, program=who[1])
            self.now += m.SECOND
            yield dict(do='settle', args=dict(member=who[0], at=self.now, program=who[1]))
            common = dict(at=self.now, program=who[1])
            for hold in self.account(who).holds:
                yield dict(do='post', verb='release', style='call', args=dict(member=who[0], of_ref=hold.ref, ref=self.ref('release'), **common))
            for verb, kinds in (('cancel', ('spend', 'capture')), ('refund', m.EARNING)):
                for e in self.account(who).entries:
                    if e.kind not in kinds:
                        continue
                    args = dict(member=who[0], of_ref=e.ref, ref=self.ref(verb), **common)
                    try:                                # those that are not wholly undone already
                        self.ledger.copy().post(verb, args)
                    except m.Refused:
                        continue
                    yield dict(do='post', verb=verb, style='call', args=args)
            yield dict(do='unwound', member=who[0], program=who[1], at=self.now)
