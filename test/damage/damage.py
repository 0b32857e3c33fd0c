#!/usr/bin/python3
"""Damage every stored field in many ways, and see that nothing dies and that verify names it.

    damage.py --dsn "dbname=damage"                the form of make test
    damage.py --dsn "dbname=damage" --random 20 --absent 1000 --reads 10 --views 5 --rows 3     the long one
    damage.py --dsn "dbname=damage" --only entry.charges

The database is made anew from history.sql: an account with entries of every kind of
loyalty.kinds. For every column of entry (once for each kind), account, hold, tally, usage
and budget, each value below is written in its place, guards, constraints and NOT NULL taken
away; then verify() of the member and of all, and the reads, run; then all is undone.

Failures are: the server dies or hangs; verify raises anything; a read raises anything but
an error of class LY (LY014, or LY004 of an account that has lost its member); the damage is not named by a row of verify.  Exit status 1 if there was one.
"""
import argparse
import collections
import os
import random
import sys
import time

import psycopg2

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = ["entry", "account", "hold", "tally", "usage", "budget"]

# What cannot be noticed, because it means what was there: column, and the values' condition
# over {old} and {new}.
SAME_MEANING = {
    "account.due_at": ("{new} < {old}", "a lower bound: too early costs a look, never a point"),
}

# Errors that are right although they are not of class LY.
RIGHT_ERRORS = {
    "account.computed_last_day": ("22008", "the window after the year 9999"),
}

# Expressions of SQL that replace a value, by type; {c} is the column.  Those that cannot be
# computed or stored are counted, and passed over.
INT = ["NULL", "0", "1", "-1", "{c} + 1", "{c} - 1", "-{c}", "{c} * 2", "2147483647", "-2147483648"]
VALUES = {
    "bigint": INT + ["999999999999999", "1000000000000001", "1000000000000000000", "1000000000000000001",
                     "-1000000000000000001", "9223372036854775807", "-9223372036854775808"],
    "integer": INT + ["1200", "1201", "999999"],
    "boolean": ["NULL", "NOT {c}"],
    "date": ["NULL", "'infinity'", "'-infinity'", "{c} + 1", "{c} - 1", "{c} + 366", "'0001-01-01'", "'4713-01-01 BC'",
             "'9999-12-31'", "'10000-01-01'", "'5874897-12-31'", "'2024-02-29'", "'1900-01-01'"],
    "timestamp with time zone": ["NULL", "'infinity'", "'-infinity'", "{c} + interval '1 us'", "{c} - interval '1 us'",
                                 "{c} + interval '1 day'", "{c} - interval '40 years'", "'0001-01-01'",
                                 "'4714-11-24 BC'", "'9999-12-31 23:59:59.999999'", "'294276-12-31'", "'2100-01-01'"],
    "numeric": ["NULL", "'NaN'", "'Infinity'", "'-Infinity'", "0", "-1", "{c} + 0.01", "{c} - 0.01", "-{c}", "1e1000",
                "1e-1000", "0.0000000000001", "999999999999999.99", "1e15", "'1' || repeat('0', 100000)",
                "{c} + 0.000"],
    "text": ["NULL", "''", "'x'", "'none'", "{c} || 'x'", "upper({c})", "' ' || {c}", "repeat('x', 10000)", "'spending'", "'all'",
             "'grant ended'", "'joined'", "'purchase'", "'award'", "'gold'", "'%s%n'", "E'\\n'", "chr(233)"],
    "loyalty.kind": ["NULL"] + ["'%s'" % chr(n) + '::"char"::loyalty.kind' for n in (33, 77, 126)] +
                    ["0::\"char\"::loyalty.kind", "(-1)::\"char\"::loyalty.kind"],
    "loyalty.expiry": ["NULL", "'never'", "'12 months'", "'2 months inactive'", "'each 02-29'"],
    "loyalty.lot_queue": ["NULL", "'{}'", "'{7 until never earned 2024-01-01}'", "'{1 until 0001-01-01 earned 0001-01-01}'",
                     "'{1000000000000000000 until never earned 2024-01-01}'", "loyalty.lot_queue_plus({c}, '{1 until 2030-01-01 earned 2024-01-01}')",
                     "loyalty.lot_queue_plus({c}, {c})", "(SELECT ('{' || string_agg('1 until never earned ' || d::date, '; ' ORDER BY d) || '}')::loyalty.lot_queue FROM generate_series(date '2020-01-01', date '2022-09-26', '1 day') d)"],
    "bytea": ["NULL", "''", "substr({c}, 2)", "{c} || '\\x00'", "set_byte({c}, 0, get_byte({c}, 0) # 1)",
              "set_byte({c}, 31, get_byte({c}, 31) # 128)", "decode(repeat('00', 32), 'hex')", "decode(repeat('ff', 100000), 'hex')"],
    "jsonb": ["NULL", "'null'", "'1'", "'\"x\"'", "'true'", "'{}'", "'[]'", "'[1]'", "'[null]'", "'[[]]'", "'[{}]'", "'[{}, 1]'",
              "'[[[[{\"id\": 1}]]]]'", "'{\"id\": 1, \"points\": 1}'", "({c} -> 0)", "{c} || {c}", "{c} - 0", "{c} || '[{}]'",
              "jsonb_build_array({c})", "jsonb_build_object('x', {c})",
              "(SELECT jsonb_agg(jsonb_build_object('id', i, 'points', 1, 'amount', 1, 'part', 'x')) FROM generate_series(1, 10001) i)"],
}
# Bytes of the extension's own types, which PostgreSQL's casts do not look at.
BYTES = ["'\\x'", "'\\x00'", "'\\x01'", "'\\x0100000000000000000000'", "'\\x01ffff0000000000000000'",
         "'\\x010100ffffffffffffff7f00'", "substr({b}, 1, length({b}) - 1)", "substr({b}, 2)", "{b} || '\\x00'", "{b} || {b}",
         "set_byte({b}, 0, 2)", "set_byte({b}, 1, get_byte({b}, 1) # 1)", "set_byte({b}, 2, 255)", "set_byte({b}, 3, get_byte({b}, 3) # 1)",
         "set_byte({b}, length({b}) - 1, 255)", "set_byte({b}, length({b}) - 1, 0)", "set_byte({b}, length({b}) / 2, 255)",
         "set_byte({b}, 11, 255)", "set_byte({b}, 12, 255)", "decode(repeat('ff', 40), 'hex')", "decode(repeat('80', 100), 'hex')"]
