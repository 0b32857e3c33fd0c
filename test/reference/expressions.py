"""Conditions and points of rules: SQL text, and the same in Python.

A rule holds SQL text. The texts that histories use come from the catalogue below: a pattern,
and a function of what the names stand for and of the pattern's groups. None is SQL's NULL.
Names without a qualifier are looked up in the order line, event, member, account.
"""
import math
import re
from fractions import Fraction


class Names:
    """What the names of an expression stand for. `line` is None outside of the scope of a line."""

    def __init__(self, event, member, account, line=None):
        self.event, self.member, self.account, self.line = event, member, account, line

    def amount(self):
        """Unqualified: the line's where there is one."""
        return self.line['amount'] if self.line is not None else self.event['amount']


def both(one, other):
    """SQL's AND."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def compared(value, how, other):
    """SQL's comparison: NULL with NULL on either side."""
    if value is None or other is None:
        return None
    return {'>=': value >= other, '>': value > other, '<': value < other, '=': value == other}[how]


def times(value, factor):
    return None if value is None else value * Fraction(factor)


NUMBER = r'(\d+(?:\.\d+)?)'
HOW = r'(>=|>|<|=)'

# Conditions, of the order and (those above all others) of a line.
CONDITIONS = [
    (rf'amount {HOW} {NUMBER}', lambda n, how, x: compared(n.amount(), how, Fraction(x))),
    (rf'event\.amount {HOW} {NUMBER}', lambda n, how, x: compared(n.event['amount'], how, Fraction(x))),
    (r"channel = '(\w+)'", lambda n, x: compared(n.event['channel'], '=', x)),
    (r"store = '(\w+)'", lambda n, x: compared(n.event['store'], '=', x)),
    (r"line\.category = '(\w+)'", lambda n, x: compared(n.line['category'], '=', x)),
    (rf'line\.quantity {HOW} {NUMBER}', lambda n, how, x: compared(n.line['quantity'], how, Fraction(x))),
    (r"sku = '(\w+)'", lambda n, x: compared(n.line['sku'], '=', x)),
    (r"member\.tags \? '(\w+)'", lambda n, x: x in n.member['tags']),
    (rf'orders {HOW} {NUMBER}', lambda n, how, x: compared(n.member['orders'], how, int(x))),
    (r'weekday = (\d) and hour >= (\d+)',
     lambda n, d, h: both(n.event['weekday'] == int(d), n.event['hour'] >= int(h))),
    (r'month = (\d+)', lambda n, x: n.event['month'] == int(x)),
    (r'day <= (\d+)', lambda n, x: n.event['day'] <= int(x)),
    (r'is_birthday', lambda n: n.member['is_birthday']),
    (r'referred', lambda n: n.member['referred']),
    (r'streak % (\d+) = 0', lambda n, x: n.event['streak'] % int(x) == 0),
    (r'streak >= (\d+)', lambda n, x: n.event['streak'] >= int(x)),
    (r'lines >= (\d+)', lambda n, x: n.event['lines'] >= int(x)),
    (rf'days_since_order {HOW} {NUMBER}', lambda n, how, x: compared(n.member['days_since_order'], how, int(x))),
    (r'days_since_order is null', lambda n: n.member['days_since_order'] is None),
    (r"tier = '(\w+)'", lambda n, x: compared(n.account['tier'], '=', x)),
    (rf'tier_rank {HOW} {NUMBER}', lambda n, how, x: compared(n.account['tier_rank'], how, int(x))),
    (rf'(balance|usable|earned|spend|account\.orders|tier_(?:points|orders|activities|spend)) {HOW} {NUMBER}',
     lambda n, name, how, x: compared(n.account[name.split('.')[-1]], how, Fraction(x))),
    (r"event\.attributes ->> 'table' = '(\d+)'",
     lambda n, x: str(n.event['attributes']['table']) == x if 'table' in n.event['attributes'] else None),
]

# Points of a base, bonus or challenge; factors of multipliers.
POINTS = [
    (NUMBER, lambda n, x: Fraction(x)),
    (rf'amount \* {NUMBER}', lambda n, x: times(n.amount(), x)),
    (rf'event\.amount \* {NUMBER}', lambda n, x: times(n.event['amount'], x)),
    (rf'line\.amount \* {NUMBER}', lambda n, x: times(n.line['amount'], x)),
    (rf'line\.quantity \* {NUMBER}', lambda n, x: n.line['quantity'] * Fraction(x)),
    (rf'floor\(amount / {NUMBER}\)',
     lambda n, x: None if n.amount() is None else Fraction(math.floor(n.amount() / Fraction(x)))),
    (rf'least\(amount, {NUMBER}\)',             # least() leaves NULLs out
     lambda n, x: Fraction(x) if n.amount() is None else min(n.amount(), Fraction(x))),
    (rf'streak \* {NUMBER}', lambda n, x: n.event['streak'] * Fraction(x)),
    (r'null', lambda n: None),
    (rf'1 \+ orders \* {NUMBER}', lambda n, x: 1 + n.member['orders'] * Fraction(x)),
    # what nobody should write: refused where it is reached
    (rf'-{NUMBER}', lambda n, x: -Fraction(x)),
]

FOUND = {}


def evaluate(catalogue, text, names):
    key = id(catalogue), text
    if key not in FOUND:
        found = [(m.groups(), function) for pattern, function in catalogue for m in [re.fullmatch(pattern, text)] if m]
        assert len(found) == 1, f'{text!r} is not in the catalogue'
        FOUND[key] = found[0]
    groups, function = FOUND[key]
    return function(names, *groups)


def condition(text, names):
    """Does it hold? NULL is no."""
    return text is None or evaluate(CONDITIONS, text, names) is True


def points(text, names):
    """Exact points or factor, None: it does not apply."""
    return evaluate(POINTS, text, names)
