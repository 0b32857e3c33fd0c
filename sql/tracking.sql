-- Tracking refuses what it cannot follow, before it makes any trigger.
SET search_path = loyalty, public;
INSERT INTO program (code) VALUES ('tracking');
SET loyalty.program = 'tracking';
CREATE SCHEMA shop2;
SET search_path = shop2, loyalty, public;
CREATE TABLE orders (
	id bigint PRIMARY KEY,
	order_no text UNIQUE,
	later text UNIQUE DEFERRABLE,
	partly text,
	customer int,
	total numeric,
	price money,
	weight float8,
	at time,
	day date,
	status text,
	tags text[],
	doc jsonb);
CREATE UNIQUE INDEX ON orders (partly) WHERE total > 0;
CREATE TABLE lines (id int, order_id bigint, amount numeric, sku text, weight float8);

-- tables
CREATE VIEW v AS SELECT * FROM orders;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM orders;
CREATE TEMP TABLE t (id int PRIMARY KEY, customer int, total int);
CREATE UNLOGGED TABLE u (id int PRIMARY KEY, customer int, total int);
CREATE TABLE p (id int PRIMARY KEY, customer int, total int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (10);
CREATE TABLE parent (id int PRIMARY KEY, customer int, total int);
CREATE TABLE child () INHERITS (parent);
SELECT track('v', 'customer', 'id', 'total');
\echo :LAST_ERROR_SQLSTATE
SELECT track('mv', 'customer', 'id', 'total');
SELECT track('t', 'customer', 'id', 'total');
SELECT track('u', 'customer', 'id', 'total');
SELECT track('p', 'customer', 'id', 'total');
SELECT track('p1', 'customer', 'id', 'total');
SELECT track('parent', 'customer', 'id', 'total');
SELECT track('child', 'customer', 'id', 'total');
SELECT track('loyalty.member', 'key', 'id', 'id');
SELECT track('pg_catalog.pg_class', 'relname', 'oid', 'relpages');
SELECT track('nowhere', 'customer', 'id', 'total');
\echo :LAST_ERROR_SQLSTATE

-- columns, and their types
SELECT track('orders', 'customer', 'nr', 'total');
\echo :LAST_ERROR_SQLSTATE
SELECT track('orders', 'customer', 'ctid', 'total');
SELECT track('orders', 'customer', '=5', 'total');
SELECT track('orders', 'customer', 'order_no', 'total', channel => 'web');
SELECT track('orders', 'customer', 'order_no', 'price');
\echo :LAST_ERROR_SQLSTATE
SELECT track('orders', 'customer', 'order_no', 'weight');
SELECT track('orders', 'tags', 'order_no', 'total');
SELECT track('orders', 'doc', 'order_no', 'total');
SELECT track('orders', 'day', 'order_no', 'total');
SELECT track('orders', 'customer', 'order_no', 'total', at => 'at');
SELECT track('orders', 'customer', 'status', 'total');
\echo :LAST_ERROR_SQLSTATE
SELECT track('orders', 'customer', 'later', 'total');
SELECT track('orders', 'customer', 'partly', 'total');

-- parameters that do not fit together
SELECT track(NULL, 'customer', 'order_no', 'total');
\echo :LAST_ERROR_SQLSTATE
SELECT track('orders', 'customer', 'order_no');
SELECT track('orders', 'customer', 'order_no', 'total', completed => '{paid}');
SELECT track('orders', 'customer', 'order_no', 'total', status => 'status');
SELECT track('orders', 'customer', 'order_no', 'total', status => 'status', completed => '{}');
SELECT track('orders', 'customer', 'order_no', 'total', status => 'status', completed => '{NULL}');
SELECT track('orders', 'customer', 'order_no', 'total', status => 'customer', completed => '{paid}');
\echo :LAST_ERROR_SQLSTATE
SELECT track('orders', 'customer', 'order_no', 'total', unknown => 'forget');
SELECT track('orders', 'customer', 'order_no', 'total', decimals => -1);
SELECT track('orders', 'customer', 'order_no', activity => '=review', lines => 'lines', lines_order => 'order_id', line_amount => 'amount');
SELECT track('orders', 'customer', 'order_no', 'total', program => '=nowhere');
\echo :LAST_ERROR_SQLSTATE
SELECT track('orders', 'customer', 'order_no', 'total', sku => 'sku');
SELECT track('orders', 'customer', 'order_no', lines => 'lines');
SELECT track('orders', 'customer', 'order_no', lines => 'orders', lines_order => 'id', line_amount => 'total');
SELECT track('orders', 'customer', 'order_no', lines => 'v', lines_order => 'id', line_amount => 'total');
SELECT track('orders', 'customer', 'order_no', lines => 'lines', lines_order => 'order_id', line_amount => 'weight');
SELECT track('orders', 'customer', 'order_no', lines => 'lines', lines_order => 'order_id', line_amount => 'amount', lines_key => 'status');
SELECT track('orders', 'customer', 'order_no', lines => 'lines', lines_order => 'order_id', line_amount => 'amount');
\echo :LAST_ERROR_SQLSTATE

-- conditions: one boolean expression over the row
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'total');
\echo :LAST_ERROR_SQLSTATE
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'nothing > 1');
\echo :LAST_ERROR_SQLSTATE
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'true) EXECUTE FUNCTION evil(); --');
\echo :LAST_ERROR_SQLSTATE
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'true; SELECT 1');
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'true, false');
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'true FROM pg_class');
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'true UNION SELECT false');
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'EXISTS (SELECT 1)');
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'count(*) > 1');
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'orders IS NOT NULL');
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'new IS NOT NULL');
SELECT track('orders', 'customer', 'order_no', 'total', condition => '');

-- nothing of all that left a trigger
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zz_loyalty%';

-- twice; with lines, from either side
SELECT track('orders', 'customer', 'order_no', 'total', condition => 'total > 0 AND "status" <> ''x''');
SELECT track('orders', 'customer', 'order_no', 'total');
\echo :LAST_ERROR_SQLSTATE
SELECT untrack('orders');
SELECT track('orders', 'customer', 'id', lines => 'lines', lines_order => 'order_id', line_amount => 'amount');
SELECT track('lines', 'customer', 'id', 'amount');
SELECT untrack('lines');
\echo :LAST_ERROR_SQLSTATE
SELECT "table", lines FROM tracked;
-- disabled triggers are shown
ALTER TABLE orders DISABLE TRIGGER zz_loyalty_change;
SELECT "table", enabled FROM tracked;
SELECT untrack('orders');
-- the trigger functions are no functions for others
SELECT track_row();
CREATE TRIGGER mine BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION track_row();
INSERT INTO orders (id) VALUES (1);
\echo :LAST_ERROR_SQLSTATE
SET client_min_messages = warning;
DROP SCHEMA shop2 CASCADE;
