-- Constants are worked out when a rule is compiled: by calls as the planner completes
-- them, and never into something large.  A call that left arguments to their defaults
-- made the server die.
\ir ../pgtap/setup.psql

SELECT shop('mk', '{}', '{anna}', '2024-01-01');
CREATE ROLE marketing;
GRANT USAGE ON SCHEMA loyalty, tap TO marketing;
GRANT INSERT, SELECT ON loyalty.rules TO marketing;
GRANT EXECUTE ON FUNCTION loyalty.preview_for TO marketing;

-- What marketing writes, and the points that it gives.
CREATE FUNCTION tap.worth(points text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	BEGIN
		PERFORM set_config('role', 'marketing', true);
		INSERT INTO loyalty.rules (code, points) VALUES ('r', worth.points);
		SELECT part ->> 'given' INTO answer
		FROM jsonb_array_elements((loyalty.preview_for('{}', 10.00, channel => 'web', at => '2025-01-03 12:00Z')).parts) AS part
		WHERE part ->> 'part' = 'r';
		RAISE EXCEPTION USING ERRCODE = 'TAP01';
	EXCEPTION
		WHEN SQLSTATE 'TAP01' THEN NULL;
		WHEN OTHERS THEN
			answer := SQLSTATE;
	END;
	PERFORM set_config('role', 'none', true);
	RETURN answer;
END $$;

SELECT is(worth(points), want, 'a constant: ' || points)
FROM (VALUES
($$jsonb_array_length(jsonb_path_query_array('[1,2]', '$[*]'))$$, '2'),
($$jsonb_array_length(jsonb_path_query_array(target => '[1,2,3]', path => '$[*]'))$$, '3'),
($$CASE WHEN jsonb_path_exists('{"a":1}', '$.a') THEN 4 ELSE 0 END$$, '4'),
($$length(jsonb_set('{"a":1}', '{b}', '22')::text)$$, '17'),
($$length(jsonb_insert('{"a":1}', '{b}', '22')::text)$$, '17'),
($$extract(day FROM make_interval(0, 0, 0, 3))$$, '3'),
($$extract(day FROM make_interval(days => 3))$$, '3'),
($$extract(hour FROM make_interval(1, hours => 5))$$, '5'),
($$array_length(parse_ident('a.b'), 1)$$, '2'),
($$num_nonnulls(VARIADIC ARRAY[1, 2])$$, '2'),
($$length(NULL::text || 'x')$$, NULL),
($$greatest(2, 3) + coalesce(NULL, 3) + nullif(1, 2)$$, '7'),
($$(ARRAY[5, 6])[2]$$, '6'),
($$cardinality('{1,2}'::int[] || 3)$$, '3')
) AS v(points, want);

-- Large values are refused when the rule is written, also by a cast's own function.
SELECT is(worth(points), 'LY017', 'too large: ' || points)
FROM (VALUES
($$length(repeat('x', 1000000000))$$),
($$length(lpad('x', 1000000000))$$),
($$length(rpad(channel, 1000000000, 'y'))$$),
($$length(repeat(channel, day * 1000000))$$),
($$octet_length(pg_catalog.bpchar('x'::bpchar, 1000000000, true))$$),
($$octet_length(pg_catalog.bpchar(channel::bpchar, 1000000000, true))$$),
($$octet_length('x'::char(1000000))$$),
($$length(replace(repeat('x', 10000), 'x', 'yyyyyyyyyy'))$$),
($$length((10::numeric ^ 100000)::text)$$),
($$cardinality(array_fill(1, ARRAY[1000000]))$$)
) AS v(points);

SELECT sound();
SELECT finish();
ROLLBACK;
