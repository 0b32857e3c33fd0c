#!/usr/bin/python3
"""The vectors of semantics.md on the model alone (no database), and the planted faults.

    selftest.py             the vectors
    selftest.py --faults    the vectors, and that the runner finds every planted fault
"""
import os
import subprocess
import sys
import traceback
from decimal import Decimal
from fractions import Fraction

import model as m
import rules
import ruleset
from model import INACTIVE, NEVER, Key, day, day_text, expires_on, instant, lots_text, zone


class Shop:
    """A model with one program, and short calls: s.award(100, 'A', '2025-01-01')."""

    def __init__(self, *members, opened='2020-01-01', joins=None, **settings):
        """`rules`, `tiers` ... among the settings: lists of rows for those views."""
        configuration = [(view, row) for view in ruleset.VIEWS for row in settings.pop(view, ())]
        self.ledger = m.Ledger()
        self.ledger.add_program('P', configuration, **settings)
        self.settings = settings
        self.count = 0
        for member in members or ('ann',):
            self.post('enroll', opened, member=member, **(joins or {}))

    def post(self, verb, at, member='ann', **args):
        at = instant(at + ' 12:00' if len(at) == 10 else at)
        args = {n: v for n, v in args.items()}
        for name in ('expires_on', 'of_last_day', 'first_day', 'last_day'):
            if isinstance(args.get(name), str):
                args[name] = day(args[name])
        if isinstance(args.get('until'), str):
            args['until'] = instant(args['until'])
        args.update(member=member, program='P', at=at)
        return self.ledger.post(verb, args)

    def ref(self, ref):
        self.count += 1
        return ref or f'r{self.count}'

    def award(self, points, ref, at, **more):
        return self.post('award', at, points=points, ref=ref, **more)

    def purchase(self, amount, ref, at, **more):
        return self.post('purchase', at, amount=amount, ref=ref, **more)

    def spend(self, points, ref, at, **more):
        return self.post('spend', at, points=points, ref=ref, **more)

    def refund(self, of_ref, at, ref=None, **more):
        return self.post('refund', at, of_ref=of_ref, ref=self.ref(ref), **more)

    def cancel(self, of_ref, at, ref=None, **more):
        return self.post('cancel', at, of_ref=of_ref, ref=self.ref(ref), **more)

    def adjust(self, points, at, **more):
        return self.post('adjust', at, points=points, ref=self.ref(None), **more)

    def account(self, member='ann'):
        return self.ledger.accounts[member, 'P']

    def entries(self, *kinds):
        return [e for e in self.account().entries if e.kind in kinds]

    def at(self, time, member='ann'):
        return self.ledger.balance(member, 'P', instant(time))

    def settle(self, at):
        return self.ledger.settle(dict(member='ann', program='P', at=instant(at)))


def same(have, want):
    assert have == want, f'{have!r}, expected {want!r}'


def refused(code, call, *args, **more):
    try:
        call(*args, **more)
    except m.Refused as error:
        same(error.code, code)
    else:
        raise AssertionError(f'not refused with {code}')


# ---------------------------------------------------------------- units and arithmetic

def s1_rate_divided_last():
    same(Shop(per_amount='3.00').purchase('300.00', 'o', '2025-01-01')['points'], 100)


def s2_one_rounding():
    for rounding, points in (('floor', 199), ('half_up', 200), ('ceil', 200)):
        same(Shop(rounding=rounding).purchase('199.90', 'o', '2025-01-01')['points'], points)
    # lines are the differences of the running sum
    s = Shop(rounding='half_up')
    s.purchase('1.50', 'o', '2025-01-01', lines=[dict(amount=Decimal('0.50')) for _ in range(3)])
    same([x['points'] for x in s.account().entries[-1].lines], [1, 0, 1])


def s3_blocks():
    same(Shop(block_amount='2.00', block_points=10).purchase('7.00', 'o', '2025-01-01')['points'], 30)
    same(Shop(base_rate='10', per_amount='2.00').purchase('7.00', 'o', '2025-01-01')['points'], 35)


def s5_zero_is_good():
    same(Shop().purchase('0.00', 'o', '2025-01-01')['points'], 0)


# ---------------------------------------------------------------- lots, order of use, expiry

def s6_equal_lots_are_one():
    s = Shop(expiry='12 months')
    s.award(100, 'A', '2025-01-01')
    s.award(50, 'B', '2025-01-01')
    same(lots_text(s.account().lots), '{150 until 2026-01-01 earned 2025-01-01}')


def s7_order_of_use():
    keys = [Key(day('2026-06-30'), day('2025-12-01'), day('2025-12-01')),
            Key(day('2026-06-30'), day('2025-12-02'), day('2025-12-16'), 3),
            Key(INACTIVE, day('2025-01-01'), day('2025-01-01')),
            Key(NEVER, day('2025-12-02'), NEVER)]
    same(sorted(keys[::-1]), keys)
    lots = dict(zip(keys, (100, 50, 7, 5)))
    text = ('{100 until 2026-06-30 earned 2025-12-01; '
            '50 until 2026-06-30 earned 2025-12-02 usable 2025-12-16 issuer 3; '
            '7 until inactive earned 2025-01-01; 5 until never earned 2025-12-02 pending}')
    same(lots_text(lots), text)
    same(m.parse_lots(text), lots)


def s8_day_ends_in_the_zone():
    def gone(zone_name, last):
        return m.instant_text(zone(zone_name).start_of_day(day(last) + 1))[:16]
    same(gone('America/Havana', '2025-11-01'), '2025-11-02 04:00')
    same(gone('Asia/Beirut', '2025-03-29'), '2025-03-29 22:00')
    same(gone('Asia/Shanghai', '2025-03-29'), '2025-03-29 16:00')
    apia = zone('Pacific/Apia')                                 # 30 December 2011 was left out
    same(apia.start_of_day(day('2011-12-30')), apia.start_of_day(day('2011-12-31')))
    same(day_text(apia.day_of(instant('2011-12-30 10:00'))), '2011-12-31')
    same(day_text(apia.day_of(instant('2011-12-30 09:59:59.999999'))), '2011-12-29')
    # Havana's midnight comes twice; the day does not go back
    havana = zone('America/Havana')
    same(day_text(havana.day_of(instant('2025-11-02 04:30'))), '2025-11-02')
    same(day_text(havana.day_of(instant('2025-11-02 05:30'))), '2025-11-02')
    for name in ('America/Havana', 'Asia/Beirut', 'Europe/London', 'Pacific/Apia', 'America/St_Johns'):
        z, before = zone(name), None
        for d in range(day('2010-12-25'), day('2012-01-05')):
            start = z.start_of_day(d)
            assert before is None or start >= before
            assert z.day_of(start) >= d and z.day_of(start - 1) < d
            before = start


