#!/usr/bin/python3
"""The arithmetic of loyalty.lot_queue against plain dicts, and a fuzz of its text and binary input.

    lots_fuzz.py --dsn "dbname=test" --queues 3000 --mutations 20000 --seed 1

Properties: add, subtract, take, expired, usable, total, unnest, equality, text and binary
round trips, size on disk. Fuzz: whatever is read is either rejected with an error of class
22 or 08P01, or accepted and then canonical (its output reads as the same bytes again).
"""
import argparse
import collections
import io
import random
import struct
import sys
import time

import model as m

# Refusing bad input: invalid text, out of range, invalid value, bad datetime, invalid binary, protocol violation
CLASSES = ('22', '08P01', 'LY008')

HELPERS = r"""
CREATE SCHEMA IF NOT EXISTS loyalty_reference;
-- Evaluate an SQL expression to text; or 'ERROR <sqlstate> <message>'.
CREATE OR REPLACE FUNCTION loyalty_reference.value(expression text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE 'SELECT (' || expression || ')::text' INTO result;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  RETURN 'ERROR ' || SQLSTATE || ' ' || SQLERRM;
END $$;
-- Read each text as lots, write it, read that again: [output, output of the output] or [error].
CREATE OR REPLACE FUNCTION loyalty_reference.read_lots(input text) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE once loyalty.lot_queue;
BEGIN
  once := input::loyalty.lot_queue;
  RETURN ARRAY[once::text, once::text::loyalty.lot_queue::text,
    (once OPERATOR(loyalty.=) once::text::loyalty.lot_queue)::text,
    loyalty.total(once)::text];
EXCEPTION WHEN OTHERS THEN
  RETURN ARRAY['ERROR ' || SQLSTATE || ' ' || SQLERRM];
END $$;
"""


