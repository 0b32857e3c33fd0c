-- The next postings, in place: by a call, by a tracked table, under the rules.
\set ON_ERROR_STOP 1
\pset tuples_only on
\pset format unaligned
INSERT INTO public.orders VALUES (:version * 1000, 'm1', 100, 'paid');
UPDATE public.orders SET state = 'void' WHERE id = :version * 1000;
SELECT points FROM loyalty.purchase('m2', 100.00, 'next' || :version, '[{"sku": "A", "amount": 100.00, "category": "tea"}]');
SELECT count(*) FROM loyalty.verify();
