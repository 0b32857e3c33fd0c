/*
 * json.h
 *	  Building small jsonb documents, and reading their members.
 */
#ifndef LOYALTY_JSON_H
#define LOYALTY_JSON_H

#include "loyalty.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

typedef struct Json
{
	JsonbParseState *state;
	JsonbValue *result;
} Json;

extern void json_begin(Json *json, JsonbIteratorToken token);
extern void json_end(Json *json, JsonbIteratorToken token);
extern Datum json_finish(Json *json);
extern void json_text(Json *json, const char *key, const char *text);
extern void json_number(Json *json, const char *key, Numeric number);
extern void json_integer(Json *json, const char *key, int64 number);
extern void json_date(Json *json, const char *key, DateADT day);
extern void json_boolean(Json *json, const char *key, bool value);

/* Members of an object; NULL, 0 or the default where there is none. */
extern JsonbContainer *json_element(Datum array, int n);
extern int	json_count(Datum array);
extern char *json_get_text(JsonbContainer *object, const char *key);
extern int64 json_get_integer(JsonbContainer *object, const char *key, int64 none);
extern DateADT json_get_date(JsonbContainer *object, const char *key, DateADT none);
extern bool json_has(JsonbContainer *object, const char *key);

#endif							/* LOYALTY_JSON_H */
