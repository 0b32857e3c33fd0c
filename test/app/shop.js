// A shop's application on node and pg: it knows orders, and nothing of points.
// It inserts, changes, cancels and deletes them, alone, in batches, rolled back
// half-way, and many at a time; after each step the ledger has to agree.
//
//   node shop.js         (PGHOST, PGPORT, PGUSER, PGDATABASE say where; prints TAP)
'use strict';

const { Pool } = require('pg');

const pool = new Pool({ max: 6 });
let tests = 0;
let failed = 0;

function ok(good, name, detail) {
	tests++;
	if (!good) failed++;
	console.log(`${good ? 'ok' : 'not ok'} ${tests} - ${name}`);
	if (!good && detail) console.log(`# ${detail}`);
}

// ------------------------------------------------------------ the application

async function transaction(work) {
	const client = await pool.connect();
	try {
		await client.query('BEGIN');
		const result = await work(client);
		await client.query('COMMIT');
		return result;
	} catch (error) {
		await client.query('ROLLBACK');
		throw error;
	} finally {
		client.release();
	}
}

// Deadlocks and serialization failures are tried again, as anywhere.
async function again(work) {
	for (;;) {
		try {
			return await transaction(work);
		} catch (error) {
			if (error.code !== '40P01' && error.code !== '40001') throw error;
		}
	}
}

const place = (customer, items) => again(async (client) => {
	const { rows: [order] } = await client.query({
		name: 'place',
		text: 'INSERT INTO shop.orders (customer, status) VALUES ($1, $2) RETURNING id',
		values: [customer, 'paid'],
	});
	await client.query(
		'INSERT INTO shop.items (order_id, sku, price) SELECT $1, * FROM unnest($2::text[], $3::numeric[])',
		[order.id, items.map((item) => item[0]), items.map((item) => item[1])]);
	return order.id;
});
const cancel = (id) => again((client) => client.query('UPDATE shop.orders SET status = $2 WHERE id = $1', [id, 'cancelled']));
const sendBack = (id, sku) => again((client) => client.query('DELETE FROM shop.items WHERE order_id = $1 AND sku = $2', [id, sku]));
const add = (id, sku, price) => again((client) => client.query('INSERT INTO shop.items (order_id, sku, price) VALUES ($1, $2, $3)', [id, sku, price]));
const forget = (id) => again((client) => client.query('DELETE FROM shop.orders WHERE id = $1', [id]));

// ---------------------------------------------------------- looking at points

const points = async (customer) =>
	Number((await pool.query('SELECT balance FROM loyalty.balance($1)', [customer])).rows[0].balance);

async function agrees(when) {
	const { rows } = await pool.query(`
		SELECT * FROM (
			SELECT o.id::text AS ref, customer AS member, coalesce(sum(price), 0) AS wanted
			FROM shop.orders o LEFT JOIN shop.items i ON i.order_id = o.id
			WHERE customer IS NOT NULL AND status <> 'cancelled' GROUP BY o.id) w
		FULL JOIN (
			SELECT split_part(ref, '~', 1) AS ref, member, sum(CASE kind WHEN 'purchase' THEN amount ELSE -amount END) AS posted
			FROM loyalty.entries WHERE kind IN ('purchase', 'refund') GROUP BY 1, 2) p USING (ref, member)
		WHERE coalesce(wanted, 0) <> coalesce(posted, 0)`);
	ok(rows.length === 0, `the ledger agrees ${when}`, JSON.stringify(rows));
}

// ------------------------------------------------------------------ its day