def s8_without_a_job():
    s = Shop(expiry='1 months', timezone='America/Havana')
    s.award(10, 'A', '2025-10-01 12:00')
    same(s.at('2025-11-02 03:59:59.999999')['usable'], 10)
    same(s.at('2025-11-02 04:00')['usable'], 0)
    refused('LY001', s.spend, 1, 'x', '2025-11-02 04:00')
    s.spend(10, 'y', '2025-11-02 03:59:59.999999')


def s8_policies():
    for policy, start, end in (
            ('12 months to next 03-01', '2024-03-01', '2025-03-01'),
            ('12 months to next 03-01', '2024-03-02', '2026-03-01'),
            ('end of year + 1', '2025-05-05', '2026-12-31'),
            ('end of year', '2025-12-31', '2025-12-31'),
            ('each 06-30 12-31', '2025-06-30', '2025-06-30'),
            ('each 06-30 12-31', '2025-07-01', '2025-12-31'),
            ('12 months', '2024-02-29', '2025-02-28'),
            ('1 months', '2025-01-31', '2025-02-28'),
            ('0 days', '2025-01-31', '2025-01-31'),
            ('6 months to end of month', '2010-12-01', '2011-06-30'),
            ('2 months to end of quarter', '2025-02-10', '2025-06-30'),
            ('1 months to end of half-year', '2025-06-10', '2025-12-31'),
            ('90 days to end of year', '2025-10-10', '2026-12-31')):
        same(day_text(expires_on(policy, day(start))), end)
    same(expires_on('never', 0), NEVER)
    same(expires_on('18 months inactive', 0), INACTIVE)


def s8_policy_is_fixed_when_earned():
    s = Shop(expiry='12 months')
    s.award(10, 'A', '2025-01-01')
    s.ledger.change_program('P', expiry='1 months')
    s.award(10, 'B', '2025-01-01')
    same(lots_text(s.account().lots),
         '{10 until 2025-02-01 earned 2025-01-01; 10 until 2026-01-01 earned 2025-01-01}')


def s8_inactivity():
    s = Shop(expiry='6 months inactive', opened='2025-01-01')
    same(day_text(s.account().inactive_on), '2025-07-01')
    s.award(100, 'A', '2025-02-01')
    s.award(10, 'late', '2025-01-15')                           # never back
    same(day_text(s.account().inactive_on), '2025-08-01')
    s.spend(10, 'S', '2025-07-01')
    s.refund('late', '2025-07-05')                              # no activity
    same(day_text(s.account().inactive_on), '2026-01-01')
    same(s.at('2026-01-01 23:59')['usable'], 90)
    same(s.at('2026-01-02 00:00')['usable'], 0)


def s9_adjust():
    s = Shop()
    s.award(5, 'A', '2025-01-01')
    refused('LY001', s.adjust, -10, '2025-01-02')
    receipt = s.adjust(-10, '2025-01-02', allow_debt=True)
    same((receipt['balance'], receipt['debt'], receipt['usable']), (-5, 5, 0))


def s9_extend():
    s = Shop(expiry='1 months')
    s.award(100, 'A', '2025-01-01')
    s.award(50, 'B', '2025-01-02')
    s.post('hold', '2025-01-03', points=120, ref='H', until='2025-01-09 00:00')
    s.post('extend', '2025-01-04', last_day='2025-02-02', ref='E')    # only what ends sooner
    same(lots_text(s.account().holds[0].lots),
         '{100 until 2025-02-02 earned 2025-01-01; 20 until 2025-02-02 earned 2025-01-02}')
    s.post('extend', '2025-01-04', last_day='2025-03-01', ref='E2', of_last_day='2025-02-09')   # no such date
    same(lots_text(s.account().lots), '{30 until 2025-02-02 earned 2025-01-02}')
    refused('22023', s.post, 'extend', '2025-01-04', last_day='2025-01-04', ref='E3')


def s9_reinstate():
    s = Shop(expiry='1 months')
    s.award(100, 'A', '2025-01-01')
    s.award(50, 'B', '2025-01-02')
    refused('LY007', s.post, 'reinstate', '2025-02-02', points=101, last_day='2025-03-01', ref='R')
    s.post('reinstate', '2025-03-02', points=60, last_day='2025-04-01', ref='R2')       # latest first
    same(lots_text(s.account().lots),
         '{10 until 2025-04-01 earned 2025-01-01; 50 until 2025-04-01 earned 2025-01-02}')
    refused('LY007', s.post, 'reinstate', '2025-03-02', points=91, last_day='2025-03-05', ref='R3')
    same(s.post('reinstate', '2025-03-02', points=90, last_day='2025-03-05', ref='R4')['usable'], 150)


def s10_pending():
    s = Shop(pending_days=14, expiry='end of year + 1')
    s.purchase('10.00', 'o', '2025-12-25')
    same(lots_text(s.account().lots), '{10 until 2027-12-31 earned 2025-12-25 usable 2026-01-08}')
    same(s.at('2026-01-07 23:59'), dict(balance=10, usable=0, pending=10, held=0, debt=0))
    same(s.at('2026-01-08 00:00')['usable'], 10)


def s10_confirm():
    s = Shop(pending_days=None, expiry='1 months')
    s.purchase('10.00', 'o', '2025-01-01')
    same(lots_text(s.account().lots), '{10 until never earned 2025-01-01 pending}')
    s.refund('o', '2025-01-02', amount='4.00')
    s.post('confirm', '2025-02-01', of_ref='o', ref='o')
    same(lots_text(s.account().lots), '{6 until 2025-03-01 earned 2025-01-01 usable 2025-02-01}')
    same(s.post('confirm', '2025-02-01', of_ref='o', ref='o')['repeat'], True)
    refused('LY003', s.post, 'confirm', '2025-02-02', of_ref='o', ref='o')
    refused('LY007', s.post, 'confirm', '2025-02-02', of_ref='o', ref='o2')
    same(s.refund('o', '2025-02-03')['taken'], 6)               # found where the confirm put them


def s11_debt():
    s = Shop()
    s.award(100, 'A', '2025-01-01')
    s.spend(100, 'S', '2025-01-01')
    s.award(70, 'B', '2025-01-01')
    receipt = s.refund('A', '2025-01-02')
    same([receipt[n] for n in ('points', 'debt', 'balance', 'taken', 'owed')], [-100, 30, -30, 70, 30])
    same(s.account().lots, {})
    same(s.award(50, 'C', '2025-01-03')['usable'], 20)


