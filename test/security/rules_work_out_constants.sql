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
($$length(jsonb_extract_path_text(from_json => '{"a":"abc"}', VARIADIC path_elems => '{a}'))$$, '3'),
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

-- So is what makes long values of a posting's own, one within the other.
SELECT is(worth(points), want, 'grows: ' || points)
FROM (VALUES
($$length(replace(replace(channel, 'w', repeat('w', 1000)), 'w', repeat('w', 1000)))$$, 'LY017'),
($$length(replace(channel, 'w', repeat('x', 20000)))$$, 'LY017'),
($$length(replace(channel, 'w', channel))$$, 'LY017'),
($$length(replace(replace(channel, 'w', 'vv'), 'v', repeat('x', 2000)))$$, '4002'),
($$length(repeat(repeat(channel, 100), 99))$$, '29700'),
($$length(repeat(repeat(channel, 1000), 1000))$$, 'LY017'),
($$length(repeat(replace(channel, 'w', repeat('w', 1000)), 1000))$$, 'LY017'),
($$length(regexp_replace(regexp_replace(channel, 'w', repeat('w', 1000), 'g'), 'w', repeat('w', 1000), 'g'))$$, 'LY017'),
($$length(regexp_replace(channel, '', store, 1, 0))$$, 'LY017'),
($$length(regexp_replace(channel, 'w', '\&\&', 1, 0))$$, '4'),
($$cardinality(array_replace(string_to_array(channel, NULL), 'w', repeat('x', 60000)))$$, 'LY017'),
('length(' || repeat('quote_literal(', 14) || 'channel' || repeat(')', 15), 'LY017'),
('length(' || repeat('quote_ident(', 14) || 'channel' || repeat(')', 15), 'LY017'),
('length(' || repeat('json_object(string_to_array(', 14) || 'channel' || repeat(', NULL))::text', 14) || ')', 'LY017'),
($$jsonb_array_length(jsonb_path_query_array(to_jsonb(1), '$[0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0]'))$$, 'LY017'),
($$CASE WHEN '[1]'::jsonb @? '$[0,0][0,0]' THEN 1 ELSE 2 END$$, 'LY017'),
($$length(replace(lpad(channel, 10000, 'w'), 'w', repeat('x', 9000)))$$, 'LY017'),
($$length(replace(channel::char(10000), ' ', 'xx'))$$, 'LY017'),
($$length(lpad(rpad(channel, 10), 20))$$, '20'),
($$length(replace(channel, 'w', ''))$$, '2'),
($$length(replace(channel, 'w', NULL))$$, NULL)
) AS v(points, want);

-- What a session's settings would change.
SELECT is(worth(points), want, 'the same in every session: ' || points)
FROM (VALUES
($$length((hour::float8 / 3)::text)$$, 'LY017'),
($$length((hour::float4 / 3)::varchar)$$, 'LY017'),
($$length((hour::float8 / 3)::numeric::text)$$, '1'),
($$length(make_interval(hours => hour)::text)$$, 'LY017'),
($$length(local_date::text)$$, 'LY017')
) AS v(points, want);

SELECT sound();
SELECT finish();
ROLLBACK;
