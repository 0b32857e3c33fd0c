"""Planted faults: models that are wrong in one small way, to see that the runner finds it.

Each is a slip that a ledger could plausibly have. `selftest.py` runs them all in the database's
place (`run.py --model FAULT` runs one).
"""
import model as m

CAP, GRACE = m.Ledger.given_under_cap, m.Ledger.gets_grace
ACTIVITY, CLAIMS, COME_BACK = m.Account.activity, m.Account.claims, m.Account.come_back
DUE, LAST_DAY, PAY_DEBT = m.Account.due_instants, m.Account.last_day_of, m.Account.pay_debt
REINSTATABLE, SETTLE_INSTANT = m.Account.reinstatable, m.Account.settle_instant


def one_grace_too_many(self, program, account, key, today):
    """S15: a lot whose date a grace gave gets a second one."""
    return account.has_ended(key, today) and program.cancel_grace_days > 0


def moved_points_not_found(self, award):
    """S13: a return does not look into the lots to which points moved."""
    return {key: points for key, points in CLAIMS(self, award).items() if key in award.gained}


def claims_never_fall(self, award):
    """S13: what earlier returns took is taken again from the same lot."""
    return {**CLAIMS(self, award), **award.gained}


def write_off_forgotten(self, slices, use_seq):
    """S13: what comes back does not make a write-off good."""
    return COME_BACK(self, slices, m.FOREVER)


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


class Planted(m.Ledger):
    """A ledger with some methods of the model replaced while it works."""
    changes = {}

    def within(self, call, *args):
        kept = []
        for name, change in self.changes.items():
            owner = m.Account if hasattr(m.Account, name) else m.Ledger
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
    'write_off_of_older_returns': planted(come_back=write_off_of_older_returns),
    'nothing_spared': planted(expired_since=nothing_spared),
    'ends_a_day_early': planted(last_day_of=ends_a_day_early),
    'activity_by_clock': planted(activity=activity_by_clock),
    'cap_without_debt': planted(given_under_cap=cap_without_debt),
    'hold_lives_at_its_end': planted(due_instants=hold_lives_at_its_end),
    'first_expired_first': planted(reinstatable=first_expired_first),
    'matured_points_pay_no_debt': planted(settle_instant=matured_points_pay_no_debt,
                                          pay_debt=pay_debt_but_not_in_settling),
}