def s11_whatever_becomes_usable_pays():
    s = Shop()
    s.award(30, 'P', '2025-01-01', pending=True)
    s.adjust(-10, '2025-01-01', allow_debt=True)
    same(s.account().debt, 10)
    same(s.post('confirm', '2025-01-02', of_ref='P', ref='P')['usable'], 20)
    s = Shop(pending_days=3)
    s.purchase('30.00', 'P', '2025-01-01')
    s.adjust(-10, '2025-01-01', allow_debt=True)
    same(s.at('2025-01-04 00:00'), dict(balance=20, usable=20, pending=0, held=0, debt=0))


# ---------------------------------------------------------------- undoing

def s12_ten_returns():
    s = Shop(base_rate='0.333')
    same(s.purchase('100.00', 'o', '2025-01-01')['points'], 33)
    same([s.refund('o', '2025-01-02', amount='10.00')['due'] for _ in range(10)],
         [4, 3, 3, 4, 3, 3, 4, 3, 3, 3])
    refused('LY007', s.refund, 'o', '2025-01-02', amount='0.01')


def s12_spent_and_expired():
    s = Shop(expiry='1 months')
    s.purchase('100.00', 'o', '2025-01-01')
    s.spend(60, 'S', '2025-01-02')
    first = s.refund('o', '2025-03-01', amount='50.00')
    second = s.refund('o', '2025-03-01', amount='50.00')
    same((first['points'], first['spared'], second['points']), (-10, 40, -50))


def s12_lines():
    """Lines 10/10/20 with 20/30/20 points."""
    def order():
        s = Shop(base_rate='0', rules=[dict(code=k, effect='base', scope='line', condition=f"sku = '{k}'",
                                            points=f'amount * {n}') for k, n in (('A', 2), ('B', 3), ('C', 1))])
        s.purchase('40.00', 'o', '2025-01-01', lines=[dict(sku=k, amount=Decimal(a), quantity=1)
                                                      for k, a in (('A', '10.00'), ('B', '10.00'), ('C', '20.00'))])
        same([line['points'] for line in s.account().entries[-1].lines], [20, 30, 20])
        return s
    same(order().refund('o', '2025-01-02', amount='20.00')['points'], -35)
    s = order()
    same(s.refund('o', '2025-01-02', lines=[dict(sku='C')])['points'], -20)
    same(s.refund('o', '2025-01-02', lines=[dict(line=2, amount=Decimal('5.00'))])['points'], -15)
    refused('LY007', s.refund, 'o', '2025-01-02', lines=[dict(line=2, amount=Decimal('5.01'))])
    refused('LY007', s.refund, 'o', '2025-01-02', amount='3.00')         # the first return decided: by line
    same(s.refund('o', '2025-01-02')['points'], -35)


def s12_net_zero_once():
    s = Shop()
    s.purchase('0.00', 'o', '2025-01-01')
    same(s.refund('o', '2025-01-01')['points'], 0)
    refused('LY007', s.refund, 'o', '2025-01-01')


def s13_clamp_shared_lot():
    s = Shop(on_spent_return='clamp')
    s.award(100, 'A', '2025-01-01')
    s.award(50, 'B', '2025-01-01')
    s.spend(80, 'S', '2025-01-01')
    same(s.refund('A', '2025-01-02')['points'], -70)
    same(s.refund('B', '2025-01-02')['points'], 0)


def s13_write_off_is_remembered():
    s = Shop(on_spent_return='clamp')
    s.award(100, 'A', '2025-01-01')
    s.spend(100, 'S', '2025-01-01')
    same(s.refund('A', '2025-01-02')['written_off'], 100)
    s.award(30, 'B', '2025-01-03')                              # later credits never make it good
    receipt = s.cancel('S', '2025-01-04')
    same((receipt['points'], receipt['usable']), (0, 30))


def s13_policies():
    for policy, receipt in (('debt', (-100, 70, 30, 0)), ('active_only', (-70, 70, 0, 30)),
                            ('clamp', (0, 0, 0, 100)), ('pending_only', (-40, 40, 0, 60))):
        s = Shop(on_spent_return=policy)
        s.award(100, 'A', '2025-01-01')
        s.spend(100, 'S', '2025-01-01')
        s.award(70, 'B', '2025-01-02')                          # another lot: of one day it would be A's too
        s.award(40, 'C', '2025-01-02', pending=True)
        r = s.refund('A', '2025-01-02')
        same((policy, r['points'], r['taken'], r['owed'], r['written_off']), (policy, *receipt))
    s = Shop(on_spent_return='reject')
    s.award(100, 'A', '2025-01-01')
    s.spend(1, 'S', '2025-01-01')
    refused('LY010', s.refund, 'A', '2025-01-02')


def s13_pending_first_and_moved():
    s = Shop(expiry='1 months')
    s.award(100, 'A', '2025-01-01')
    s.post('extend', '2025-01-02', last_day='2025-06-01', ref='E')
    s.award(30, 'B', '2025-01-02')                              # ends sooner: used first, yet B's own
    same(s.refund('A', '2025-01-03')['taken'], 100)
    same(lots_text(s.account().lots), '{30 until 2025-02-02 earned 2025-01-02}')


def s15_cancel():
    s = Shop(expiry='1 months')
    s.award(100, 'A', '2025-01-01')
    s.award(100, 'B', '2025-01-02')
    s.spend(150, 'S', '2025-01-03')
    s.cancel('S', '2025-01-04', points=60)
    same(lots_text(s.account().lots),
         '{10 until 2025-02-01 earned 2025-01-01; 100 until 2025-02-02 earned 2025-01-02}')
    refused('LY007', s.cancel, 'S', '2025-01-04', points=91)
    s.cancel('S', '2025-01-04', points=90)
    refused('LY007', s.cancel, 'S', '2025-01-04')


def s15_grace_once():
    s = Shop(expiry='1 months')
    s.award(100, 'A', '2025-01-01')
    s.spend(100, 'S', '2025-01-02')
    receipt = s.cancel('S', '2025-03-01')
    same(lots_text(s.account().lots), '{100 until 2025-03-31 earned 2025-01-01}')
    s.spend(100, 'T', '2025-03-05')
    receipt = s.cancel('T', '2025-05-01')                       # no second grace
    same((receipt['points'], receipt['expired'], receipt['balance']), (100, 100, 0))
    s = Shop(expiry='1 months', cancel_grace_days=0)
    s.award(100, 'A', '2025-01-01')
    s.spend(100, 'S', '2025-01-02')
    same(s.cancel('S', '2025-03-01')['expired'], 100)


