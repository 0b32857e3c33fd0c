-- The shop's own tables. Nothing here is needed by loyalty; the shop keeps its lines, the ledger keeps the points.

CREATE SCHEMA shop;

-- The order lines as they came, file or made: columns bear the file's names, so that COPY ... HEADER MATCH refuses another file.
CREATE TABLE shop.incoming (
	no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	"InvoiceNo" text NOT NULL,
	"StockCode" text NOT NULL,
	"Description" text,
	"Quantity" bigint NOT NULL,
	"InvoiceDate" timestamp NOT NULL,
	"UnitPrice" numeric NOT NULL,
	"CustomerID" text,
	"Country" text
);

-- The same lines understood: what each one is, whose, and when its invoice happened.
CREATE TABLE shop.line (
	no bigint PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('purchase', 'return', 'guest', 'other')),
	note text NOT NULL,			-- what sort of guest or other line
	invoice text NOT NULL,
	turn bigint,				-- its invoice's place in time; NULL for guests and others
	place integer,				-- its number on the purchase, as refunds name it
	at timestamptz NOT NULL,
	customer text COLLATE "C",
	item text COLLATE "C" NOT NULL,
	category text,				-- where the shop plays a rulebook; most have none
	description text,
	quantity bigint NOT NULL,
	price numeric NOT NULL,
	amount numeric NOT NULL
);

-- What is posted, in order of time: a customer's purchase, or a customer's return.
CREATE TABLE shop.invoice (
	turn bigint PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('purchase', 'return')),
	invoice text NOT NULL,
	customer text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	month date NOT NULL,
	newcomer boolean NOT NULL,	-- the customer's first order
	amount numeric NOT NULL,
	lines jsonb					-- of a purchase, as loyalty.purchase takes them
);

-- What members are and do beside buying. Filled only where the shop plays a rulebook.
CREATE TABLE shop.person (
	customer text COLLATE "C" PRIMARY KEY,
	birthday text NOT NULL		-- MM-DD
);
CREATE TABLE shop.deed (
	customer text COLLATE "C" NOT NULL,
	ref text NOT NULL,
	activity text NOT NULL,
	at timestamptz NOT NULL,
	month date NOT NULL,
	PRIMARY KEY (customer, ref)
);

-- Which line was returned of which purchase, and how many of it.
CREATE TABLE shop.matched (
	no bigint NOT NULL,			-- the return's line
	of_no bigint NOT NULL,		-- the purchase's line
	quantity bigint NOT NULL CHECK (quantity > 0),
	PRIMARY KEY (no, of_no)
);

-- What came back and found no purchase: listed, not guessed.
CREATE TABLE shop.unmatched (
	no bigint PRIMARY KEY,
	invoice text NOT NULL,
	returned_at timestamptz NOT NULL,
	customer text COLLATE "C" NOT NULL,
	item text COLLATE "C" NOT NULL,
	description text,
	quantity bigint NOT NULL CHECK (quantity > 0),
	returned bigint NOT NULL,	-- the whole line; quantity is what found nothing
	amount numeric NOT NULL,
	why text NOT NULL
);

-- How long each step took, and how much it posted.
CREATE TABLE shop.step (
	step text NOT NULL,
	month date,
	done bigint NOT NULL,
	seconds double precision NOT NULL
);

-- For people: 1234567 as 1,234,567.
CREATE FUNCTION shop.figure(numeric, decimals integer DEFAULT 0) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.to_char(pg_catalog.round($1, $2), 'FM999,999,999,999,990' || CASE WHEN $2 > 0 THEN '.' || pg_catalog.repeat('0', $2) ELSE '' END);
