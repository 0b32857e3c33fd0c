-- A shop's year of its own making, in the same table as a file's. Every number comes from md5 of a seed and a name:
-- the same seed and the same last day make the same orders on every machine, whatever the plan.
--   :seed   any text
--   :until  the last day (YYYY-MM-DD)

SELECT set_config('shop.seed', :'seed', false), set_config('shop.until', :'until', false) \g /dev/null

-- A number in [0, 1) for a name.
CREATE FUNCTION shop.dice(name text) RETURNS double precision
LANGUAGE sql STABLE
RETURN ('x' || left(md5(current_setting('shop.seed') || name), 8))::bit(32)::bigint / 4294967296.0::double precision;

CREATE TEMP TABLE item AS
SELECT i AS n,
	(20000 + 7 * i)::text || CASE WHEN i % 5 = 0 THEN 'A' WHEN i % 5 = 1 THEN 'B' ELSE '' END AS item,
	adjective || ' ' || noun AS description,
	round((0.35 + 11 * shop.dice('price ' || i) ^ 2)::numeric, CASE WHEN i % 97 = 0 THEN 3 ELSE 2 END) AS price
FROM unnest('{RED,WHITE,BLUE,GREEN,PINK,BLACK,IVORY,SILVER,GOLDEN,WOODEN,GLASS,ENAMEL,KNITTED,VINTAGE,RETRO,SMALL,LARGE,HANGING,FOLDING,PAINTED,STRIPED,SPOTTED,ROUND,PAPER}'::text[]) WITH ORDINALITY a(adjective, x),
	unnest('{LANTERN,TEAPOT,MUG,CAKE STAND,APRON,CANDLE,HEART,BUNTING,LUNCH BOX,CLOCK,PICTURE FRAME,CUSHION,DOORMAT,BOWL,JAR,TRAY,GARLAND,NOTEBOOK,UMBRELLA,BASKET,COASTER,BELL,STAR,KEY RING,JIGSAW}'::text[]) WITH ORDINALITY b(noun, y),
	LATERAL (SELECT ((x - 1) * 25 + y - 1)::integer AS i) n;
CREATE UNIQUE INDEX ON item (n);

-- How many orders a day: closed on Saturdays, quiet on Sundays, busy before Christmas.
CREATE TEMP TABLE sale AS
SELECT d::date AS day, o, 'order ' || d::date || ' ' || o AS name
FROM generate_series(current_setting('shop.until')::date - 364, current_setting('shop.until')::date, interval '1 day') d,
	generate_series(1, round(66
		* ('{0.6,1.1,1.1,1.2,1.3,1.1,0}'::float[])[1 + extract(dow FROM d)::integer]
		* ('{0.7,0.7,0.9,0.8,0.9,0.9,0.8,0.8,1.1,1.2,1.7,1.5}'::float[])[extract(month FROM d)::integer]
		* (0.8 + 0.4 * shop.dice('day ' || d::date)))::integer) o;

-- One order in five is a guest's; few customers give most of the others; now and then somebody buys for a wedding.
CREATE TEMP TABLE sold AS
SELECT s.name, s.name || ' ' || l AS line, l, c.customer,
	s.day + make_interval(mins => 480 + floor(660 * (shop.dice(s.name || ' at') + shop.dice(s.name || ' at too')) / 2)::integer) AS at,
	CASE WHEN l > 1 AND shop.dice(s.name || ' slow') < 0.003 THEN 1 ELSE 0 END AS late,
	i.item, i.description, i.price,
	('{1,1,1,2,2,3,4,6,6,12,24}'::integer[])[1 + floor(11 * shop.dice(s.name || l || ' quantity'))::integer]
		* CASE WHEN c.rank < 12 AND l % 2 = 0 THEN 4 WHEN b.bulk THEN 60 ELSE 1 END AS quantity,
	b.bulk
