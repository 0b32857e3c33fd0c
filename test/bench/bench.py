#!/usr/bin/python3
"""Benchmarks of loyalty: every row of issue 2, Done when 5.

Each figure with a target is a ratio of medians over alternating runs
(A B A B ..., the first round of each thrown away as warming up) made in one
go; none asserts a time. Connects as superuser by the libpq environment
(PGHOST, PGPORT, PGUSER), creates the databases bench and bench_large anew
for each row, and drops them at the end. The memory row reads /proc, so the
server has to be on this machine.

    bench.py                      every row; writes doc/benchmarks.md
    bench.py --rows award,sweep   these rows; replaces theirs in doc/benchmarks.md
    bench.py --quick              small numbers, under a minute, writes nothing
"""

import argparse
import collections
import datetime
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

HERE = os.path.dirname(os.path.abspath(__file__))
DOC = os.path.normpath(os.path.join(HERE, "..", "..", "doc", "benchmarks.md"))
REMARKS = os.path.join(HERE, "remarks.md")

# The server's settings that are printed; the benchmarks change none but full_page_writes, in the row wal.
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_level",
            "shared_buffers", "max_wal_size", "checkpoint_timeout",
            "autovacuum", "work_mem", "jit", "max_parallel_workers_per_gather")

# One line of the table. target is a number with its relation ("<=" or ">="),
# or None for a figure that is only reported.
Result = collections.namedtuple("Result", "name what relation target value unit detail")


# ---------------------------------------------------------------- databases

def connect(database):
    """Open a session that commits by itself; one statement is one transaction."""
    connection = psycopg2.connect(dbname=database, application_name="loyalty_bench")
    connection.autocommit = True
    return connection


def create_extension(session):
    session.run("CREATE EXTENSION loyalty")


class Session:
    """A backend in one of the benchmark's own databases."""

    def __init__(self, database):
        self.database = database
        self.connection = connect(database)
        self.cursor = self.connection.cursor()

    def run(self, sql, *arguments):
        """Run a statement; give its seconds, seen from here."""
        start = time.perf_counter()
        self.cursor.execute(sql, arguments or None)
        return time.perf_counter() - start

    def one(self, sql, *arguments):
        self.cursor.execute(sql, arguments or None)
        return self.cursor.fetchone()[0]

    def script(self, name):
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            self.cursor.execute(file.read())

    def vacuum(self):
        """Leave autovacuum nothing to do in the middle of a run."""
        self.run("VACUUM ANALYZE")

    def close(self):
        self.connection.close()


def admin(*statements):
    connection = connect("postgres")
    for statement in statements:
        connection.cursor().execute(statement)
    connection.close()


def fresh(database="bench"):
    """Create the database anew, with the extension, one program and the baselines."""
    admin(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)", f"CREATE DATABASE {database}")
    session = Session(database)
    create_extension(session)
    session.run("INSERT INTO loyalty.program (code, name, expiry) VALUES ('bench', 'Benchmark', '24 months')")
    session.script("plpgsql.sql")
    session.script("plain.sql")
    session.script("bare.sql")
    session.run("CREATE TABLE request (n bigint, member text, amount numeric, ref text, "
                "points bigint, account bigint, expires_on date, at timestamptz)")
    return session


# ------------------------------------------------------------------ setting up

def enroll(session, prefix, members, everywhere=False, days_ago=800):
    """Enroll <prefix>1 ... <prefix>N in the ledger and, if asked, in the two by hand."""
    session.run("INSERT INTO loyalty.enrollments (member, at) "
                "SELECT %s || i, now() - %s * interval '1 day' FROM generate_series(1, %s) i",
                prefix, days_ago, members)
    if everywhere:
        session.run("INSERT INTO bench_plpgsql.account (member) "
                    "SELECT %s || i FROM generate_series(1, %s) i", prefix, members)
        session.run("INSERT INTO bench_plain.account (id) SELECT id FROM bench_plpgsql.account "
                    "EXCEPT SELECT id FROM bench_plain.account ORDER BY 1")


def request(session, prefix, members, rows, tag):
    """Fill request with rows over the members, evenly, in a shuffled order; account is their number in plain."""
    session.run("TRUNCATE request")
    session.run("INSERT INTO request "
                "SELECT i, r.member, 5 + (i %% 9000) / 100.0, %s || i, 5 + i %% 90, a.id "
                "FROM generate_series(1, %s) i CROSS JOIN LATERAL (SELECT %s || (1 + i %% %s) AS member) r "
                "LEFT JOIN bench_plpgsql.account a USING (member) ORDER BY hashint8(i)", tag, rows, prefix, members)
    session.run("ANALYZE request")


def lots(session, prefix, members, count, points):
    """Give each member count lots, dated to the last count days, by the set path."""
    session.run("INSERT INTO loyalty.awards (member, points, ref, at) "
                "SELECT %s || i, %s, 'lot' || d, date_trunc('day', now()) - d * interval '1 day' "
                "FROM generate_series(1, %s) i, generate_series(%s, 1, -1) d",
                prefix, points, members, count)


# ------------------------------------------------------------------- measuring

def each(call, source="request"):
    """A statement that makes the call once for each row and keeps the results to itself."""
    return f"SELECT count(r) FROM (SELECT {call} AS r FROM {source} OFFSET 0) q"


def alternate(rounds, step):
    """Run step(0) ... step(rounds), each giving a tuple of figures, side by side;
    drop the first and give one list for each of the sides."""
    figures = []
    for number in range(rounds + 1):
        figures.append(step(number))
        print(".", end="", file=sys.stderr, flush=True)
    return [list(side) for side in zip(*figures[1:])]