# What members of the objects of jsonb become.
MEMBERS = ["null", "-1", "0", "1.5", "1e30", "-1e30", "99999", "1000000000000000001", "\"x\"", "\"\"", "true", "[]", "{}", "[{}]",
           "\"infinity\"", "\"2024-13-45\"", "\"2024-01-0\"", "\"12 months\"", "\"inactive\""]

FUNCTIONS = r"""
CREATE SCHEMA damage;
CREATE CAST ("char" AS loyalty.kind) WITHOUT FUNCTION;
CREATE CAST (bytea AS loyalty.lot_queue) WITHOUT FUNCTION;
CREATE CAST (loyalty.lot_queue AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS loyalty.expiry) WITHOUT FUNCTION;
CREATE CAST (loyalty.expiry AS bytea) WITHOUT FUNCTION;

-- Take away what keeps damage out: guards, constraints, NOT NULL (not of primary keys,
-- which the extension finds its rows by).
DO $$
DECLARE
	o record;
BEGIN
	FOR o IN SELECT unnest(string_to_array('@TABLES', ',')) AS t LOOP
		EXECUTE format('ALTER TABLE loyalty.%I DISABLE TRIGGER ALL', o.t);
	END LOOP;
	FOR o IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
		WHERE contype = 'c' AND conrelid = ANY (SELECT ('loyalty.' || unnest(string_to_array('@TABLES', ',')))::regclass) LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', o.t, o.conname);
	END LOOP;
	FOR o IN SELECT a.attrelid::regclass AS t, a.attname FROM pg_attribute a
		WHERE a.attrelid = ANY (SELECT ('loyalty.' || unnest(string_to_array('@TABLES', ',')))::regclass)
			AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND a.attidentity = ''
			AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)) LOOP
		EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', o.t, o.attname);
	END LOOP;
END
$$;

CREATE TYPE damage.result AS (tried int, same int, unstored int, refused int, failures text[]);

-- Run a read: NULL, or the SQLSTATE and message of its error.
CREATE FUNCTION damage.read(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM || ' in ' || query;
END
$$;

-- Put one value after the other into a row's column, and look.  named: what verify's row
-- must satisfy; verifies: queries that must not fail; reads: that may
-- with an error of class LY; some of them after each value, in turn.
CREATE FUNCTION damage.try(tab text, col text, place text, expressions text[], same text, named text,
	verifies text[], reads text[], views text[], nreads int, every int) RETURNS damage.result
LANGUAGE plpgsql AS $$
DECLARE
	r damage.result := (0, 0, 0, 0, '{}');
	expression text; query text; error text; n int; is_same boolean; is_named boolean;
BEGIN
	FOREACH expression IN ARRAY expressions LOOP
		BEGIN
			BEGIN
				EXECUTE format('WITH old AS (SELECT %2$I AS old FROM loyalty.%1$I WHERE %4$s)
					UPDATE loyalty.%1$I SET %2$I = %3$s WHERE %4$s RETURNING coalesce((SELECT %5$s), false)',
					tab, col, expression, place,
					replace(replace(same, '{old}', '(SELECT old FROM old)'), '{new}', col)) INTO is_same;
				GET DIAGNOSTICS n = ROW_COUNT;
			EXCEPTION WHEN OTHERS THEN
				r.unstored := r.unstored + 1;
				RAISE SQLSTATE 'ZZ001';
			END;
			IF n <> 1 THEN
				RAISE EXCEPTION 'no row of % where %', tab, place;
			END IF;
			IF is_same THEN
				r.same := r.same + 1;
			ELSE
				r.tried := r.tried + 1;
			END IF;
			EXECUTE 'SELECT count(*) FILTER (WHERE ' || named || ') > 0, count(v::text) FROM loyalty.verify() v' INTO is_named, n;
			IF NOT is_named AND NOT is_same THEN
				r.failures := r.failures || format('not named: %s.%s := %s', tab, col, expression);
			END IF;
			FOREACH query IN ARRAY verifies LOOP
				error := damage.read(query);
				IF error IS NOT NULL THEN
					r.failures := r.failures || format('%s.%s := %s: %s', tab, col, expression, error);
				END IF;
			END LOOP;
			FOREACH query IN ARRAY reads[1 + (r.tried * nreads) % cardinality(reads) : nreads + (r.tried * nreads) % cardinality(reads)] || CASE WHEN (r.tried + every / 2) % every = 0 THEN views END LOOP
				error := damage.read(query);
				IF error LIKE 'LY0%' THEN
					r.refused := r.refused + 1;
				ELSIF error IS NOT NULL THEN
					r.failures := r.failures || format('%s.%s := %s: %s', tab, col, expression, error);
				END IF;
			END LOOP;
			RAISE SQLSTATE 'ZZ001';
		EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
			NULL;
		WHEN OTHERS THEN
			r.failures := r.failures || format('%s.%s := %s: %s %s', tab, col, expression, SQLSTATE, SQLERRM);
		END;
	END LOOP;
	RETURN r;
END
$$;
"""