def free_after_its_date():
    """S16's neighbour: debt first, then it expires at once, in an entry of its own."""
    s = Shop(expiry='1 months')
    s.award(100, 'A', '2025-01-01')
    s.post('hold', '2025-01-31', points=100, ref='H', until='2025-02-05 00:00')
    s.adjust(-30, '2025-02-03', allow_debt=True)
    s.settle('2025-02-06 00:00')
    same([(e.kind, e.points, m.instant_text(e.at)[:16]) for e in s.account().entries[-2:]],
         [('release', 0, '2025-02-05 00:00'), ('expire', -70, '2025-02-05 00:00')])
    # a hold that lapses at the instant at which others mature: first it, then they, which pay what debt is left (S28)
    s = Shop(expiry='never', pending_days=1)
    s.post('award', '2025-01-01', points=10, ref='A', expires_on='2025-12-31')
    s.settle('2025-01-02 12:00')
    s.post('hold', '2025-01-02 13:00', points=10, ref='H', until='2025-01-04 00:00')
    s.adjust(-15, '2025-01-03', allow_debt=True)
    s.purchase('20.00', 'p', '2025-01-03')
    s.settle('2025-01-04 12:00')
    same([(e.kind, e.usable, e.debt) for e in s.account().entries[-2:]], [('release', 0, 5), ('mature', 15, 0)])
    # a late arrival that is already expired
    s = Shop(expiry='1 months')
    s.adjust(-30, '2025-05-01', allow_debt=True)
    receipt = s.award(100, 'L', '2025-01-01')
    same((receipt['points'], receipt['expired'], receipt['balance']), (100, 70, 0))


# ---------------------------------------------------------------- holds, moving, stopping

def s17_capture():
    s = Shop(expiry='1 months')
    s.award(50, 'A', '2025-01-01')
    s.award(73, 'B', '2025-01-02')
    receipt = s.post('hold', '2025-01-03', points=123, ref='H')
    same((receipt['usable'], receipt['balance']), (0, 123))
    receipt = s.post('capture', '2025-01-04', of_ref='H', ref='H', points=100)
    same((receipt['points'], receipt['usable']), (-100, 23))
    same(s.post('capture', '2025-01-04', of_ref='H', ref='H', points=100)['repeat'], True)
    refused('LY003', s.post, 'capture', '2025-01-04', of_ref='H', ref='H', points=99)
    refused('LY007', s.post, 'capture', '2025-01-04', of_ref='H', ref='H2', points=99)
    refused('LY007', s.post, 'release', '2025-01-04', of_ref='H', ref='H')
    same(s.cancel('H', '2025-01-05')['points'], 100)


def s17_over_at_its_end():
    s = Shop()
    s.award(50, 'A', '2025-01-01')
    s.post('hold', '2025-01-02', points=50, ref='H', until='2025-01-03 00:00')
    same(s.at('2025-01-02 23:59:59.999999')['usable'], 0)
    same(s.at('2025-01-03 00:00')['usable'], 50)
    refused('LY007', s.post, 'capture', '2025-01-03 00:00', of_ref='H', ref='H')
    s.post('capture', '2025-01-02 23:59:59.999999', of_ref='H', ref='H')


def s17_expired_while_held():
    s = Shop(expiry='1 months')
    s.award(50, 'A', '2025-01-01')
    s.post('hold', '2025-01-31', points=50, ref='H')
    same(s.post('capture', '2025-02-04', of_ref='H', ref='H')['points'], -50)
    refused('LY008', s.post, 'hold', '2025-01-31', points=1, ref='I', until='2025-02-28 00:00')


def s18_transfer():
    s = Shop('ann', 'bob', expiry='1 months', transfer_fee=5, transfers_per_year=1)
    s.award(100, 'A', '2025-01-01')
    s.post('adjust', '2025-01-01', member='bob', points=-10, ref='D', allow_debt=True)
    refused('LY011', s.post, 'transfer', '2025-01-02', to_member='ann', points=5, ref='T')
    refused('LY001', s.post, 'transfer', '2025-01-02', to_member='bob', points=96, ref='T')
    receipt = s.post('transfer', '2025-01-02', to_member='bob', points=60, ref='T')
    same((receipt['points'], receipt['balance']), (-65, 35))
    same(lots_text(s.account('bob').lots), '{50 until 2025-02-01 earned 2025-01-01}')
    refused('LY008', s.post, 'transfer', '2025-12-02', to_member='bob', points=1, ref='T2')
    same(s.account('bob').entries[-1].of_ref, 'T')
    s.post('freeze', '2026-01-03', member='bob', mode='earning', ref='F')
    s.award(10, 'B', '2026-01-03')
    refused('LY002', s.post, 'transfer', '2026-01-03', to_member='bob', points=1, ref='T3')


def s19_freeze():
    s = Shop()
    s.award(100, 'A', '2025-01-01')
    s.post('hold', '2025-01-01', points=10, ref='H')
    s.post('freeze', '2025-01-02', mode='spending', ref='F', until='2025-01-05 00:00')
    refused('LY002', s.spend, 1, 'S', '2025-01-03')
    refused('LY002', s.post, 'capture', '2025-01-03', of_ref='H', ref='H')
    s.award(1, 'B', '2025-01-03')
    s.post('release', '2025-01-03', of_ref='H', ref='H')
    s.spend(1, 'S', '2025-01-05 00:00')
    same([e.kind for e in s.account().entries[-2:]], ['unfreeze', 'spend'])
    refused('LY007', s.post, 'unfreeze', '2025-01-06', ref='U')


# ---------------------------------------------------------------- limits, asking twice, time

def s25_caps():
    s = Shop(balance_cap=100)
    s.adjust(-50, '2025-01-01', allow_debt=True)
    same(s.purchase('200.00', 'o', '2025-01-01')['points'], 150)
    s = Shop(balance_cap=100, on_balance_cap='reject')
    same(s.purchase('200.00', 'o', '2025-01-01')['points'], 0)
    same(s.account().entries[-1].computed, 200)


def s26_repeats():
    s = Shop()
    first = s.purchase('100.0', 'o', '2025-01-01')
    s.spend(100, 'S', '2025-01-02')
    again = s.purchase('100.00', 'o', '2025-01-01')
    same(again, dict(first, repeat=True))
    refused('LY003', s.purchase, '100.00', 'o', '2025-01-03')    # `at` was given, and is another
    refused('LY003', s.award, 100, 'o', '2025-01-01')
    seq = s.account().seq
    refused('LY001', s.spend, 1, 'S2', '2026-01-01')
    same(s.account().seq, seq)