def ratio(name, what, relation, target, a, b, note="", show="ms", invert=False):
    """The result line for medians of A over B (or B over A, where A and B are rates)."""
    top, bottom = (b, a) if invert else (a, b)
    value = statistics.median(top) / statistics.median(bottom)
    spread = sorted(x / y for x, y in zip(top, bottom))
    detail = f"{unit(statistics.median(a), show)} against {unit(statistics.median(b), show)}; " \
             f"pairs {spread[0]:.2f}–{spread[-1]:.2f}"
    return Result(name, what, relation, target, value, "×", detail + (f"; {note}" if note else ""))


def unit(figure, show):
    if show == "tps":
        return f"{figure:,.0f} tps"
    if show == "us":
        return f"{figure * 1e6:,.1f} µs"
    return f"{figure * 1e3:,.0f} ms"


def pgbench_path():
    """The pgbench of the server's major version, or whatever is on the path."""
    connection = connect("postgres")
    major = connection.server_version // 10000
    connection.close()
    for path in (f"/usr/lib/postgresql/{major}/bin/pgbench", shutil.which("pgbench")):
        if path and os.path.exists(path):
            return path
    sys.exit("bench: no pgbench found")


def pgbench(database, seconds, clients, *arguments, script=None):
    """Run pgbench with prepared statements; give its transactions per second."""
    command = [pgbench_path(), "-n", "-M", "prepared", "-T", str(seconds), "-c", str(clients),
               "-j", str(min(clients, 2)), *arguments]
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        if script:
            file.write(script)
            file.flush()
            command += ["-f", file.name]
        done = subprocess.run(command + [database], capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    failed = re.search(r"number of failed transactions: ([1-9]\d*)", done.stdout)
    if done.returncode != 0 or not found or failed:
        sys.exit(f"bench: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return float(found.group(1))


class Memory(threading.Thread):
    """The most private memory that a backend takes while the block runs, by /proc."""

    def __init__(self, session):
        super().__init__(daemon=True)
        self.path = f"/proc/{session.one('SELECT pg_backend_pid()')}/status"
        self.before = self.peak = self.read()
        self.over = threading.Event()

    def read(self):
        with open(self.path, encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))

    def run(self):
        while not self.over.wait(0.02):
            self.peak = max(self.peak, self.read())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.peak = max(self.peak, self.read())
        self.over.set()
        self.join()

    def growth(self):
        """Megabytes (10^6) over what it was."""
        return (self.peak - self.before) * 1024 / 1e6


# ------------------------------------------------------------------------ rows

def award(size):
    """100,000 awards by function in one backend, ten statements of 10,000."""
    members, batches, rounds = (500, 2, 2) if size.quick else (10000, 10, 5)
    session = fresh()
    rows = session.one("SELECT text FROM bench_bare.statement WHERE name = 'rows'")

    def step(number):
        prefix = f"m{number}-"
        enroll(session, prefix, members, everywhere=True)
        session.run("CALL bench_bare.follow()")
        session.vacuum()
        ours = theirs = plain = bare = 0.0
        for batch in range(batches):
            request(session, prefix, members, members, f"r{batch}-")
            ours += session.run(each("loyalty.award(member, points, ref)"))
            written = session.one("SELECT bench_bare.capture()")
            assert written == members, f"{written} entries of {members} awards"
            theirs += session.run(each("bench_plpgsql.award(member, points, ref)"))
            plain += session.run(each("bench_plain.award(account, points, ref)"))
            bare += session.run(rows)
        return ours, theirs, plain, bare

    ours, theirs, plain, bare = alternate(rounds, step)
    count = f"{members * batches:,} awards"
    yield ratio("award_plain", f"{count} in one backend, times as fast as plain", ">=", 1.5, ours, plain, invert=True)
    yield ratio("award_plpgsql", f"{count} in one backend, times as fast as plpgsql", ">=", 2, ours, theirs, invert=True)
    yield ratio("award_bare", f"{count} in one backend, against bare called for each row", "<=", 2, ours, bare)

    session.run("ALTER TABLE bench_plpgsql.entry DROP CONSTRAINT entry_account_id_fkey")
    session.run("ALTER TABLE bench_plpgsql.lot DROP CONSTRAINT lot_account_id_fkey")
    ours, theirs, _, _ = alternate(min(rounds, 3), lambda number: step(number + rounds + 1))
    yield ratio("award_plpgsql_nofk", "the same, plpgsql without its foreign keys", None, None, ours, theirs, invert=True)


def spend(size):
    """A spend that takes from three lots."""
    members, rounds = (500, 2) if size.quick else (20000, 5)
    session = fresh()

    def step(number):
        prefix = f"m{number}-"
        enroll(session, prefix, members, everywhere=True)
        for lot in (1, 2, 3):
            request(session, prefix, members, members, f"a{lot}-")
            session.run("UPDATE request SET points = 100, expires_on = current_date + 30 * %s", lot)
            session.run("INSERT INTO loyalty.awards (member, points, ref, expires_on) "
                        "SELECT member, points, ref, expires_on FROM request")
            session.run(each("bench_plpgsql.award(member, points, ref, NULL, expires_on)"))
            session.run(each("bench_plain.award(account, points, ref)"))
        request(session, prefix, members, members, "s")
        session.vacuum()
        return (session.run(each("loyalty.spend(member, 250, ref)")),
                session.run(each("bench_plpgsql.spend(member, 250, ref)")),
                session.run(each("bench_plain.spend(account, 250, ref)")))

    ours, theirs, plain = alternate(rounds, step)
    what = f"spend over three lots ({members:,} in one statement), times as fast as"
    yield ratio("spend", f"{what} plpgsql", ">=", 3, ours, theirs, invert=True)
    yield ratio("spend_plain", f"{what} plain", ">=", 3, ours, plain, invert=True)


def purchase(size):
    """Purchases by function in one backend."""
    members, rounds = (500, 2) if size.quick else (20000, 5)
    session = fresh()
    enroll(session, "m", members, everywhere=True)

    def step(number):
        request(session, "m", members, members, f"p{number}-")
        session.vacuum()
        return (session.run(each("loyalty.purchase(member, amount, ref)")),
                session.run(each("bench_plain.purchase(account, amount, ref)")))

    ours, plain = alternate(rounds, step)
    yield ratio("purchase_plain", f"{members:,} purchases in one statement, times as fast as plain, which knows one rate",
                None, None, ours, plain, invert=True)


def spend365(size):
    """A spend over 365 open lots, taking all of them or the first."""
    members, rounds = (50, 2) if size.quick else (1000, 7)
    session = fresh()

    def step(number):
        many, same, one = f"m{number}-", f"n{number}-", f"o{number}-"
        for prefix, count, points in ((many, 365, 10), (same, 365, 10), (one, 1, 3650)):
            enroll(session, prefix, members)
            lots(session, prefix, members, count, points)
        session.vacuum()
        times = []
        for prefix, points in ((many, 3650), (same, 10), (one, 3650)):
            request(session, prefix, members, members, "s")
            times.append(session.run(each(f"loyalty.spend(member, {points}, ref)")) / members)
        return times

    every, first, one = alternate(rounds, step)
    bytes_ = session.one("SELECT max(pg_column_size(lots)) FROM loyalty.account")
    yield ratio("spend365", "spend that takes all of 365 open lots, against one lot", "<=", 2, every, one,
                show="us", note=f"365 lots are {bytes_:,} bytes")
    yield ratio("spend365_first", "spend that takes the first of 365 open lots, against one lot", "<=", 2,
                first, one, show="us")


def purchases(size):
    """The set path of a view, over what the rows alone cost."""
    members, rows, rounds = (200, 2000, 2) if size.quick else (10000, 100000, 7)
    session = fresh()
    bare = session.one("SELECT text FROM bench_bare.statement WHERE name = 'set'")

    def step(number):
        prefix = f"m{number}-"
        enroll(session, prefix, members)
        request(session, prefix, members, rows, "o")
        session.run("CALL bench_bare.follow()")
        session.vacuum()
        ours = session.run("INSERT INTO loyalty.purchases (member, amount, ref) SELECT member, amount, ref FROM request")
        written = session.one("SELECT bench_bare.capture()")
        assert written == rows, f"{written} entries of {rows} purchases"
        return ours, session.run(bare)

    ours, theirs = alternate(rounds, step)
    yield ratio("purchases", f"INSERT INTO loyalty.purchases SELECT of {rows:,} rows over {members:,} members, against set bare",
                "<=", 2.2, ours, theirs)


def rulebook(session, budget=False):
    """20 active rules of which five apply to the orders below, a tier, two campaigns."""
    session.run("INSERT INTO loyalty.tiers (program, code, rank, multiplier) VALUES ('bench', 'silver', 1, 1.2)")
    session.run("INSERT INTO loyalty.campaigns (program, code, status, budget) VALUES "
                "('bench', 'spring', 'running', %s), ('bench', 'summer', 'running', NULL)",
                10**15 if budget else None)
    session.run("INSERT INTO loyalty.rules (program, code, effect, points, campaign, condition) VALUES "
                "('bench', 'double', 'multiplier', '2', 'spring', NULL), "
                "('bench', 'app', 'bonus', '20', 'summer', 'channel = ''app'''), "
                "('bench', 'big', 'bonus', 'floor(amount / 10)', NULL, 'amount >= 50'), "
                "('bench', 'weekdays', 'bonus', '3', NULL, 'weekday BETWEEN 1 AND 7'), "
                "('bench', 'loyal', 'bonus', '5', NULL, 'orders >= 0')")
    never(session, 15, "never")


def never(session, count, code):
    """Add rules whose condition does not hold."""
    session.run("INSERT INTO loyalty.rules (program, code, effect, points, condition) "
                "SELECT 'bench', %s || i, 'bonus', '7', 'amount > 100000 + ' || i FROM generate_series(1, %s) i",
                code, count)


ORDER = "loyalty.purchase(member, 60.00, ref, channel => 'app', program => 'bench')"
PREVIEW = "loyalty.preview(member, 60.00, channel => 'app', program => 'bench')"
PLAIN_AWARD = "loyalty.award(member, points, ref, program => 'plain')"


def shop(members, rows, budget=False):
    """A program with the rulebook and one without, the same members in both."""
    session = fresh()
    session.run("INSERT INTO loyalty.program (code) VALUES ('plain')")
    rulebook(session, budget)
    for program in ("bench", "plain"):
        session.run("SET loyalty.program = %s", program)
        enroll(session, "m", members)
    request(session, "m", members, rows, "w")
    session.run(each(ORDER))
    session.vacuum()
    return session


def timed(session, members, rows, tag, call):
    """Seconds of one call, of many in one statement."""
    request(session, "m", members, rows, tag)
    return session.run(each(call)) / rows


def rules(size):
    """A purchase under a rulebook, its preview, rules that never apply, and a thousand of them."""
    members, rows, rounds = (200, 500, 2) if size.quick else (10000, 10000, 7)
    session = shop(members, rows)

    def step(number):
        calls = (("p", ORDER), ("a", "loyalty.award(member, points, ref, program => 'bench')"),
                 ("b", PLAIN_AWARD), ("v", PREVIEW))
        return [timed(session, members, rows, f"{side}{number}-", call) for side, call in calls]

    purchase, same, plain, preview = alternate(rounds, step)
    yield ratio("rules", "a purchase under 20 active rules of which five apply, with a tier and two campaigns, "
                "against an award in a program without rules", "<=", 1.8, purchase, plain, show="us")
    yield ratio("rules_award", "the same, against an award in the same program, which counts for its tier as well",
                "<=", 1.6, purchase, same, show="us")
    yield ratio("rules_preview", "the preview of that purchase, against the purchase", "<=", 1, preview, purchase, show="us")

    def step_never(number):
        times = []
        for count in (100, 0):
            session.run("DELETE FROM loyalty.rules WHERE code LIKE 'none%%'")
            never(session, count, "none")
            session.run("SELECT loyalty.preview('m1', 60.00, program => 'bench')")
            times.append(timed(session, members, rows, "v", PREVIEW))
        return times

    more, fewer = alternate(rounds, step_never)
    value = round((statistics.median(more) - statistics.median(fewer)) / 100 * 1e6, 2)
    yield Result("rules_never", "a rule that never applies costs a purchase", "<=", 0.5, value, "µs",
                 f"100 more rules whose condition does not hold: {unit(statistics.median(more), 'us')} against "
                 f"{unit(statistics.median(fewer), 'us')}")

    session.run("DELETE FROM loyalty.rules WHERE code LIKE 'none%%'")
    start = time.perf_counter()
    never(session, 1000, "none")
    written = time.perf_counter() - start
    other = Session(session.database)
    first = other.run("SELECT loyalty.preview('m1', 60.00, program => 'bench')")
    one = timed(other, members, rows, "t", ORDER)
    other.close()
    yield Result("rules_1000", "1,000 further rules: a new session reads and compiles them, and previews a first order, in",
                 None, None, first * 1e3, "ms", f"written and checked in {written * 1e3:,.0f} ms; each purchase after "
                 f"that {unit(one, 'us')}")


def rules_client(size):
    """The purchase under the rulebook and the award as a client sends them, each in its own transaction."""
    members, rows, seconds, rounds = (200, 200, 1, 1) if size.quick else (10000, 10000, 5, 5)
    session = shop(members, rows)
    session.run(f"ALTER DATABASE {session.database} SET synchronous_commit = off")
    begin = f"\\set m random(1, {members})\n\\set r random(1, 9000000000000000000)\nSELECT entry, balance FROM loyalty."
    order = begin + "purchase('m' || :m, 60.00, 'o' || :r, channel => 'app', program => 'bench');\n"
    award = begin + "award('m' || :m, 60, 'a' || :r, program => 'plain');\n"
    purchase, plain = alternate(rounds, lambda number: (
        1 / pgbench(session.database, seconds, 1, script=order),
        1 / pgbench(session.database, seconds, 1, script=award)))
    yield ratio("rules_client", "the same purchase and award as a client sends them, each in a transaction of its own "
                f"(pgbench -M prepared -c 1 -T {seconds}, synchronous_commit off)", "<=", 1.6, purchase, plain, show="us")


def rules_budget(size):
    """The same with a budget on one of the campaigns: a row that all members share."""
    members, rows, rounds = (200, 500, 2) if size.quick else (10000, 10000, 5)
    session = shop(members, rows, budget=True)

    def step(number):
        return [timed(session, members, rows, f"{side}{number}-", call) for side, call in (("p", ORDER), ("b", PLAIN_AWARD))]

    purchase, plain = alternate(rounds, step)
    yield ratio("rules_budget", "the same purchase with a budget on one campaign, against an award in a program "
                "without rules", None, None, purchase, plain, show="us")


def one_member(size):
    """One member many times in a statement, on the set path and by function."""
    many, rounds = (1000, 2) if size.quick else (10000, 7)
    few, repeats = 100, 20
    session = fresh()
    forms = (("one_member", "set path",
              "INSERT INTO loyalty.awards (member, points, ref) "
              "SELECT '{0}', 5, 'r' || i FROM generate_series(1, {1}) i"),
             ("one_member_calls", "function",
              each("loyalty.award('{0}', 5, 'r' || i)", "generate_series(1, {1}) i")))

    for name, what, statement in forms:
        def step(number):
            prefix = f"{name}{number}-"
            enroll(session, prefix, repeats + 1)
            session.vacuum()
            long = session.run(statement.format(f"{prefix}{repeats + 1}", many)) / many
            short = sum(session.run(statement.format(f"{prefix}{i + 1}", few)) for i in range(repeats))
            return long, short / repeats / few

        long, short = alternate(rounds, step)
        yield ratio(name, f"{many:,} postings of one member in one statement ({what}), each, against {few}",
                    "<=", 1, long, short, show="us")


def durable(size):
    """Eight clients, every commit on disk."""
    rows, seconds, rounds = (2000, 1, 1) if size.quick else (100000, 10, 5)
    session = fresh()
    for setting in ("fsync", "synchronous_commit"):
        # a smoke run tells nothing of speed, and may run on a server that is not durable
        assert size.quick or session.one(f"SHOW {setting}") == "on", f"{setting} is off"
    enroll(session, "m", rows)
    subprocess.run([pgbench_path(), "-i", "-q", "-s", "1", session.database], check=True, capture_output=True)
    session.vacuum()
    script = f"\\set m random(1, {rows})\n\\set r random(1, 9000000000000000000)\n" \
             "SELECT entry, balance FROM loyalty.purchase(member => 'm' || :m, amount => 25.00, ref => 'o' || :r);\n"
    ours, theirs = alternate(rounds, lambda number: (
        pgbench(session.database, seconds, 8, script=script),
        pgbench(session.database, seconds, 8, "-b", "simple-update")))
    yield ratio("durable", f"purchase from 8 durable clients, transactions against simple-update "
                f"(pgbench -M prepared -c 8 -j 2 -T {seconds}, {rows:,} members, 100,000 pgbench accounts)",
                ">=", 1.5, ours, theirs, show="tps")


def sweep(size):
    """The sweeper over due accounts, against one UPDATE and one INSERT of the same rows."""
    members, rounds = (1000, 2) if size.quick else (100000, 5)
    session = fresh()
    update, insert = (session.one("SELECT text FROM bench_bare.statement WHERE name = %s", name)
                      for name in ("swept", "set"))

    def step(number):
        prefix = f"m{number}-"
        enroll(session, prefix, members)
        session.run("INSERT INTO loyalty.awards (member, points, ref, expires_on, at) "
                    "SELECT %s || i, 100, 'a', current_date - 5, now() - interval '10 days' "
                    "FROM generate_series(1, %s) i ORDER BY hashint4(i)", prefix, members)
        session.run("CALL bench_bare.follow()")
        session.vacuum()
        ours = session.run("CALL loyalty.sweep()")
        written = session.one("SELECT bench_bare.capture()")
        moved = session.one("SELECT bench_bare.capture_accounts()")
        assert written == moved == members, f"{written} entries, {moved} accounts of {members} due"
        return ours, session.run(update) + session.run(insert)

    ours, theirs = alternate(rounds, step)
    yield ratio("sweep", f"sweep of {members:,} due accounts (commits every 1,000), against one UPDATE and "
                "one INSERT ... SELECT of the same rows", "<=", 3, ours, theirs)


def balance(size):
    """One prepared client that reads."""
    members, seconds, rounds = (2000, 1, 2) if size.quick else (100000, 5, 5)
    session = fresh()
    enroll(session, "m", members)
    lots(session, "m", members, 3, 100)
    session.vacuum()
    key = f"\\set m random(1, {members})\n"
    ours, theirs = alternate(rounds, lambda number: (
        pgbench(session.database, seconds, 1, script=key + "SELECT * FROM loyalty.balance('m' || :m);\n"),
        pgbench(session.database, seconds, 1, script=key +
                "SELECT balance, usable, held, debt FROM loyalty.account WHERE id = :m;\n")))
    yield ratio("balance", f"balance(), against a SELECT of the account by primary key (one prepared client, "
                f"{members:,} members of three lots)", "<=", 1.5, ours, theirs, show="tps", invert=True)


def large(size):
    """The same award in a small and in a large ledger."""
    small, big, calls, rounds = (1000, 10000, 1000, 2) if size.quick else (10000, 1000000, 10000, 7)
    ledgers = []
    for database, members in (("bench", small), ("bench_large", big)):
        session = fresh(database)
        step = min(members, 100000)
        for start in range(0, members, step):
            session.run("INSERT INTO loyalty.enrollments (member, at) SELECT 'm' || i, now() - interval '800 days' "
                        "FROM generate_series(%s, %s) i", start + 1, start + step)
        for day in range(10):           # in the order of a shop's year: everybody's first, then everybody's second
            for start in range(0, members, step):
                session.run("INSERT INTO loyalty.awards (member, points, ref, at) "
                            "SELECT 'm' || i, 100, 'lot' || %s, date_trunc('day', now()) - %s * interval '30 days' "
                            "FROM generate_series(%s, %s) i ORDER BY hashint8(i)",
                            day, 10 - day, start + 1, start + step)
            print(":", end="", file=sys.stderr, flush=True)
        session.vacuum()
        ledgers.append((session, members))

    def awards(session, members, tag):
        session.run("TRUNCATE request")
        session.run("INSERT INTO request (member, points, ref) "
                    "SELECT 'm' || m, 5, %s FROM (SELECT DISTINCT 1 + floor(random() * %s)::bigint AS m "
                    "FROM generate_series(1, %s)) d ORDER BY random() LIMIT %s", tag, members, calls * 3, calls)
        session.run("ANALYZE request")
        count = session.one("SELECT count(*) FROM request")
        return session.run(each("loyalty.award(member, points, ref)")) / count

    # Straight after a checkpoint every page is logged in full once: a figure of its own.
    cold = []
    for session, members in ledgers:
        session.run("CHECKPOINT")
        cold.append(awards(session, members, "cold"))
        session.run("INSERT INTO loyalty.awards (member, points, ref) SELECT 'm' || i, 5, 'warm' "
                    "FROM generate_series(1, %s, 10) i", members)
    (little, few), (much, many) = ledgers
    b, a = alternate(rounds, lambda number: (awards(little, few, f"t{number}"), awards(much, many, f"t{number}")))
    entries = [session.one("SELECT count(*) FROM loyalty.entry") for session, _ in ledgers]
    yield ratio("large", f"cost of an award with {many:,} accounts and {many * 10:,} entries, against {few:,} and {few * 10:,}",
                "<=", 1.6, a, b, show="us",
                note=f"at the end {entries[1]:,} and {entries[0]:,} entries; in the first {calls:,} after a checkpoint, "
                     f"full-page images included, {unit(cold[1], 'us')} against {unit(cold[0], 'us')}")
    for session, _ in ledgers:
        session.close()


def memory(size):
    """What a million awards in one transaction leave in the backend until it commits."""
    members, rows = (2000, 20000) if size.quick else (100000, 1000000)
    session = fresh()
    enroll(session, "m", members)
    enroll(session, "n", members)
    session.run("CREATE TABLE plain AS SELECT i AS id, 0 AS n FROM generate_series(1, %s) i", members)
    session.run("ALTER TABLE plain ADD PRIMARY KEY (id), SET (fillfactor = 80)")
    session.vacuum()

    def grown(prefix, statement):
        """Growth and seconds in a backend of its own, warmed by a small transaction of the same."""
        request(session, prefix, members, rows, "r")
        other = Session(session.database)
        other.run(statement.format(source="(SELECT member, points, ref || '-' AS ref FROM request LIMIT 1000) w", rows=1000))
        with Memory(other) as meter:
            seconds = other.run(statement.format(source="request", rows=rows))
        other.close()
        return meter.growth(), seconds

    what = f"{rows:,} awards in one transaction over {members:,} members: the backend grows by"
    growth, seconds = grown("m", "INSERT INTO loyalty.awards (member, points, ref) SELECT member, points, ref FROM {source}")
    yield Result("memory_set", f"{what} (set path)", "<=", 50, growth, "MB", f"{seconds:.1f} s")
    ours, seconds = grown("n", each("loyalty.award(member, points, ref)", "{source}"))
    plain, plain_seconds = grown("n", "DO $$ BEGIN FOR i IN 1..{rows} LOOP "
                                 f"UPDATE plain SET n = n + 1 WHERE id = 1 + i % {members}; END LOOP; END $$")
    yield Result("memory_rows", f"{what} (row by row)", None, None, ours, "MB",
                 f"{seconds:.1f} s; ours adds {ours - plain:+.1f} MB to PostgreSQL's own")
    yield Result("memory_plain", f"{rows:,} plain updates of {members:,} rows in one transaction: PostgreSQL's own share",
                 None, None, plain, "MB", f"{plain_seconds:.1f} s")


def wal(size):
    """Bytes of WAL for one posting in a transaction of its own, full_page_writes off."""
    members, chunks = (20, 3) if size.quick else (400, 5)
    session = fresh()
    session.run("SET synchronous_commit = off")
    admin("ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
    try:
        for count in (1, 30, 365):
            enroll(session, f"m{count}-", members)
            lots(session, f"m{count}-", members, count, 1000)
        session.vacuum()
        session.run("CHECKPOINT")
        time.sleep(0.2)
        assert session.one("SHOW full_page_writes") == "off"
        for count in (1, 30, 365):
            figures = {}
            for kind, call in (("purchase", "loyalty.purchase(%s, 25.00, %s)"), ("spend", "loyalty.spend(%s, 5, %s)")):
                bytes_ = []
                for chunk in range(chunks):
                    start = session.one("SELECT pg_current_wal_insert_lsn()")
                    for i in range(members):
                        session.run(f"SELECT {call}", f"m{count}-{i + 1}", f"{kind}{chunk}")
                    bytes_.append(session.one("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", start) / members)
                figures[kind] = statistics.median(bytes_)
            stored = session.one("SELECT max(pg_column_size(a.lots)) FROM loyalty.account a JOIN loyalty.member m "
                                 "ON m.id = a.member_id WHERE m.key LIKE %s", f"m{count}-%")
            yield Result(f"wal_{count}", f"WAL of a posting with {count} open lot{'s' if count > 1 else ''}, its commit "
                         "included (full_page_writes off)", None, None, float(figures["purchase"]), "bytes a purchase",
                         f"{figures['spend']:,.0f} bytes a spend; lots are {stored:,} bytes")
    finally:
        admin("ALTER SYSTEM RESET full_page_writes", "SELECT pg_reload_conf()")


def verify(size):
    """Replay of the whole ledger."""
    members, rounds = (500, 2) if size.quick else (100000, 5)
    session = fresh()
    enroll(session, "m", members)
    lots(session, "m", members, 10, 100)
    session.vacuum()
    entries = session.one("SELECT count(*) FROM loyalty.entry")
    found = session.one("SELECT count(*) FROM loyalty.verify()")
    assert found == 0, f"verify() finds {found} differences"
    (times,) = alternate(rounds, lambda number: (session.run("SELECT count(*) FROM loyalty.verify()"),))
    yield Result("verify", f"verify() of {entries:,} entries of {members:,} accounts", None, None,
                 entries / statistics.median(times), "entries a second", f"{statistics.median(times):.2f} s")


def journal(session, members, weeks, orders):
    """Two years of a shop, week by week: orders under a rulebook, a fiftieth spent from, a fiftieth returned."""
    session.run("SET synchronous_commit = off")
    session.run("INSERT INTO loyalty.tiers (program, code, rank, multiplier, spend) VALUES "
                "('bench', 'basic', 1, 1, NULL), ('bench', 'gold', 2, 1.5, 800)")
    session.run("INSERT INTO loyalty.campaigns (program, code, status, starts_at, ends_at) VALUES "
                "('bench', 'spring', 'running', NULL, NULL), ('bench', 'draft', 'draft', NULL, NULL), "
                "('bench', 'week', 'running', now() - interval '20 weeks', now() - interval '19 weeks')")
    session.run("INSERT INTO loyalty.rules (program, code, effect, points, campaign, condition) VALUES "
                "('bench', 'app', 'bonus', '20', 'spring', 'channel = ''app'''), "
                "('bench', 'big', 'bonus', 'floor(amount / 10)', NULL, 'amount >= 50'), "
                "('bench', 'double', 'multiplier', '2', 'week', NULL), "
                "('bench', 'more', 'bonus', '7', 'draft', 'amount >= 20')")
    enroll(session, "m", members)
    for week in range(weeks):
        back = weeks - week
        member = f"'m' || 1 + (hashint8extended(i, {week}) & 2147483647) % {members}"
        few = max(1, orders // 50)
        session.run(f"INSERT INTO loyalty.purchases (member, amount, ref, channel, at) SELECT {member}, "
                    f"5 + (i % 9000) / 100.0, 'o{week}-' || i, CASE WHEN i % 5 = 0 THEN 'app' END, "
                    f"date_trunc('day', now()) - {back} * interval '1 week' + i * interval '1 week' / {orders} "
                    f"FROM generate_series(1, {orders}) i")
        for into, columns, given, first in (("spends", "points, ref", "5, 's", 1),
                                            ("refunds", "of_ref, ref", f"'o{week}-' || i, 'c", few + 1)):
            session.run(f"INSERT INTO loyalty.{into} (member, {columns}, at) SELECT {member}, {given}{week}-' || i, "
                        f"date_trunc('day', now()) - {back - 1} * interval '1 week' "
                        f"FROM generate_series({first}, {first + few - 1}) i")
    session.vacuum()


def reads(size):
    """Reads at a million entries: of one member, of a day or week, and of everything."""
    members, weeks, rounds = (1000, 20, 1) if size.quick else (100000, 104, 3)
    session = fresh()
    journal(session, members, weeks, members * 9 // weeks)
    entries = session.one("SELECT count(*) FROM loyalty.entry")
    ref = session.one("SELECT min(ref) FROM loyalty.purchases WHERE member = 'm77'")

    def times(*statements):
        return alternate(rounds, lambda number: [session.run(text) for text in statements])

    one = (("statement", "statement()", "loyalty.statement('m77')"),
           ("explain", "explain() of an order", f"loyalty.explain('m77', '{ref}')"),
           ("lots", "lots()", "loyalty.lots(member => 'm77')"),
           ("card", "member_card()", "loyalty.member_card('m77')"),
           ("used_one", "points_used", "loyalty.points_used WHERE member = 'm77'"),
           ("expiring_one", "points_expiring", "loyalty.points_expiring WHERE member = 'm77'"),
           ("balances_one", "balances", "loyalty.balances WHERE member = 'm77'"),
           ("parts_one", "awarded_parts", "loyalty.awarded_parts WHERE member = 'm77'"),
           ("tiers_one", "tier_history", "loyalty.tier_history WHERE member = 'm77'"))
    for (name, what, _), seconds in zip(one, times(*("SELECT * FROM " + source for _, _, source in one))):
        yield Result(f"reads_{name}", f"{what} of one member of {members:,}, of {entries:,} entries", "<=", 20,
                     statistics.median(seconds) * 1e3, "ms", f"up to {max(seconds) * 1e3:,.1f} ms")

    day = "at >= now() - interval '50 days' AND at < now() - interval '49 days'"
    week = "at >= now() - interval '57 days' AND at < now() - interval '50 days'"
    journal_scan = "SELECT sum(points), count(parts) FROM loyalty.entry"
    account_scan = "SELECT sum(balance), count(lots) FROM loyalty.account"
    pieces = (("day", "statements of a day", f"SELECT * FROM loyalty.statements WHERE {day}", journal_scan, 0.25),
              ("week", "awarded_parts of a week", f"SELECT * FROM loyalty.awarded_parts WHERE {week}", journal_scan, 1),
              ("campaign", "campaign_report of a campaign of one week",
               "SELECT * FROM loyalty.campaign_report WHERE campaign = 'week'", journal_scan, 1),
              ("backtest", "backtest of a month",
               "SELECT * FROM loyalty.backtest('draft', now() - interval '10 weeks', now() - interval '6 weeks')",
               journal_scan, 3),
              ("report", "campaign_report", "SELECT * FROM loyalty.campaign_report", journal_scan, 3),
              ("parts", "awarded_parts", "SELECT sum(points) FROM loyalty.awarded_parts", journal_scan, 3),
              ("used", "points_used", "SELECT sum(used) FROM loyalty.points_used", journal_scan, 3),
              ("tiers", "tier_history", "SELECT count(*) FROM loyalty.tier_history", journal_scan, 3),
              ("balances", "balances", "SELECT sum(balance) FROM loyalty.balances", account_scan, 3),
              ("open", "lots_open", "SELECT sum(points) FROM loyalty.lots_open", account_scan, 3),
              ("expiring", "points_expiring", "SELECT sum(points) FROM loyalty.points_expiring", account_scan, 3))
    for name, what, text, plain, limit in pieces:
        ours, scan = times(text, plain)
        of = "journal" if plain == journal_scan else "accounts"
        yield ratio(f"reads_{name}", f"{what}, against a sequential scan of the {of}", "<=", limit, ours, scan)


def reads_price(size):
    """What the index of time costs a posting."""
    members, rounds = (1000, 2) if size.quick else (20000, 9)
    session, other = fresh(), fresh("bench_large")
    other.run("SET loyalty.allow_drop = on")
    other.run("DROP INDEX loyalty.entry_at")
    for one in (session, other):
        enroll(one, "m", members)

    def step(number):
        seconds = []
        for one in (session, other):
            request(one, "m", members, members, f"r{number}-")
            one.run("CHECKPOINT")
            seconds.append(one.run(each("loyalty.award(member, points, ref)")) / members)
        return seconds

    ours, without = alternate(rounds, step)
    yield ratio("reads_price", "an award with the BRIN index of time, against one without", "<=", 1.03, ours, without,
                show="us")
    other.close()


ROWS = collections.OrderedDict((row.__name__, row) for row in (
    award, spend, purchase, spend365, purchases, one_member, durable, rules, rules_client, rules_budget, sweep, balance, large, memory,
    wal, verify, reads, reads_price))


# ---------------------------------------------------------------- the report

def met(result):
    if result.target is None:
        return ""
    good = result.value <= result.target if result.relation == "<=" else result.value >= result.target
    return "yes" if good else "**no**"


def measured(result):
    digits = 2 if result.unit in ("×", "µs") else 1 if result.unit == "MB" else 0
    gap = "" if result.unit == "×" else " "
    return f"{result.value:,.{digits}f}{gap}{result.unit}"


def target(result):
    if result.target is None:
        return "reported"
    gap = "" if result.unit == "×" else " "
    return f"{'at most' if result.relation == '<=' else 'at least'} {result.target:g}{gap}{result.unit}"


def line(result):
    """The result as a line of the table; the name comes first and is the key."""
    return (f"| `{result.name}` | {result.what} | {target(result)} | {measured(result)} | {met(result)} "
            f"| {result.detail} | {datetime.date.today()} |")


def machine():
    """What the figures depend on: two lines, machine and settings."""
    session = Session("postgres")
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cpu = next((l.split(":", 1)[1].strip() for l in file if l.startswith("model name")), "unknown processor")
    with open("/proc/meminfo", encoding="utf-8") as file:
        gigabytes = round(int(file.readline().split()[1]) / 1024 / 1024)
    settings = ", ".join(f"{name} = {session.one(f'SHOW {name}')}" for name in SETTINGS)
    version = session.one("SHOW server_version")
    session.close()
    uname = os.uname()
    return (f"{cpu}, {os.cpu_count()} cores, {gigabytes} GB, {uname.sysname} {uname.release}, "
            f"PostgreSQL {version}", settings)


def remarks():
    """Texts of remarks.md by row: each begins with '## name'."""
    found = {}
    if os.path.exists(REMARKS):
        with open(REMARKS, encoding="utf-8") as file:
            for part in re.split(r"^## +", file.read(), flags=re.M)[1:]:
                name, _, text = part.partition("\n")
                found[name.strip().strip("`")] = text.strip()
    return found


def document(results):
    """Write doc/benchmarks.md; rows not run now are kept if they were run on this machine."""
    on, settings = machine()
    lines = collections.OrderedDict()
    if os.path.exists(DOC):
        with open(DOC, encoding="utf-8") as file:
            old = file.read()
        if on in old and settings in old:
            for text in old.splitlines():
                key = re.match(r"\| `(\w+)` \|", text)
                if key:
                    lines[key.group(1)] = text
    for result in results:
        lines[result.name] = line(result)
    order = list(ROWS)
    names = sorted(lines, key=lambda name: order.index(max((row for row in order if name.startswith(row)), key=len)))

    with open(DOC, "w", encoding="utf-8") as file:
        file.write(f"""# Benchmarks

`test/bench/bench.py` writes this page. Do not edit it by hand. `make bench` runs all benchmarks again,
`test/bench/bench.py --rows name,name` runs some rows, and `--quick` is a smoke run.

**Machine:** {on}.

**Server:** {settings}; settings as in `test/bench/server.conf`, the rest PostgreSQL's defaults.
The settings are large enough that no checkpoint falls into a run.

A ratio is the ratio of two medians. The two sides run by turns in one run of the benchmark (A B A B ...), and the first
round is discarded. *Pairs* are the smallest and the largest ratio of two neighbouring runs. `bare` writes the same
journal rows into an identical table, with the same indexes and checks and no logic (`test/bench/bare.sql`). `plpgsql`
is a three-table ledger with what a shop needs (`test/bench/plpgsql.sql`), `plain` the leanest three tables that work
(`test/bench/plain.sql`). `simple-update` is pgbench's own. Calls by function are made from one statement over a table of
requests.

| row | what | target | measured | met | medians | run on |
|---|---|---|---|---|---|---|
""")
        file.write("\n".join(lines[name] for name in names) + "\n")
        why = remarks()
        missed = [name for name in names if "**no**" in lines[name]]
        if missed or any(name in why for name in names):
            file.write("\n## Why\n")
        for name in names:
            if name in why or name in missed:
                file.write(f"\n**`{name}`**: {why.get(name, 'missed; no profile yet (test/bench/remarks.md).')}\n")
    print(f"written: {DOC}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small numbers; leaves out 'large' unless it is named")
    parser.add_argument("--rows", help="of: " + ", ".join(ROWS))
    options = parser.parse_args()

    names = options.rows.split(",") if options.rows else \
        [name for name in ROWS if not (options.quick and name == "large")]
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")

    on, settings = machine()
    print(f"{on}\n{settings}\n", flush=True)
    results, failed = [], []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: terminated"))
    try:
        for name in names:
            start = time.perf_counter()
            print(f"{name} ", end="", file=sys.stderr, flush=True)
            done = []
            try:
                for result in ROWS[name](options):
                    done.append(result)
            except (psycopg2.Error, AssertionError) as error:
                failed.append(name)
                print(f"\n{name} FAILED: {error}", file=sys.stderr)
            print(f" {time.perf_counter() - start:.0f} s", file=sys.stderr)
            for result in done:
                print(f"{result.name:20} {measured(result):>24}  {target(result):16} {met(result).strip('*'):3} "
                      f"{result.what}: {result.detail}", flush=True)
            results += done
    finally:
        admin(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in ("bench", "bench_large")))
        if results and not options.quick:
            document(results)
    if failed:
        sys.exit(f"bench: failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