# For the member of the damaged row.
VERIFIES = ["SELECT count(v::text) FROM loyalty.verify('ida') v"]
READS = ["SELECT loyalty.balance('ida')", "SELECT loyalty.balance('ida', at => '2024-02-14')",
         "SELECT count(l::text) FROM loyalty.lots(member => 'ida') l",
         "SELECT count(l::text) FROM loyalty.lots(member => 'ida', at => '2024-02-14') l",
         "SELECT count(s::text) FROM loyalty.statement('ida') s",
         "SELECT count(b::text) FROM loyalty.backtest('draft') b",
         "SELECT count(e::text) FROM loyalty.explain('ida', 'p1') e",
         "SELECT count(e::text) FROM loyalty.explain('ida', '%(ref)s') e",
         "SELECT loyalty.member_card('ida')", "SELECT loyalty.preview('ida', 20)"]


class Database:
    """A connection that is made again when the server has died."""

    def __init__(self, dsn):
        self.dsn = dsn
        self.connect()

    def connect(self):
        for _ in range(60):
            try:
                self.connection = psycopg2.connect(self.dsn, options="-c client_min_messages=error -c timezone=UTC "
                                                   "-c loyalty.program=shop -c max_parallel_workers_per_gather=0 "
                                                   "-c statement_timeout=600s -c plan_cache_mode=force_custom_plan")
                self.connection.autocommit = True
                return
            except psycopg2.OperationalError:
                time.sleep(1)
        raise SystemExit("the server does not come back")

    def rows(self, query, parameters=None):
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []


