/*
 * json.h
 *	  Building small jsonb documents, and reading their members.
 */
#ifndef LOYALTY_JSON_H
#define LOYALTY_JSON_H

#include "loyalty.h"

#include "lib/stringinfo.h"
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
extern void json_integers(Json *json, const char *key, const int64 *numbers, int count);
extern void json_date(Json *json, const char *key, DateADT day);
extern void json_boolean(Json *json, const char *key, bool value);

/* A document as text in UTF-8, the same whatever the database's encoding; numbers by value or as they are. */
extern void json_append_canonical(StringInfo buf, JsonbContainer *json, bool by_value);

/*
 * Members of an object of the ledger's own; NULL, 0 or the default where there
 * is none.  What is not of its type is damage (LY014), but for texts.
 */
extern JsonbContainer *json_element(Datum array, int n);
extern int	json_count(Datum array);
extern char *json_get_text(JsonbContainer *object, const char *key);
extern int64 json_get_integer(JsonbContainer *object, const char *key, int64 none);
extern DateADT json_get_date(JsonbContainer *object, const char *key, DateADT none);
extern void json_get_integers(JsonbContainer *object, const char *key, int64 *numbers, int count);
extern bool json_has(JsonbContainer *object, const char *key);

/* The same for views, which leave out what cannot be understood. */
extern JsonbContainer *json_find_object(Jsonb *array, int n);
extern bool json_find_integer(JsonbContainer *object, const char *key, int64 *integer);

/* Values: a member, or NULL; and is a value what it should be? */
extern JsonbValue *json_value(JsonbContainer *object, const char *key, JsonbValue *buffer);
extern char *json_value_text(const JsonbValue *value);
extern bool json_value_integer(const JsonbValue *value, int64 limit, int64 *integer);
extern bool json_value_date(const JsonbValue *value, DateADT *day);
extern bool json_value_counts(const JsonbValue *value);

#endif							/* LOYALTY_JSON_H */
