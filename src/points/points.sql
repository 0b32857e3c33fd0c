-- The arithmetic of awards by itself.

CREATE FUNCTION loyalty._award_parts(amounts numeric[], rounding text) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_parts_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._award_parts IS
	'Points of the parts of an award, from their exact values in the order base, tier, campaigns, by cumulative rounding (floor, half_up or ceil).';
CREATE FUNCTION loyalty._award_keep(parts bigint[], kept bigint[], net numeric, refunded numeric) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_keep_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._award_keep IS
	'Points that the parts of an award keep when the amount refunded of net has been returned in total. The sum is rounded down, and divided among the parts by cumulative rounding in proportion to what each part still had (kept).';
CREATE FUNCTION loyalty._award_lines_keep(points bigint[], net numeric[], refunded numeric[]) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_lines_keep_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._award_lines_keep IS
	'Points that each line keeps when the amount refunded of its own money has been returned.';
CREATE FUNCTION loyalty._award_trim(parts bigint[], given bigint) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_trim_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._award_trim IS
	'Points of the parts of an award when a cap leaves this number of points. The last part is cut first.';
CREATE FUNCTION loyalty._award_spread(points bigint[], given bigint) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_spread_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._award_spread IS
	'Points of the lines of a part when a cap leaves this number of points, by cumulative rounding.';