class Test:
    """What was tried, and what went wrong."""

    def __init__(self, database, options):
        self.database = database
        self.options = options
        self.random = random.Random(options.seed)
        self.sums = collections.defaultdict(collections.Counter)
        self.values = collections.defaultdict(set)
        self.crashes = []
        self.failures = []
        self.views = ["SELECT count(v::text) FROM loyalty.%s v" % name for (name,) in database.rows(
            "SELECT relname FROM pg_class WHERE relnamespace = 'loyalty'::regnamespace AND relkind = 'v' ORDER BY 1")]

    def expressions(self, table, column, kind_of_type, place):
        """The expressions that replace a column's value in one row."""
        quoted = '"%s"' % column
        base = kind_of_type
        found = [e.replace("{c}", quoted) for e in VALUES.get(base, ["NULL"])]
        if base == "loyalty.kind":
            found += ["'%s'" % label for (label,) in self.database.rows("SELECT label FROM loyalty.kinds")]
        if base in ("loyalty.lot_queue", "loyalty.expiry"):
            bytes_of = '%s::bytea' % quoted
            found += ["(%s)::bytea::%s" % (e.replace("{b}", bytes_of), base) for e in BYTES]
        if base == "jsonb":
            found += self.members(table, column, quoted)
        return found + self.others(table, column, base) + self.made_up(base)

    def members(self, table, column, quoted):
        """Each member of each object, gone or of another value."""
        found = []
        for key, in self.database.rows("SELECT DISTINCT k FROM loyalty.%s, LATERAL jsonb_array_elements(CASE jsonb_typeof(\"%s\") "
                                       "WHEN 'array' THEN \"%s\" END) o, jsonb_object_keys(CASE jsonb_typeof(o) WHEN 'object' THEN o END) k"
                                       % (table, column, column)):
            found.append("%s #- '{0,%s}'" % (quoted, key))
            found += ["jsonb_set(%s, '{0,%s}', '%s')" % (quoted, key, value) for value in MEMBERS]
        return found

    def others(self, table, column, base):
        """Values of other rows."""
        if base in ("loyalty.kind",):
            return []
        return ["%s::%s" % (literal, base) for (literal,) in self.database.rows(
            "SELECT quote_literal(x) FROM (SELECT DISTINCT \"%s\"::text AS x FROM loyalty.%s WHERE \"%s\" IS NOT NULL) o ORDER BY md5(x) LIMIT %d"
            % (column, table, column, self.options.others))]

    def made_up(self, base):
        """Values by chance."""
        pick = self.random.randrange
        makers = {
            "bigint": lambda: str(pick(-2 ** 63, 2 ** 63) >> pick(0, 63)),
            "integer": lambda: str(pick(-2 ** 31, 2 ** 31) >> pick(0, 31)),
            "date": lambda: "date '2000-01-01' + %d" % (pick(-2 ** 31, 2 ** 31) >> pick(9, 31)),
            "timestamp with time zone": lambda: "timestamptz '2000-01-01' + interval '%d s'" % (pick(-2 ** 40, 2 ** 40) >> pick(0, 30)),
            "numeric": lambda: "%de%d" % (pick(-999, 1000), pick(-20, 20)),
            "text": lambda: "'%s'" % "".join(chr(pick(97, 123)) for _ in range(pick(1, 20))),
            "bytea": lambda: "decode('%s', 'hex')" % self.random.randbytes(32).hex(),
            "loyalty.lot_queue": lambda: "decode('01%s', 'hex')::loyalty.lot_queue" % self.random.randbytes(pick(0, 40)).hex(),
            "loyalty.expiry": lambda: "decode('%s', 'hex')::loyalty.expiry" % self.random.randbytes(pick(0, 20)).hex(),
            "jsonb": lambda: "'%s'" % self.made_up_json(3),
        }
        return [makers[base]() for _ in range(self.options.random)] if base in makers else []

    def made_up_json(self, depth):
        pick = self.random.randrange
        kind = pick(0, 7 if depth else 5)
        if kind == 0:
            return "null"
        if kind == 1:
            return str(pick(-5, 100))
        if kind == 2:
            return "%de%d" % (pick(-9, 10), pick(-30, 40))
        if kind == 3:
            return '"%s"' % self.random.choice(["x", "infinity", "2024-01-01", "base", "never"])
        if kind == 4:
            return "true"
        if kind == 5:
            return "[%s]" % ", ".join(self.made_up_json(depth - 1) for _ in range(pick(0, 4)))
        keys = ["id", "on", "points", "times", "part", "given", "due", "amount", "line", "quantity", "seq", "tier", "from", "until"]
        return "{%s}" % ", ".join('"%s": %s' % (self.random.choice(keys), self.made_up_json(depth - 1)) for _ in range(pick(0, 5)))

    def try_column(self, table, column, base, place, group, named, ref):
        """All values of one column of one row."""
        label = "%s.%s" % (table, column)
        expressions = self.expressions(table, column, base, place)
        if self.database.rows('SELECT "%s" IS NULL FROM loyalty.%s WHERE %s' % (column, table, place))[0][0]:
            self.random.shuffle(expressions)
            expressions = expressions[:self.options.absent]
        same = '{old} IS NOT DISTINCT FROM {new}'
        if base in ("loyalty.lot_queue", "loyalty.expiry"):
            same = '{old}::bytea IS NOT DISTINCT FROM {new}::bytea'
        elif base in ("numeric", "jsonb"):
            same = '{old}::text IS NOT DISTINCT FROM {new}::text'
        if label in SAME_MEANING:
            same = "(%s) OR (%s)" % (same, SAME_MEANING[label][0])
        self.values[base] |= set(expressions)
        reads = [r % {"ref": ref} if "%(ref)s" in r else r for r in READS]
        while expressions:
            batch, expressions = expressions[:self.options.batch], expressions[self.options.batch:]
            self.run(table, column, place, batch, same, named, reads, group)

    def run(self, table, column, place, batch, same, named, reads, group):
        try:
            (tried, same_count, unstored, refused, failures), = self.database.rows(
                "SELECT * FROM damage.try(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (table, column, place, batch, same, named, VERIFIES, reads, self.views, self.options.reads, self.options.views))
            self.sums[group].update(tried=tried, same=same_count, unstored=unstored, refused=refused)
            for failure in failures:
                self.fail("%s [%s]" % (failure, place))
        except psycopg2.OperationalError as error:
            self.database.connect()
            if len(batch) == 1:
                self.crashes.append("%s.%s := %s [%s]: %s" % (table, column, batch[0], place, str(error).split("\n")[0]))
                print("CRASH " + self.crashes[-1], flush=True)
                return
            for expression in batch:
                self.run(table, column, place, [expression], same, named, reads, group)

    def fail(self, failure):
        right = RIGHT_ERRORS.get(failure.split(" := ")[0])
        if right and ": %s: " % right[0] in failure:
            return
        self.failures.append(failure)
        if len(self.failures) <= self.options.show:
            print("FAILED " + failure[:600], flush=True)


def columns_of(database, table):
    return database.rows("SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass "
                         "AND attnum > 0 AND NOT attisdropped ORDER BY attnum", ("loyalty." + table,))


def rows_of(database, table, options):
    """The rows to damage: where, of which kind, what names it, a ref."""
    ida, = database.rows("SELECT a.id FROM loyalty.account a JOIN loyalty.member m ON m.id = a.member_id WHERE m.key = 'ida'")[0]
    if table == "entry":
        for kind, seq, ref in database.rows(
                "SELECT kind, seq, ref FROM (SELECT kind::text, seq, coalesce(ref, of_ref, 'p1') AS ref, row_number() OVER (PARTITION BY kind "
                "ORDER BY num_nulls(parts, charges, lines, taken, gained, spared, graced, amount), seq) AS n "
                "FROM loyalty.entry WHERE account_id = %s) e WHERE n <= %s ORDER BY seq", (ida, options.rows)):
            yield ("account_id = %d AND seq = %d" % (ida, seq), kind,
                   "v.account_id = %d AND v.entry = %d AND v.field IN (''|column|'', 'hash')" % (ida, seq), ref)
    elif table == "account":
        yield ("member_id = (SELECT id FROM loyalty.member WHERE key = 'ida')", "account",
               "v.account_id = %d AND v.entry IS NULL AND v.field = ''|column|''" % ida, "p1")
    elif table == "budget":
        yield ("id = (SELECT min(id) FROM loyalty.budget)", "budget", "v.field LIKE 'budget%'", "p1")
    else:
        order = {"hold": "seq", "tally": "happened_on, activity, counts_from", "usage": "period_on, counter_id"}[table]
        for ctid, in database.rows("SELECT ctid::text FROM loyalty.%s WHERE account_id = %d ORDER BY %s LIMIT %d" % (table, ida, order, options.rows)):
            key = database.rows("SELECT %s FROM loyalty.%s WHERE ctid = '%s'" % (
                " || ' AND ' || ".join("'%s = ' || quote_literal(%s::text)" % (c.strip(), c.strip()) for c in order.split(",")), table, ctid))[0][0]
            yield ("account_id = %d AND %s" % (ida, key), table, "v.account_id = %d AND v.field LIKE '%s%%'" % (ida, table), "p1")


# Columns whose damage another field names: those that say whose the row is.
NAMED_OTHERWISE = {
    "account.id": "v.field IN ('id', 'account_id', 'seq', 'hold', 'hold.account_id', 'usage.account_id', 'tally.account_id')",
    "account.member_id": "v.field IN ('member_id', 'seq')",
    "account.tallied": "v.field IN ('tallied', 'tally.account_id')",
    "entry.account_id": "v.field IN ('account_id', 'seq')",
    "entry.seq": "v.field IN ('seq', 'hash')",
    "hold.account_id": "v.field IN ('hold', 'hold.account_id')",
    "tally.account_id": "v.field LIKE 'tally%'",
    "usage.account_id": "v.field LIKE 'usage%'",
}


def make_database(dsn, history):
    """History.sql by psql, in an empty database."""
    import subprocess
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", history], check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--random", type=int, default=2, help="values by chance for each field")
    parser.add_argument("--others", type=int, default=2, help="values of other rows")
    parser.add_argument("--rows", type=int, default=1, help="rows of each kind and table")
    parser.add_argument("--reads", type=int, default=1, help="how many of the reads after each value, in turn")
    parser.add_argument("--views", type=int, default=25, help="read all views after each so many values")
    parser.add_argument("--absent", type=int, default=6, help="values for a field that the row has not")
    parser.add_argument("--batch", type=int, default=60)
    parser.add_argument("--seed", type=int, default=4242)
    parser.add_argument("--show", type=int, default=40)
    parser.add_argument("--only", help="table or table.column")
    options = parser.parse_args()
    make_database(options.dsn, os.path.join(HERE, "history.sql"))
    database = Database(options.dsn)
    missing = database.rows("SELECT label FROM loyalty.kinds k WHERE NOT EXISTS (SELECT FROM loyalty.entry e "
                            "JOIN loyalty.account a ON a.id = e.account_id JOIN loyalty.member m ON m.id = a.member_id "
                            "WHERE m.key = 'ida' AND e.kind::text = k.label)")
    if missing:
        raise SystemExit("history.sql has no entry of kind " + ", ".join(kind for (kind,) in missing))
    if database.rows("SELECT * FROM loyalty.verify()"):
        raise SystemExit("history.sql leaves differences: %s" % database.rows("SELECT * FROM loyalty.verify()"))
    database.rows(FUNCTIONS.replace("@TABLES", ",".join(TABLES)))
    test = Test(database, options)
    started = time.time()
    fields = set()
    kinds = set()
    for table in TABLES:
        if options.only and options.only.split(".")[0] != table:
            continue
        for place, kind, named, ref in list(rows_of(database, table, options)):
            kinds.add(kind)
            for column, base in columns_of(database, table):
                label = "%s.%s" % (table, column)
                if options.only and "." in options.only and label != options.only:
                    continue
                fields.add(label)
                test.try_column(table, column, base, place, label,
                                NAMED_OTHERWISE.get(label, named.replace("''|column|''", "'%s'" % column)), ref)
            database.rows("VACUUM loyalty." + table)
    report(test, fields, kinds, time.time() - started)
    sys.exit(1 if test.crashes or test.failures else 0)


def report(test, fields, kinds, seconds):
    total = collections.Counter()
    for counter in test.sums.values():
        total.update(counter)
    print("damage: %d columns, %d kinds of rows, %d different values (seed %d)" % (
        len(fields), len(kinds), sum(len(v) for v in test.values.values()), test.options.seed))
    print("damage: %d damages tried; %d more changed nothing that means anything, %d could not be stored" % (
        total["tried"], total["same"], total["unstored"]))
    print("damage: %d reads refused with LY0xx; crashes %d; failures %d (not named %d)" % (
        total["refused"], len(test.crashes), len(test.failures), sum(f.startswith("not named") for f in test.failures)))
    print("damage: %d s" % seconds)


if __name__ == "__main__":
    main()
