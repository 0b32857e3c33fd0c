#!/usr/bin/python3
"""Recompute the hash chain of accounts from the table, with nothing but SHA-256.

    chain.py --dsn "dbname=test" [--account ID | --limit N]

The form of an entry, version 1 (S29; in the documentation word for word):
  sha256( u8 version = 1 || hash of the entry before (32 bytes; zeros for entry 1) || fields )
The fields are the columns in the order of the view loyalty.chain_fields; each is
u8 0 for NULL, or u8 1 and the value:
  bigint               8 bytes, signed, big-endian (as everything here)
  integer              4 bytes
  date                 4 bytes, days since 2000-01-01; infinity 0x7FFFFFFF
  timestamp with tz    8 bytes, microseconds since 2000-01-01 00:00 UTC; infinity 0x7FFF...FF
  kind                 1 byte, its number in the view loyalty.kinds
  lots                 u32 how many, then each in order of use: date expires, date earned, date usable from
                       (inactive: 0x7FFFFFFE), int32 issuer, int64 points
  text, numeric, jsonb, expiry   u32 length, then the text in UTF-8
The column hash itself is not part.
"""
import argparse
import datetime
import hashlib
import re
import struct
import sys

NEVER, INACTIVE, FOREVER = 0x7FFFFFFF, 0x7FFFFFFE, 0x7FFFFFFFFFFFFFFF
VERSION = b'\x01'

# How a column is read, as text that stands for the value exactly.
READ = {
    'date': "CASE WHEN isfinite({c}) THEN ({c} - DATE '2000-01-01')::text ELSE {c}::text END",
    'timestamp with time zone': "CASE WHEN isfinite({c}) THEN "
                                "((extract(epoch FROM {c}) - 946684800) * 1000000)::bigint::text ELSE {c}::text END"}


def days(text):
    if text in ('infinity', 'never'):
        return NEVER
    return (datetime.date.fromisoformat(text) - datetime.date(2000, 1, 1)).days


def counted(text):
    data = text.encode('utf-8')
    return struct.pack('>I', len(data)) + data


LOT = re.compile(r'(\d+) until (\S+) earned (\S+?)(?: usable (\S+)| (pending))?(?: issuer (-?\d+))?$')


def lots_bytes(text):
    lots = []
    for part in text[1:-1].split('; ') if text != '{}' else []:
        points, until, earned, usable, pending, issuer = LOT.match(part).groups()
        expires = INACTIVE if until == 'inactive' else days(until)
        usable_from = NEVER if pending else days(usable or earned)
        lots.append(struct.pack('>iiiiq', expires, days(earned), usable_from, int(issuer or 0), int(points)))
    return struct.pack('>I', len(lots)) + b''.join(lots)


def value_bytes(kind, text, kinds):
    if kind == 'bigint':
        return struct.pack('>q', int(text))
    if kind == 'integer':
        return struct.pack('>i', int(text))
    if kind == 'date':
        return struct.pack('>i', NEVER if text == 'infinity' else int(text))
    if kind == 'timestamp with time zone':
        return struct.pack('>q', FOREVER if text == 'infinity' else int(text))
    if kind == 'kind':
        return struct.pack('>B', kinds[text])
    if kind == 'lot_queue':
        return lots_bytes(text)
    if kind in ('text', 'numeric', 'jsonb', 'expiry'):
        return counted(text)
    raise ValueError(f'no canonical form for type {kind}')


def entry_hash(before, fields, values, kinds):
    parts = [VERSION, before]
    for (_, kind), text in zip(fields, values):
        parts.append(b'\x00' if text is None else b'\x01' + value_bytes(kind, text, kinds))
    return hashlib.sha256(b''.join(parts)).digest()


def plain_type(name):
    """The type's name as this file calls it."""
    name = name.removeprefix('loyalty.')
    return {'timestamptz': 'timestamp with time zone', 'int8': 'bigint', 'int4': 'integer'}.get(name, name)


def accounts_of(cursor, options):
    if options.account is not None:
        return [options.account]
    cursor.execute('SELECT id FROM loyalty.account ORDER BY id' +
                   (f' LIMIT {options.limit}' if options.limit else ''))
    return [row[0] for row in cursor]


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--dsn', default='')
    p.add_argument('--account', type=int)
    p.add_argument('--limit', type=int)
    options = p.parse_args()
    import psycopg2
    connection = psycopg2.connect(options.dsn)
    connection.set_session(readonly=True, isolation_level='REPEATABLE READ')
    cursor = connection.cursor()
    cursor.execute("SET timezone = 'UTC'; SET datestyle = iso")
    cursor.execute('SELECT name::text, type::text FROM loyalty.chain_fields ORDER BY position')
    fields = [(name, plain_type(kind)) for name, kind in cursor]
    cursor.execute('SELECT label::text, number::int FROM loyalty.kinds')
    kinds = dict(cursor.fetchall())
    columns = ', '.join(READ.get(kind, '{c}::text').format(c=f'e."{name}"') for name, kind in fields)

    entries = wrong = 0
    ids = accounts_of(cursor, options)
    for account in ids:
        cursor.execute(f"SELECT encode(e.hash, 'hex'), e.seq, {columns} FROM loyalty.entry AS e "
                       'WHERE e.account_id = %s ORDER BY e.seq', (account,))
        before, number = bytes(32), 0
        for stored, seq, *values in cursor.fetchall():
            number += 1
            entries += 1
            computed = entry_hash(before, fields, values, kinds)
            if seq != number or stored != computed.hex():
                wrong += 1
                print(f'account {account}, entry {seq}: stored {stored}, computed {computed.hex()}')
            before = bytes.fromhex(stored)
        cursor.execute("SELECT encode(hash, 'hex') FROM loyalty.account WHERE id = %s", (account,))
        last = cursor.fetchone()
        if last is None or last[0] != before.hex():
            wrong += 1
            print(f'account {account}: its hash is not that of its last entry')
    print(f'chain: {len(ids)} accounts, {entries} entries, {wrong} differences')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