def s27_late_arrival():
    s = Shop(expiry='6 months to end of month', opened='2010-01-01')
    s.award(2000, 'A', '2010-12-01')
    s.spend(2000, 'S', '2011-06-30 23:59')
    s.award(100, 'B', '2011-07-01')
    same(s.at('2011-07-02 00:00')['usable'], 100)
    s.settle('2026-01-01 00:00')
    same([m.instant_text(e.at)[:16] for e in s.entries('expire')], ['2012-02-01 00:00'])
    # a late return acts on the account as it stands and reopens nothing
    s = Shop(expiry='1 months')
    s.award(10, 'A', '2025-01-01')
    s.award(5, 'B', '2025-04-01')
    same(s.refund('A', '2025-01-05')['spared'], 10)
    refused('LY009', s.refund, 'B', '2025-03-01')
    try:
        s.ledger.post('award', dict(member='ann', program='P', points=1, ref='x', at=instant('2025-05-01')),
                      wall=instant('2025-04-30'))
    except m.Refused as error:
        same(error.code, 'LY009')


def s28_order_at_one_instant():
    s = Shop(expiry='1 months', pending_days=5)
    s.award(10, 'A', '2025-01-01', expires_on='2025-01-05')     # ends as the purchase's points begin
    s.award(7, 'C', '2025-01-01')
    s.purchase('20.00', 'o', '2025-01-01')
    s.post('hold', '2025-01-02', points=3, ref='H2', until='2025-01-06 00:00')
    s.post('hold', '2025-01-02', points=3, ref='H1', until='2025-01-06 00:00')
    s.post('freeze', '2025-01-02', mode='all', ref='F', until='2025-01-06 00:00')
    same(s.settle('2025-01-06 00:00'), 5)
    same([(e.kind, e.of_ref, e.points) for e in s.account().entries[-5:]],
         [('release', 'H1', 0), ('release', 'H2', 0), ('mature', None, 0), ('expire', None, -10),
          ('unfreeze', None, 0)])
    same(s.account().clock, instant('2025-01-06 00:00'))
    same(s.settle('2025-01-07 00:00'), 0)                       # the clock moves only to what it posts
    same(s.account().clock, instant('2025-01-06 00:00'))


def s29_as_of():
    s = Shop()
    s.award(10, 'A', '2025-01-01')
    s.spend(4, 'S', '2025-02-01')
    s.award(5, 'late', '2025-01-15')                            # known only from February on
    same(s.at('2025-01-20 00:00')['balance'], 10)
    same(s.at('2025-02-01 12:00')['balance'], 11)
    same([e.seq for e in s.account().entries], [1, 2, 3, 4])


def malformed():
    s = Shop()
    for code, verb, args in (
            ('22004', 'award', dict(points=None, ref='a')), ('22004', 'award', dict(points=1)),
            ('22023', 'award', dict(points=0, ref='a')), ('22023', 'award', dict(points=1, ref='')),
            ('22003', 'award', dict(points=10 ** 15 + 1, ref='a')), ('22023', 'purchase', dict(amount='NaN', ref='a')),
            ('22023', 'purchase', dict(amount='-1', ref='a')),
            ('22023', 'purchase', dict(amount='2', ref='a', lines=[dict(amount=Decimal(1))])),
            ('22023', 'freeze', dict(mode='x', ref='a')), ('LY006', 'refund', dict(of_ref='no', ref='a')),
            ('LY006', 'capture', dict(of_ref='no', ref='a')), ('LY006', 'cancel', dict(of_ref='no', ref='a'))):
        refused(code, s.post, verb, '2025-01-01', **args)
    refused('LY004', s.post, 'award', '2025-01-01', member='nobody', points=1, ref='a')


def fingerprints_compare_by_value():
    one = m.fingerprint('purchase', dict(amount='1.50', lines=[dict(amount=Decimal('1.5'), sku='A')], ref='r'))
    other = m.fingerprint('purchase', dict(amount='1.5', lines=[dict(sku='A', amount=Decimal('1.50'))], ref='r',
                                           reason=None))
    same(one, other)
    assert Fraction('1.50') == Fraction('1.5')


# ---------------------------------------------------------------- rules

PILOT_C_17 = 69
ORDINARY = dict(code='member', rank=1)
TIER = dict(code='gold', rank=2, multiplier='1.5', orders=1)


def gold(**settings):
    """ann is gold by a grant, at 1.5 times."""
    s = Shop(tiers=[dict(ORDINARY, **settings.pop('ordinary', {})), dict(TIER, **settings.pop('tier', {}))], **settings)
    s.post('grant_tier', '2024-12-01', tier='gold', ref='G')
    return s


def rule(code, points, effect='bonus', **more):
    return dict(code=code, points=points, effect=effect, **more)


def given(s):
    """(part, given) of the last purchase or activity."""
    return [(p.name, p.given) for p in s.entries('purchase', 'activity')[-1].parts]


def s2_parts():
    """199.90 at 1 per 1.00, tier 1.5, campaign 2."""
    for rounding, points in (('floor', [199, 100, 200]), ('half_up', [200, 100, 200]), ('ceil', [200, 100, 200])):
        s = gold(rounding=rounding, rules=[rule('double', '2', 'multiplier')])
        s.purchase('199.90', 'o', '2025-01-01')
        same([n for _, n in given(s)], points)


def s4_stacking():
    """Base 100, tier 1.5, campaign 2, bonus 20."""
    for settings, more, want in (
            (dict(), dict(), [('base', 100), ('tier', 50), ('double', 100), ('extra', 20)]),
            (dict(), dict(stacking='multiply'), [('base', 100), ('tier', 50), ('double', 150), ('extra', 20)]),
            (dict(multiplier_ceiling='2.5'), dict(stacking='multiply'),
             [('base', 100), ('tier', 50), ('double', 100), ('extra', 20)]),
            (dict(tier=dict(exclusive_group='g')), dict(exclusive_group='g'),
             [('base', 100), ('double', 100), ('extra', 20)])):
        s = gold(rules=[rule('double', '2', 'multiplier', **more), rule('extra', '20')], **settings)
        s.purchase('100.00', 'o', '2025-01-01')
        same(given(s), want)
    # 1.5 and 2 give 2.5
    s = Shop(rules=[rule('a', '1.5', 'multiplier'), rule('b', '2', 'multiplier')])
    same(s.purchase('100.00', 'o', '2025-01-01')['points'], 250)


def s4_groups():
    lines = [dict(sku='A', amount=Decimal('10.00'), quantity=1), dict(sku='B', amount=Decimal('30.00'), quantity=1)]
    base = [rule('food', 'line.amount * 5', 'base', scope='line', condition="sku = 'A'", exclusive_group='g',
                 priority=2),
            rule('all', 'line.amount * 2', 'base', scope='line', exclusive_group='g', priority=3)]
    # the best over the whole order: 80 against 50 and the program's own 40
    s = Shop(base_group='g', rules=base)
    s.purchase('40.00', 'o', '2025-01-01', lines=lines)
    same(given(s), [('base', 0), ('all', 80)])
    # the first by priority, line by line
    s = Shop(base_group='g', rules=base, rule_groups=[dict(code='g', takes='first')])
    s.purchase('40.00', 'o', '2025-01-01', lines=lines)
    same(given(s), [('base', 0), ('food', 50), ('all', 60)])
    same([line['points'] for line in s.account().entries[-1].lines], [50, 60])
    # ties by priority, then code; base rules add where there is no group
    s = Shop(rules=[rule('b', '7', 'base', exclusive_group='x'), rule('a', '7', 'base', exclusive_group='x'),
                    rule('c', '7', 'base', exclusive_group='x', priority=101), rule('d', '1', 'base')])
    s.purchase('10.00', 'o', '2025-01-01')
    same(given(s), [('base', 10), ('a', 7), ('d', 1)])