async function main() {
	await pool.query('CREATE EXTENSION loyalty');
	await pool.query("INSERT INTO loyalty.program (code) VALUES ('club')");
	await pool.query(`
		CREATE SCHEMA shop;
		CREATE TABLE shop.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer text, status text NOT NULL, placed timestamptz NOT NULL DEFAULT now());
		CREATE TABLE shop.items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint NOT NULL REFERENCES shop.orders ON DELETE CASCADE, sku text NOT NULL, price numeric NOT NULL);
		CREATE INDEX ON shop.items (order_id);`);
	await pool.query(`SELECT loyalty.track($1, member => 'customer', ref => 'id', at => 'placed', status => 'status', cancelled => $2,
		lines => 'shop.items', lines_order => 'order_id', line_amount => 'price', sku => 'sku', unknown => 'enroll')`, ['shop.orders', ['cancelled']]);

	// alone
	const first = await place('anna', [['LAMP', '80.00'], ['BULB', '20.50']]);
	ok(await points('anna') === 100, 'an order is worth 100 points');
	await agrees('after an order');
	await sendBack(first, 'BULB');
	ok(await points('anna') === 80, 'an item sent back takes its points with it');
	await agrees('after a return of one item');
	await add(first, 'CORD', '5.25');
	await agrees('after an item was added');
	await cancel(first);
	ok(await points('anna') === 0, 'a cancelled order is worth nothing');
	await agrees('after a cancellation');
	await forget(first);
	await agrees('after it was deleted');
	await place(null, [['LAMP', '80.00']]);
	await agrees("after a guest's order");

	// rolled back, wholly and half-way
	await transaction(async (client) => {
		await client.query("INSERT INTO shop.orders (customer, status) VALUES ('anna', 'paid')");
		throw new Error('the card was declined');
	}).catch((error) => ok(error.message === 'the card was declined', 'the application gives up half-way'));
	ok(await points('anna') === 0, 'and nothing was posted');
	await transaction(async (client) => {
		const { rows: [order] } = await client.query("INSERT INTO shop.orders (customer, status) VALUES ('anna', 'paid') RETURNING id");
		await client.query('INSERT INTO shop.items (order_id, sku, price) VALUES ($1, $2, $3)', [order.id, 'LAMP', 40]);
		await client.query('SAVEPOINT gift');
		await client.query('INSERT INTO shop.items (order_id, sku, price) VALUES ($1, $2, $3)', [order.id, 'GIFT', 1000]);
		await client.query('ROLLBACK TO gift');
	});
	ok(await points('anna') === 40, 'what was rolled back half-way is not posted');
	await agrees('after a rollback half-way');

	// in batches
	await transaction(async (client) => {
		for (let n = 0; n < 50; n++) {
			const { rows: [order] } = await client.query('INSERT INTO shop.orders (customer, status) VALUES ($1, $2) RETURNING id', [`c${n % 7}`, 'paid']);
			await client.query('INSERT INTO shop.items (order_id, sku, price) VALUES ($1, $2, $3), ($1, $4, $5)', [order.id, 'A', n, 'B', 1.5]);
		}
	});
	await agrees('after a batch of 50 orders in one transaction');
	await pool.query("UPDATE shop.items SET price = price * 0.9 WHERE sku = 'A'");
	await agrees('after a discount on all of them');
	await pool.query("UPDATE shop.orders SET status = 'cancelled' WHERE id % 3 = 0");
	await agrees('after a third of them was cancelled');
	await pool.query("UPDATE shop.orders SET status = 'paid' WHERE id % 6 = 0");
	await agrees('after some of those came back');
	await pool.query('DELETE FROM shop.orders WHERE id % 4 = 0');
	await agrees('after a quarter was deleted');

	// many at a time
	const ids = await Promise.all(Array.from({ length: 60 }, (_, n) => place(`c${n % 5}`, [['A', n + 1], ['B', '2.00']])));
	await agrees('after 60 orders at a time');
	await Promise.all(ids.flatMap((id, n) => [
		add(id, 'C', 10), sendBack(id, 'A'), n % 3 === 0 ? cancel(id) : add(id, 'D', 1), n % 5 === 0 ? forget(id) : sendBack(id, 'C'),
	].map((step) => step.catch((error) => {
		// an item of an order that has just been deleted
		if (error.code !== '23503') throw error;
	}))));
	await agrees('after they were changed from all sides');

	const { rows } = await pool.query('SELECT * FROM loyalty.verify()');
	ok(rows.length === 0, 'verify is clean', JSON.stringify(rows));
	const before = await points('c1');
	await pool.query("SELECT loyalty.untrack('shop.orders')");
	await pool.query('DELETE FROM shop.orders');
	ok(before > 0 && await points('c1') === before, 'after untrack the ledger stays as it is');
}

main()
	.catch((error) => { failed++; console.log(`# ${error.stack}`); })
	.finally(async () => {
		console.log(`1..${tests}`);
		await pool.end();
		process.exit(failed === 0 ? 0 : 1);
	});