class Check:
    def __init__(self, dsn, seed):
        import psycopg2
        self.psycopg2 = psycopg2
        self.connection = psycopg2.connect(dsn)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.rng = random.Random(seed)
        self.counts = collections.Counter()
        self.failures = 0
        self.cursor.execute("SET datestyle = iso; SET timezone = 'UTC'; SET client_min_messages = warning; "
                            'CREATE EXTENSION IF NOT EXISTS loyalty; ' + HELPERS +
                            'CREATE TEMP TABLE read_binary (l loyalty.lot_queue)')

    def same(self, what, have, want):
        self.counts[what] += 1
        if have != want:
            self.failures += 1
            print(f'difference: {what}: expected {want!r}, the database says {have!r}', flush=True)
            if self.failures > 20:
                print('too many differences')
                sys.exit(1)

    def ask(self, *expressions):
        """One row of values, all as text; errors as text too."""
        self.cursor.execute('SELECT ' + ', '.join('loyalty_reference.value(%s)' for _ in expressions), expressions)
        return self.cursor.fetchone()

    # ---------------------------------------------------------------- random queues

    def key(self):
        """Days lie close together, so that equal lots and lots that share some fields are frequent."""
        rng, base = self.rng, m.day('2025-01-01')
        earned = base + rng.randrange(-3, 4)
        usable_from = rng.choice([earned, earned, earned + rng.randrange(5), m.NEVER])
        start = earned if usable_from == m.NEVER else usable_from
        expires = rng.choice([start + rng.randrange(6), start + rng.randrange(6), m.NEVER, m.INACTIVE])
        return m.Key(expires, earned, usable_from, rng.choice([0, 0, 0, 1, 2, 2147483647]))

    def queue(self, most=12):
        lots = {}
        for _ in range(self.rng.randrange(most)):
            m.put(lots, self.key(), self.rng.choice([1, 2, 10, self.rng.randrange(1, 1000), 10 ** 12]))
        return lots

    def literal(self, lots):
        return "'" + m.lots_text(lots) + "'::loyalty.lot_queue"

    def properties(self, count):
        rng = self.rng
        for _ in range(count):
            a, b = self.queue(), self.queue()
            on = m.day('2025-01-01') + rng.randrange(-5, 12)
            one, other, date = self.literal(a), self.literal(b), f"DATE '{m.day_text(on)}'"
            both = m.gather([*a.items(), *b.items()])
            usable = [(k, n) for k, n in m.in_order(a) if k.usable_from <= on <= k.expires]
            there = sum(n for _, n in usable)
            points = rng.choice([1, there, there + 1, rng.randint(1, max(1, there))])
            taken = m.gather(m.first_of(usable, points))
            expired = {k: n for k, n in a.items() if k.expires < on and k.usable_from <= on}
            contained = all(a.get(k, 0) >= n for k, n in b.items())
            left = dict(a)
            if contained:
                for k, n in b.items():
                    m.drop(left, k, n)
            part = m.gather(m.first_of(self.shuffled(a), rng.randrange(max(1, m.total(a)))))
            rest = dict(a)
            for k, n in part.items():
                m.drop(rest, k, n)
            answers = self.ask(
                one, f'loyalty.total({one})', f'loyalty.usable({one}, {date})',
                f'loyalty.lots_expired({one}, {date})', f'loyalty.lots_take({one}, {points}, {date})',
                f'{one} OPERATOR(loyalty.+) {other}', f'{other} OPERATOR(loyalty.+) {one}',
                f'{one} OPERATOR(loyalty.-) {other}', f'{one} OPERATOR(loyalty.-) {self.literal(part)}',
                f'{one} OPERATOR(loyalty.-) {self.literal(part)} OPERATOR(loyalty.+) {self.literal(part)} '
                f'OPERATOR(loyalty.=) {one}',
                f'{one} OPERATOR(loyalty.=) {other}', f"encode(loyalty.lot_queue_send({one}), 'hex')",
                f'(SELECT array_agg(u) FROM loyalty.unnest({one}) AS u)')
            text, total, use, gone, take, plus, sulp, minus, less, back, equal, binary, rows = answers
            self.same('text round trip', text, m.lots_text(a))
            self.same('total', total, str(m.total(a)))
            self.same('usable', use, str(there))
            self.same('expired', gone, m.lots_text(expired))
            self.same('take', take, m.lots_text(taken))         # all that is usable, where that is less
            self.same('add', plus, m.lots_text(both))
            self.same('add commutes', sulp, plus)
            if contained:
                self.same('subtract', minus, m.lots_text(left))
            else:
                self.same('subtract what is not there', minus[:5], 'ERROR')
            self.same('subtract a part', less, m.lots_text(rest))
            self.same('subtract and add again', back, 'true')
            self.same('equal', equal, 'true' if a == b else 'false')
            self.same('unnest, rows', 0 if rows is None else rows.count("("), len(a))
            self.binary_round_trip(a, bytes.fromhex(binary))

    def shuffled(self, lots):
        slices = m.in_order(lots)
        self.rng.shuffle(slices)
        return slices

    def unnested(self, count):
        """unnest() field by field."""
        for _ in range(count):
            a = self.queue()
            self.cursor.execute('SELECT expires_on::text, earned_on::text, usable_from::text, issuer, points, never_expires '
                                'FROM loyalty.unnest(%s::loyalty.lot_queue)', (m.lots_text(a),))
            want = [(None if k.expires in (m.INACTIVE, m.NEVER) else m.day_text(k.expires), m.day_text(k.earned),
                     None if k.usable_from == m.NEVER else m.day_text(k.usable_from), k.issuer, n,
                     k.expires == m.NEVER and k.usable_from != m.NEVER) for k, n in m.in_order(a)]
            self.same('unnest, fields', self.cursor.fetchall(), want)

    def size(self):
        """365 daily lots of a heavy user stay under 2.5 kB, also in a table."""
        first = m.day('2025-01-01')
        lots = {m.Key(first + d + 365, first + d, first + d): 100 + self.rng.randrange(5000) for d in range(365)}
        self.cursor.execute('CREATE TEMP TABLE heavy (l loyalty.lot_queue); ALTER TABLE heavy ALTER l SET STORAGE EXTERNAL')
        self.cursor.execute('INSERT INTO heavy VALUES (%s)', (m.lots_text(lots),))
        self.cursor.execute('SELECT pg_column_size(l), l::text FROM heavy')
        size, text = self.cursor.fetchone()
        print(f'365 daily lots: {size} bytes')
        self.same('365 lots, text', text, m.lots_text(lots))
        self.same('365 lots under 2500 bytes', size < 2500, True)

    # ---------------------------------------------------------------- binary

    def read_binary(self, data):
        """COPY BINARY one value in; its text, or 'ERROR <sqlstate>'."""
        message = b'PGCOPY\n\xff\r\n\0' + struct.pack('>iihi', 0, 0, 1, len(data)) + data + struct.pack('>h', -1)
        try:
            self.cursor.execute('TRUNCATE read_binary')
            self.cursor.copy_expert('COPY read_binary FROM STDIN (FORMAT binary)', io.BytesIO(message))
            self.cursor.execute("SELECT l::text, encode(loyalty.lot_queue_send(l), 'hex') FROM read_binary")
            return self.cursor.fetchone()
        except self.psycopg2.Error as error:
            return f'ERROR {error.pgcode} {error}'.strip(), None

    def binary_round_trip(self, lots, data):
        text, again = self.read_binary(data)
        self.same('binary round trip', text, m.lots_text(lots))
        self.same('binary, the same bytes again', again, data.hex())

    def fuzz_binary(self, count):
        rng = self.rng
        for _ in range(count):
            lots = self.queue(6)
            data = bytearray.fromhex(self.ask(f"encode(loyalty.lot_queue_send({self.literal(lots)}), 'hex')")[0])
            for _ in range(rng.choice([1, 1, 2, 4])):
                self.mutate(data, lambda: rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)]))
            text, again = self.read_binary(bytes(data))
            if text.startswith('ERROR'):
                self.rejected('binary', bytes(data).hex(), text)
            else:
                self.counts['binary accepted'] += 1
                once, = self.ask(f"'{text}'::loyalty.lot_queue")
                self.same('binary accepted, then canonical', once, text)
                self.same('binary accepted, then its own bytes', self.read_binary(bytes.fromhex(again)), (text, again))

    def mutate(self, data, value):
        """Change, insert, delete, cut or repeat at a random place, in place."""
        rng = self.rng
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(6)
        if what == 0 and at < len(data):
            data[at] = value()
        elif what == 1:
            data.insert(at, value())
        elif what == 2:
            del data[at:at + rng.choice([1, 1, 4, 8])]
        elif what == 3:
            del data[at:]
        elif what == 4:
            other = rng.randrange(len(data) + 1)
            data[at:at] = data[min(at, other):max(at, other)]
        elif at < len(data):
            for i in range(at, min(at + 4, len(data))):
                data[i] = value()

    def rejected(self, how, what, error):
        code = error.split()[1]
        self.counts[f'{how} rejected {code}'] += 1
        if not code.startswith(CLASSES):
            self.failures += 1
            print(f'difference: {how} input {what!r}: {error}', flush=True)

    # ---------------------------------------------------------------- text

    WORDS = ['until', 'earned', 'usable', 'issuer', 'pending', 'never', 'inactive', 'infinity', '-infinity', '{', '}',
             ';', '; ', ' ', '0', '-1', '1', '9223372036854775807', '9223372036854775808', '2147483648', '2025-02-30',
             '2025-01-03', '10000-01-01', '4714-01-01 BC', '5874898-01-01', '\t', '\n', 'é', '"', '1e3', '1.5', '١']

    def fuzz_text(self, count):
        rng = self.rng
        for _ in range(count):
            text = m.lots_text(self.queue(5))
            if rng.random() < 0.3:
                words = text.split(' ')
                for _ in range(rng.choice([1, 1, 2])):
                    at = rng.randrange(len(words))
                    words[at:at + rng.randrange(2)] = [rng.choice(self.WORDS)]
                text = ' '.join(words)
            elif rng.random() < 0.1:                        # valid lots, in another order or twice
                parts = text[1:-1].split('; ')
                rng.shuffle(parts)
                text = '{' + '; '.join(parts + parts[:rng.randrange(2)]) + '}'
            else:
                letters = list(text)
                for _ in range(rng.choice([1, 1, 2, 3])):
                    self.mutate(letters, lambda: rng.choice('0123456789 {};-abcdeilnprtuvy\t\nZ'))
                text = ''.join(letters)
            self.cursor.execute('SELECT loyalty_reference.read_lots(%s)', (text,))
            answer = self.cursor.fetchone()[0]
            if answer[0].startswith('ERROR'):
                self.rejected('text', text, answer[0])
                continue
            once, twice, equal, total = answer
            self.counts['text accepted'] += 1
            self.same('text accepted, then canonical', (twice, equal), (once, 'true'))
            try:
                lots = m.parse_lots(once)
            except ValueError:                              # a year that Python does not know
                self.counts['text accepted, beyond the model'] += 1
                continue
            self.same('text accepted, as the model writes it', once, m.lots_text(lots))
            self.same('text accepted, total', total, str(m.total(lots)))

    # ---------------------------------------------------------------- expiry

    def expiries(self, count):
        """expires_on(policy, day) against the model, for every form (S8); the text form reads as itself."""
        import history
        rng = self.rng
        for _ in range(count):
            policy = rng.choice(history.EXPIRIES + [f'{rng.randrange(40)} months', f'{rng.randrange(400)} days',
                                                    f'{rng.randrange(30)} months to end of quarter',
                                                    f'{rng.randrange(30)} days to end of half-year',
                                                    f'end of year + {rng.randrange(5)}'])
            start = m.day('2019-12-01') + rng.randrange(2200)
            want = m.expires_on(policy, start)
            if want == m.INACTIVE:                          # as a date: the months from the day itself
                want = m.add_months(start, m.inactive_months_of(policy))
            date = f"DATE '{m.day_text(start)}'"
            have, again = self.ask(f"loyalty.expires_on('{policy}'::loyalty.expiry, {date})",
                                   f"loyalty.expires_on('{policy}'::loyalty.expiry::text::loyalty.expiry, {date})")
            self.same("expires_on", (policy, m.day_text(start), have), (policy, m.day_text(start), None if want == m.NEVER else m.day_text(want)))
            self.same('expiry text round trip', again, have)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--dsn', default='')
    p.add_argument('--queues', type=int, default=3000)
    p.add_argument('--mutations', type=int, default=20000)
    p.add_argument('--seed', default=str(int(time.time())))
    options = p.parse_args()
    print(f'lots_fuzz: seed {options.seed}', flush=True)
    check = Check(options.dsn, options.seed)
    check.size()
    check.properties(options.queues)
    check.unnested(options.queues // 5)
    check.expiries(options.queues)
    check.fuzz_text(options.mutations)
    check.fuzz_binary(options.mutations // 4)
    for what, count in sorted(check.counts.items()):
        print(f'{count:8d}  {what}')
    print(f'lots_fuzz: {sum(check.counts.values())} checks, {check.failures} differences (seed {options.seed})')
    sys.exit(1 if check.failures else 0)


if __name__ == '__main__':
    main()