FROM sale s
	CROSS JOIN LATERAL (SELECT floor(1800 * shop.dice(s.name || ' who') ^ 2)::integer AS rank) r
	CROSS JOIN LATERAL (SELECT rank, CASE WHEN shop.dice(s.name || ' guest') >= 0.22 THEN (12000 + rank * 3)::text END AS customer) c
	CROSS JOIN LATERAL generate_series(1, 1 + floor(7 * shop.dice(s.name || ' lines') ^ 2)::integer) l
	CROSS JOIN LATERAL (SELECT shop.dice(s.name || l || ' bulk') < 0.003 AS bulk) b
	JOIN item i ON i.n = CASE
		WHEN c.customer IS NOT NULL AND shop.dice(s.name || l || ' again') < 0.4	-- what they always buy
			THEN floor(600 * shop.dice('likes ' || c.customer || floor(10 * shop.dice(s.name || l || ' which'))))
		ELSE floor(600 * shop.dice(s.name || l || ' item') ^ 2) END;

-- Some lines stand twice on their invoice, and now and then there is a present.
INSERT INTO sold SELECT name, line || ' twice', l, customer, at, late, item, description, price, quantity, bulk FROM sold WHERE shop.dice(line || ' twice') < 0.01;
INSERT INTO sold SELECT name, name || ' gift', 99, customer, at, 0, item, description, 0, 1, false FROM sold WHERE l = 1 AND shop.dice(name || ' gift') < 0.004;

-- Three lines in a hundred come back, whole or in part, mostly soon; of weddings more. Some bring more than they bought, or what they never bought.
CREATE TEMP TABLE back AS
SELECT customer, CASE WHEN customer IS NULL THEN name END AS guest,
	at::date + days + CASE WHEN extract(dow FROM at::date + days) = 6 THEN 1 ELSE 0 END AS day,
	CASE WHEN d.odd < 0.06 THEN other.item ELSE s.item END AS item,
	CASE WHEN d.odd < 0.06 THEN other.description ELSE s.description END AS description,
	CASE WHEN d.odd < 0.06 THEN other.price ELSE s.price END AS price,
	CASE WHEN d.odd > 0.97 THEN 3 * quantity WHEN d.odd > 0.6 THEN ceil(quantity * shop.dice(line || ' part')) ELSE quantity END AS quantity,
	line
FROM sold s
	CROSS JOIN LATERAL (SELECT shop.dice(line || ' odd') AS odd, CASE WHEN shop.dice(line || ' when') < 0.06
		THEN 150 + floor(120 * shop.dice(line || ' days'))::integer
		ELSE 1 + floor(45 * shop.dice(line || ' days') ^ 2)::integer END AS days) d
	JOIN item other ON other.n = floor(600 * shop.dice(line || ' other'))
WHERE shop.dice(line || ' back') < CASE WHEN customer IS NULL THEN 0.01 WHEN bulk THEN 0.4 ELSE 0.03 END;
-- Strangers bring something bought last year, and are no members.
INSERT INTO back
SELECT (19000 + k)::text, NULL, current_setting('shop.until')::date - 363 + k * 3, item, description, price, 1 + k % 4, 'stranger ' || k
FROM generate_series(1, 25) k JOIN item ON n = floor(600 * shop.dice('stranger ' || k));

-- All on one roll, in order of time, numbered as a till does; with what else a shop's books hold: breakages and bad debts.
CREATE TEMP TABLE roll AS
SELECT '' AS prefix, name AS invoice, at, line, item, description, quantity, late, price, customer FROM sold
UNION ALL
SELECT 'C', 'return ' || coalesce(customer, guest) || ' ' || day,
	day + make_interval(mins => 540 + floor(480 * shop.dice(coalesce(customer, guest) || day))::integer),
	line, item, description, -quantity, 0, price, customer
FROM back WHERE day <= current_setting('shop.until')::date
UNION ALL
SELECT '', 'broken ' || k, current_setting('shop.until')::date - 3 * k + interval '17 hours', '', item, 'damaged', -1 - k % 9, 0, 0.00, NULL
FROM generate_series(1, 60) k JOIN item ON n = floor(600 * shop.dice('broken ' || k))
UNION ALL
SELECT 'A', 'debt ' || k, current_setting('shop.until')::date - 120 + k * interval '1 minute' + interval '10 hours', '', 'B', 'Adjust bad debt', 1, 0, amount, NULL
FROM (VALUES (1, 612.40), (2, -612.40)) v(k, amount);

INSERT INTO shop.incoming ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
SELECT prefix || (500000 + dense_rank() OVER (ORDER BY at, invoice))::text, item, description, quantity,
	at + make_interval(mins => late), price, customer, 'United Kingdom'
FROM roll ORDER BY at, invoice, line COLLATE "C", quantity;
