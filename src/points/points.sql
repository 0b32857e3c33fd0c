-- The arithmetic of awards by itself.

CREATE FUNCTION loyalty.award_parts(amounts numeric[], rounding text) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_parts_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.award_parts(numeric[], text) IS
	'Points of the parts of an award, given exactly in the order base, tier, campaigns: differences of the running sum, rounded once (floor, half_up or ceil).';
CREATE FUNCTION loyalty.award_keep(parts bigint[], kept bigint[], net numeric, refunded numeric) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_keep_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.award_keep(bigint[], bigint[], numeric, numeric) IS
	'What the parts of an award keep when refunded of net money is back in all: floor over all parts together, split by cumulative rounding of what each part still had (kept).';
CREATE FUNCTION loyalty.award_lines_keep(points bigint[], net numeric[], refunded numeric[]) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_lines_keep_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.award_lines_keep(bigint[], numeric[], numeric[]) IS
	'What each line keeps of its own points when refunded of its own money is back.';
CREATE FUNCTION loyalty.award_trim(parts bigint[], given bigint) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_trim_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.award_trim(bigint[], bigint) IS
	'Parts of an award when a cap leaves so many points in all: the last part is cut first.';
CREATE FUNCTION loyalty.award_spread(points bigint[], given bigint) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'award_spread_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.award_spread(bigint[], bigint) IS
	'Points of the lines of a part when a cap leaves so many in all, by cumulative rounding.';