def s4_line_by_line():
    """A multiplier of lines works on the base of its lines; bonuses are not multiplied."""
    s = gold(rules=[rule('food', '3', 'multiplier', scope='line', condition="line.category = 'food'"),
                    rule('each', '5', scope='line', condition='line.quantity >= 2')])
    s.purchase('30.00', 'o', '2025-01-01', lines=[
        dict(sku='A', category='food', amount=Decimal('10.00'), quantity=2),
        dict(sku='B', amount=Decimal('20.00'), quantity=1)])
    same(given(s), [('base', 30), ('tier', 15), ('food', 20), ('each', 5)])
    same([line['points'] for line in s.entries('purchase')[-1].lines], [40, 30])


def s8_precedence():
    """Rule, campaign, tier, program; pending days of the rule."""
    s = gold(expiry='1 months', tier=dict(expiry='2 months', multiplier='1'),
             campaigns=[dict(code='C', status='running', expiry='3 months')],
             rules=[rule('a', '1', campaign='C', expiry='4 months'), rule('b', '1', campaign='C'),
                    rule('c', '1'), rule('d', '1', pending_days=10)])
    s.purchase('1.00', 'o', '2025-01-01')
    same(lots_text(s.account().lots),
         '{2 until 2025-03-01 earned 2025-01-01; 1 until 2025-03-11 earned 2025-01-01 usable 2025-01-11; '
         '1 until 2025-04-01 earned 2025-01-01; 1 until 2025-05-01 earned 2025-01-01}')


def s12_parts():
    s = Shop(base_rate='0.3', rules=[rule('one', '1')])
    same(s.purchase('10.00', 'o', '2025-01-01')['points'], 4)
    kept = []
    for _ in range(10):
        s.refund('o', '2025-01-02', amount='1.00')
        returns = s.entries('refund')
        kept.append(tuple(n - sum(e.due_parts[i] for e in returns) for i, n in enumerate((3, 1))))
    same(kept, [(2, 1), (2, 1), (1, 1), (1, 1), (1, 1), (0, 1), (0, 1), (0, 0), (0, 0), (0, 0)])
    # 199+100+200 on 199.90, return 50.00: -125 = 50+25+50
    s = gold(rules=[rule('double', '2', 'multiplier')])
    s.purchase('199.90', 'o', '2025-01-01')
    same(s.refund('o', '2025-01-02', amount='50.00')['points'], -125)
    same(s.entries('refund')[0].due_parts, [50, 25, 50])


def s12_full_return_only_and_never():
    s = Shop(rules=[rule('whole', '20', on_return='full_return_only'), rule('gift', '30', on_return='never')])
    s.purchase('10.00', 'o', '2025-01-01')
    same(s.refund('o', '2025-01-02', amount='9.00')['points'], -9)
    same(s.refund('o', '2025-01-02')['points'], -21)
    same(s.account().balance, 30)


def s13_each_part_from_its_own_lots():
    s = Shop(expiry='3 months', rules=[rule('short', 'amount * 1', expiry='1 months'),
                                       rule('late', 'amount * 1', pending_days=20)])
    s.purchase('10.00', 'o', '2025-01-01')
    s.spend(10, 'S', '2025-01-02')                              # the part that ends first is spent
    s.refund('o', '2025-01-03', amount='5.00')                  # 5+5+5: short's come from others, after their own
    same(lots_text(s.account().lots), '{5 until 2025-04-21 earned 2025-01-01 usable 2025-01-21}')


CAMPAIGN = dict(code='C', status='running', budget=100)


def s14_gives_back():
    """Budgets, caps of the purchase's period, metrics at the event's date; the firing with the whole order."""
    s = Shop(campaigns=[CAMPAIGN], caps=[dict(period='month', points=1000)], tiers=[ORDINARY],
             rules=[rule('x', '40', campaign='C', times_cap=1, cap_period='year')])
    s.purchase('60.00', 'o', '2025-01-31')
    month, year = ('cap', 'month'), ('rule', 'x')
    same((s.ledger.spent['P'], s.account().usage[month, day('2025-01-01')], s.account().usage[year, day('2025-01-01')]),
         ({('campaign', 'C'): 40}, (0, 100), (1, 40)))
    s.refund('o', '2025-02-10', amount='30.00')
    same((s.ledger.spent['P'], s.account().usage[month, day('2025-01-01')], s.account().usage[year, day('2025-01-01')]),
         ({('campaign', 'C'): 20}, (0, 50), (1, 20)))
    same(s.account().tallies, {(day('2025-01-31'), 'purchase', day('2025-01-31')): (1, 50, 30)})
    s.purchase('1.00', 'p', '2025-03-01')                       # it fires once a year
    same(given(s), [('base', 1)])
    s.refund('o', '2025-03-10')
    same((s.ledger.spent['P'], s.account().usage[month, day('2025-01-01')], s.account().usage[year, day('2025-01-01')]),
         ({('campaign', 'C'): 0}, (0, 0), (0, 0)))
    s.purchase('1.00', 'q', '2025-03-11')
    same(given(s), [('base', 1), ('x', 40)])
    # less what was written off
    s = Shop(on_spent_return='clamp', campaigns=[CAMPAIGN], rules=[rule('x', '40', campaign='C')], tiers=[ORDINARY])
    s.purchase('60.00', 'o', '2025-01-31')
    s.spend(70, 'S', '2025-02-01')
    same(s.refund('o', '2025-02-02')['written_off'], 70)        # the last part first: 40 of x, 30 of the base
    same((s.ledger.spent['P'], s.entries('refund')[0].written_parts), ({('campaign', 'C'): 40}, [30, 40]))
    same(s.account().tallies, {(day('2025-01-31'), 'purchase', day('2025-01-31')): (0, 0, 0)})


