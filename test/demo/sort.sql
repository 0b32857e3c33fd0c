-- From order lines to purchases and returns, each return line matched to what it gives back.
--   :rules  not empty: lines get a category, for rules to see

SET work_mem = '64MB';

-- The file has no categories. Three can be told from words of the description; what has none of them has no category. A
-- description that has words of two is of the first: a LUNCH BOX of PAPER is kitchen.
CREATE FUNCTION shop.category(description text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN description ~ '\m(MUG|TEA|TEAPOT|COFFEE|CUP|CUPS|CAKE|CAKES|CAKESTAND|BOWL|PLATE|PLATES|JAR|TRAY|LUNCH|APRON|BAKING|SPOON|CUTLERY|KITCHEN|RECIPE)\M' THEN 'kitchen'
	WHEN description ~ '(LANTERN|CANDLE|T-LIGHT|\mLAMP\M|\mLIGHT\M|\mLIGHTS\M)' THEN 'lighting'
	WHEN description ~ '\m(PAPER|BUNTING|GARLAND|NOTEBOOK|CARD|CARDS|WRAP|STICKERS|POSTCARD|ENVELOPES)\M' THEN 'paper'
END;

-- What is every line? By sign and customer: a customer's positive line is bought, a negative one comes back; without a
-- customer it is a guest's; what has no quantity or a negative price is book-keeping, whoever's it is.
-- An invoice happens when its first line does (some span two minutes); times without zone are local to the program.
-- A customer's lines of one invoice are one purchase or one return; turns go by time, then as in the file.
INSERT INTO shop.line (no, kind, note, invoice, turn, place, at, customer, item, category, description, quantity, price, amount)
WITH named AS (
	SELECT no, "InvoiceNo" AS invoice, "InvoiceDate" AS local_at, "StockCode" AS item, "Description" AS description,
		"Quantity" AS quantity, "UnitPrice" AS price, nullif(regexp_replace(btrim("CustomerID"), '\.0$', ''), '') COLLATE "C" AS customer
	FROM shop.incoming
), sorted AS (
	SELECT *, CASE WHEN invoice LIKE 'A%' OR quantity = 0 OR price < 0 THEN 'other'
			WHEN customer IS NULL THEN 'guest'
			WHEN quantity > 0 THEN 'purchase'
			ELSE 'return' END COLLATE "C" AS kind,
		first_value(local_at) OVER (PARTITION BY invoice ORDER BY no)
			AT TIME ZONE (SELECT timezone FROM loyalty.program WHERE code = 'shop') AS at
	FROM named
), placed AS (
	SELECT *, kind IN ('purchase', 'return') AS counts,
		row_number() OVER mine AS place,
		first_value(no) OVER (PARTITION BY invoice, customer ORDER BY no) AS first_no
	FROM sorted WINDOW mine AS (PARTITION BY invoice, customer, kind ORDER BY no)
)
SELECT no, kind,
	CASE kind
		WHEN 'guest' THEN CASE WHEN quantity > 0 THEN 'sales' WHEN invoice LIKE 'C%' THEN 'returns' ELSE 'stock corrections' END
		WHEN 'other' THEN CASE WHEN invoice LIKE 'A%' THEN 'bad debts' WHEN quantity = 0 THEN 'no quantity' ELSE 'negative prices' END
		ELSE '' END,
	invoice,
	CASE WHEN counts THEN dense_rank() OVER (PARTITION BY counts ORDER BY at, first_no, kind) END,	-- 'purchase' before 'return'
	CASE WHEN kind = 'purchase' THEN place END,
	at, customer, item, CASE WHEN :'rules' <> '' THEN shop.category(description) END, description, quantity, price, quantity * price
FROM placed;
ANALYZE shop.line;

INSERT INTO shop.invoice (turn, kind, invoice, customer, at, month, newcomer, amount, lines)
SELECT turn, kind, invoice, customer, at,
	date_trunc('month', at AT TIME ZONE (SELECT timezone FROM loyalty.program WHERE code = 'shop'))::date,
	kind = 'purchase' AND turn = min(turn) FILTER (WHERE kind = 'purchase') OVER (PARTITION BY customer),
	sum(amount),
	CASE kind WHEN 'purchase' THEN jsonb_agg(jsonb_build_object('sku', item, 'quantity', quantity, 'amount', amount)
		|| CASE WHEN category IS NULL THEN '{}' ELSE jsonb_build_object('category', category) END ORDER BY place) END
FROM shop.line WHERE turn IS NOT NULL
GROUP BY turn, kind, invoice, customer, at;

CREATE INDEX ON shop.line (turn) WHERE kind = 'return';
CREATE INDEX ON shop.line (customer, item) WHERE turn IS NOT NULL;
CREATE INDEX ON shop.invoice (month, turn);
ANALYZE shop.invoice;

-- Match each return line to the customer's earlier purchases of the item, the latest first, each up to what is left of it.
-- One pass over the customer's history of the item with a stack: a purchase goes on top, a return takes from the top.
CREATE PROCEDURE shop.match() LANGUAGE plpgsql AS $$
DECLARE
	l record;
	owner text := '';
	item text := '';
	nos bigint[];
	lefts bigint[];
	top integer;
	bought boolean;
	need bigint;
	part bigint;
BEGIN
	FOR l IN
		SELECT * FROM shop.line h
		WHERE turn IS NOT NULL AND EXISTS (SELECT FROM shop.line r WHERE r.kind = 'return' AND r.customer = h.customer AND r.item = h.item)
		ORDER BY h.customer, h.item, h.turn, h.no
	LOOP
		IF l.customer <> owner OR l.item <> item THEN
			owner := l.customer; item := l.item; top := 0; bought := false; nos := '{}'; lefts := '{}';
		END IF;
		IF l.kind = 'purchase' THEN
			top := top + 1; bought := true; nos[top] := l.no; lefts[top] := l.quantity;
			CONTINUE;
		END IF;
		need := -l.quantity;
		WHILE need > 0 AND top > 0 LOOP
			part := least(need, lefts[top]);
			INSERT INTO shop.matched (no, of_no, quantity) VALUES (l.no, nos[top], part);
			need := need - part; lefts[top] := lefts[top] - part;
			IF lefts[top] = 0 THEN
				top := top - 1;
			END IF;
		END LOOP;
		IF need > 0 THEN
			INSERT INTO shop.unmatched (no, invoice, returned_at, customer, item, description, quantity, returned, amount, why)
			VALUES (l.no, l.invoice, l.at, l.customer, l.item, l.description, need, -l.quantity, need * l.price,
				CASE WHEN bought THEN 'more than was bought' ELSE 'not bought before' END);
		END IF;
	END LOOP;
END $$;
CALL shop.match();
CREATE INDEX ON shop.matched (of_no);
ANALYZE shop.matched, shop.unmatched;
