-- The whole of the ledger, in one line for each table; the same on every version.
\pset tuples_only on
\pset format unaligned
SELECT 'account', count(*), md5(string_agg(a::text, E'\n' ORDER BY a.id)) FROM loyalty.account a;
SELECT 'entry', count(*), md5(string_agg(e::text, E'\n' ORDER BY e.account_id, e.seq)) FROM loyalty.entry e;
SELECT 'hold', count(*), md5(string_agg(h::text, E'\n' ORDER BY h.account_id, h.seq)) FROM loyalty.hold h;
SELECT 'member', count(*), md5(string_agg(m::text, E'\n' ORDER BY m.id)) FROM loyalty.member m;
SELECT 'tally', count(*), md5(string_agg(t::text, E'\n' ORDER BY t.account_id, t.happened_on, t.activity, t.counts_from)) FROM loyalty.tally t;
SELECT 'usage', count(*), md5(string_agg(u::text, E'\n' ORDER BY u.account_id, u.period_on, u.counter_id)) FROM loyalty.usage u;
SELECT 'budget', count(*), md5(string_agg(b::text, E'\n' ORDER BY b.id)) FROM loyalty.budget b;
SELECT 'rule', count(*), md5(string_agg(r::text, E'\n' ORDER BY r.id)) FROM loyalty.rule r;
SELECT 'tracked', count(*), md5(string_agg(t.settings::text, E'\n')) FROM loyalty.tracked t;
SELECT 'differences', count(*) FROM loyalty.verify();