def s25_trims():
    """Cap 300 on 199+100+200."""
    double = rule('double', '2', 'multiplier', campaign='C')
    s = gold(rules=[double], campaigns=[dict(CAMPAIGN, budget=None)], caps=[dict(period='day', points=300)])
    same(s.purchase('199.90', 'o', '2025-01-01')['points'], 300)
    same(given(s), [('base', 199), ('tier', 100), ('double', 1)])
    same(s.account().entries[-1].computed, 499)
    s.purchase('5.00', 'p', '2025-01-01 20:00')
    same([n for _, n in given(s)], [0, 0, 0])
    same(s.purchase('5.00', 'q', '2025-01-02')['points'], 12)
    # what is charged is what was finally given: the day's cap trims the campaign after its budget
    s = gold(rules=[double], campaigns=[CAMPAIGN], caps=[dict(period='day', points=350)])
    s.purchase('199.90', 'o', '2025-01-01')
    same((given(s), s.ledger.spent['P']), ([('base', 199), ('tier', 100), ('double', 51)], {('campaign', 'C'): 51}))
    # reject, per cap: nothing of what it belongs to
    s = gold(rules=[double], campaigns=[dict(CAMPAIGN, on_budget='reject')])
    s.purchase('199.90', 'o', '2025-01-01')
    same(given(s), [('base', 199), ('tier', 100), ('double', 0)])
    s = gold(rules=[double], caps=[dict(period='ever', points=400, on_cap='reject')],
             campaigns=[dict(code='C', status='running')])
    same(s.purchase('199.90', 'o', '2025-01-01')['points'], 0)


def s25_lines_share_a_trim():
    s = Shop(caps=[dict(period='week', points=10)])
    s.purchase('30.00', 'o', '2025-01-01', lines=[dict(sku=k, amount=Decimal('10.00'), quantity=1) for k in 'ABC'])
    same([line['points'] for line in s.account().entries[-1].lines], [3, 3, 4])
    s.purchase('1.00', 'p', '2025-01-05')                       # Sunday of the same week
    s.purchase('1.00', 'q', '2025-01-06')                       # Monday
    same([e.points for e in s.entries('purchase')], [10, 0, 1])


def s25_times():
    s = Shop(rules=[rule('x', '5', times_cap=2, cap_period='month')])
    for i, at in enumerate(('2025-01-01', '2025-01-02', '2025-01-03', '2025-02-01')):
        s.purchase('1.00', f'o{i}', at)
    same([e.points for e in s.entries('purchase')], [6, 6, 1, 6])
    s.purchase('1.00', 'late', '2025-01-30')                    # the cap of its own month
    same(s.entries('purchase')[-1].points, 1)


def challenges():
    s = Shop(rules=[rule('three', '100', 'challenge', metric='orders', goal=3, cap_period='month'),
                    rule('rich', '7.9', 'challenge', metric='points', goal=111, cap_period='year', priority=200)])
    for i in range(5):
        s.purchase('4.00', f'o{i}', f'2025-01-0{i + 1}')
    same([e.points for e in s.entries('purchase')], [4, 4, 111, 4, 4])
    same([p.name for p in s.entries('purchase')[2].parts], ['base', 'three', 'rich'])
    same(s.refund('o2', '2025-01-06', amount='3.00')['points'], -3)
    same(s.refund('o2', '2025-01-06')['points'], -108)          # with the whole order only
    s.purchase('4.00', 'again', '2025-01-07')                   # the state went with it: three orders there are
    same(given(s)[1:2], [('three', 100)])


def conditions_and_activities():
    s = Shop(joins=dict(tags=['vip'], birthday='02-29', attributes=dict(referrer='bob')), tiers=[ORDINARY],
             rules=[rule('a', '1', condition="channel = 'web'"), rule('b', '2', condition="member.tags ? 'vip'"),
                    rule('c', '4', condition='orders = 0'), rule('d', '8', condition='weekday = 3 and hour >= 10'),
                    rule('e', '16', condition='is_birthday'), rule('f', '32', condition="tier = 'member'"),
                    rule('g', '64', activity='visit', condition='streak % 3 = 0'),
                    rule('h', '128', condition='referred'),
                    rule('i', '256', condition='days_since_order > 30'),
                    rule('j', '512', activity='*', condition='amount >= 100'), rule('k', 'null')])
    same(s.purchase('0.00', 'o', '2025-01-01')['points'], 2 + 4 + 8 + 32 + 128)
    same(s.purchase('0.00', 'p', '2025-02-28', channel='web')['points'], 1 + 2 + 16 + 32 + 128 + 256)
    same([s.post('activity', f'2025-03-0{i}', activity='visit', ref=f'v{i}')['points'] for i in (1, 2, 3)], [0, 0, 64])
    same(s.post('activity', '2025-03-04', activity='visit', ref='v4', amount='100.00')['points'], 512)
    same(s.refund('v3', '2025-03-05')['points'], -64)
    refused('22023', s.post, 'activity', '2025-03-05', activity='purchase', ref='v5')


def windows_of_rules():
    s = Shop(campaigns=[dict(code='C', status='running', starts_at=instant('2025-01-02 00:00'),
                             ends_at=instant('2025-01-03 00:00'))],
             rules=[rule('a', '1', campaign='C'), 
                    rule('b', '2', weekdays=[4, 5], hour_from='09:00', hour_until='10:00'),
                    rule('c', '4', status='paused'), rule('d', '8', starts_at=instant('2025-01-02 12:00'))])
    for at, points in (('2025-01-01 23:59:59', 0), ('2025-01-02 00:00', 1), ('2025-01-02 09:00', 3),
                       ('2025-01-02 10:00', 1), ('2025-01-02 12:00', 9), ('2025-01-03 00:00', 8)):
        same(s.purchase('0.00', at, at)['points'], points)
    same(rules.pilot_in('C', 17, 100), True)
    # sha256('C:17') begins with these bytes, computed by sha256sum
    same([rules.pilot_in('C', 17, n) for n in (PILOT_C_17, PILOT_C_17 + 1)], [False, True])
    s.ledger.programs['P'].reconfigure('campaigns', 'C', dict(status='paused'))
    same(s.purchase('0.00', 'late', '2025-01-02 01:00')['points'], 0)


# ---------------------------------------------------------------- tiers

LADDER = [dict(code='member', rank=1), dict(code='silver', rank=2, points=500),
          dict(code='gold', rank=3, points=1000)]


def standing(s):
    a = s.account()
    return a.tier, None if a.computed_last_day is None else day_text(a.computed_last_day), \
        [e.cause for e in a.entries if e.cause][-1]


def s22_up_at_once():
    s = Shop(tiers=[ORDINARY, dict(code='silver', rank=2, points=500, multiplier='1.25'),
                    dict(code='gold', rank=3, points=1000, multiplier='1.5')])
    receipt = s.purchase('1000.00', 'o', '2026-06-15')          # the crossing order earns at the tier before
    same((receipt['points'], receipt['tier'], s.account().entries[-1].cause), (1000, 'gold', 'reached'))
    same(s.purchase('100.00', 'p', '2026-06-16')['points'], 150)
    same(s.purchase('100.00', 'late', '2026-06-14')['points'], 100)


def s22_known_after_the_window():
    s = Shop(tiers=LADDER)
    s.purchase('600.00', 'o', '2025-12-01')
    s.purchase('1.00', 'p', '2026-01-05')
    same(standing(s), ('silver', '2026-12-31', 'reached'))
    s.purchase('500.00', 'late', '2025-12-30')
    same(standing(s), ('gold', '2026-12-31', 'reached'))
    same(s.entries('purchase')[-1].clock, instant('2026-01-05 12:00'))


def s23_gold():
    """Gold reached 15 June 2026: to 31 Dec 2027."""
    s = Shop(tiers=LADDER)
    s.purchase('1000.00', 'o', '2026-06-15')
    same(standing(s), ('gold', '2027-12-31', 'reached'))
    s.settle('2027-12-31 23:59:59')
    same(standing(s), ('gold', '2027-12-31', 'reached'))
    s.settle('2028-01-01 00:00')
    same(standing(s), ('member', None, 'review'))


def s23_return():
    for policy, tier in (('recompute', 'member'), ('review', 'gold')):
        s = Shop(tiers=LADDER, tier_on_return=policy)
        s.purchase('1000.00', 'o', '2026-06-15')
        s.refund('o', '2026-07-01')
        same(s.account().tier, tier)
    s = Shop(tiers=LADDER)                                      # not below the tier held before it
    s.purchase('500.00', 'o', '2025-06-15')
    s.purchase('1000.00', 'p', '2026-06-15')
    s.refund('p', '2026-06-16')
    same(standing(s), ('silver', '2026-12-31', 'return'))


def s24_grants():
    s = Shop(tiers=LADDER)
    s.post('grant_tier', '2025-01-10', tier='gold', ref='G', last_day='2025-03-31', first_day='2025-02-01')
    s.purchase('500.00', 'o', '2025-01-20')
    same(s.account().tier, 'silver')
    s.settle('2025-02-01 00:00')
    same(standing(s), ('gold', '2026-12-31', 'grant'))
    s.settle('2025-04-01 00:00')
    same(standing(s), ('silver', '2026-12-31', 'grant ended'))
    same(s.account().grants, ())
    s.post('grant_tier', '2025-05-01', tier='gold', ref='H')
    same(s.account().tier, 'gold')
    s.post('end_grant', '2025-05-02', of_ref='H', ref='e')
    same(s.account().tier, 'silver')
    refused('LY007', s.post, 'end_grant', '2025-05-02', of_ref='H', ref='e2')


def s10_orders_count_once_they_are_usable():
    s = Shop(tiers=LADDER, pending_days=20)
    s.purchase('1000.00', 'o', '2025-12-25')
    same(s.account().tier, 'member')
    s.settle('2026-01-14 00:00')                                # dated to the event: to the end of 2026
    same(standing(s), ('gold', '2026-12-31', 'reached'))
    s = Shop(tiers=LADDER, pending_days=None)
    s.purchase('1000.00', 'o', '2025-12-25')
    s.refund('o', '2025-12-26', amount='500.00')
    s.post('confirm', '2026-01-14', of_ref='o', ref='o')
    same(standing(s), ('silver', '2026-12-31', 'reached'))


def benefits():
    s = Shop(tiers=LADDER, benefits=[dict(code='lounge', tiers=['silver', 'gold'], quota=2, period='year')])
    refused('LY008', s.post, 'use_benefit', '2025-01-01', benefit='lounge', ref='b0')
    s.purchase('500.00', 'o', '2025-01-02')
    s.post('use_benefit', '2025-01-03', benefit='lounge', ref='b1')
    refused('LY008', s.post, 'use_benefit', '2025-01-03', benefit='lounge', ref='b2', quantity=2)
    s.post('use_benefit', '2025-01-03', benefit='lounge', ref='b2')
    s.post('use_benefit', '2026-01-03', benefit='lounge', ref='b3')


def s29_bytes_of_the_chain():
    """The documented form, by hand, for an entry of six fields."""
    import chain
    import hashlib
    fields = [('seq', 'bigint'), ('ref', 'text'), ('reason', 'text'), ('expires_on', 'date'),
              ('kind', 'kind'), ('taken', 'lot_queue')]
    values = ['2', 'é', None, 'infinity', 'spend', '{7 until inactive earned 2000-01-02; 5 until never earned '
              '2000-01-01 pending}']
    by_hand = ('01' + '00' * 32 + '01' '0000000000000002' '01' '00000002c3a9' '00' '01' '7fffffff' '01' '05'
               '01' '00000002' '7ffffffe' '00000001' '00000001' '00000000' '0000000000000007'
               '7fffffff' '00000000' '7fffffff' '00000000' '0000000000000005')
    same(chain.entry_hash(bytes(32), fields, values, {'spend': 5}), hashlib.sha256(bytes.fromhex(by_hand)).digest())


def planted_faults_fit():
    """What a planted fault replaces is there, and has its parameters."""
    import faults
    same(faults.misfits(), [])


VECTORS = [f for name, f in list(globals().items())
           if callable(f) and getattr(f, '__module__', None) == __name__
           and name not in ('Shop', 'same', 'refused', 'gold', 'rule', 'given', 'standing')]


def main():
    failed = 0
    for vector in VECTORS:
        try:
            vector()
        except Exception:
            failed += 1
            print(f'not ok: {vector.__name__}')
            traceback.print_exc()
    print(f'selftest: {len(VECTORS)} vectors, {failed} failed')
    if '--faults' in sys.argv:
        failed += find_faults(sys.argv[sys.argv.index('--faults') + 1:])
    sys.exit(1 if failed else 0)


def find_faults(names):
    """Every planted fault, or those named, must be found by a difference, for one that raises an error is broken;
    a second model without a fault must agree."""
    import faults
    run = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'run.py')
    missed = 0
    for name in names or ['', *faults.FAULTS]:
        done = subprocess.run([sys.executable, run, '--model', name, '--operations', '200000' if name else '5000',
                               '--seed', '1', '--jobs', '1', '--shrink', '0'], capture_output=True, text=True)
        good = done.returncode == (1 if name else 0)
        missed += not good
        lines = done.stdout.splitlines()
        said = [line for line in lines if line.startswith(('broken', 'difference'))] or lines[-1:] or [done.stderr]
        print(f'{"ok" if good else "NOT OK"}: {name or "no fault"}: {said[0][:200]}', flush=True)
    print(f'planted faults: {missed} not found, or broken')
    return missed


if __name__ == '__main__':
    main()
