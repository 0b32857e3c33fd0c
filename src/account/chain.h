/*
 * chain.h
 *	  The hash chain over entries (S29).
 */
#ifndef CHAIN_H
#define CHAIN_H

#include "loyalty.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "entry.h"

/* The chain (S29): sha256(version, previous hash, fields). */
extern void chain_hash(const Entry *entry, const uint8 *previous, uint8 *hash);
extern void chain_entry(Entry *entry, uint8 *hash);
extern uint64 chain_fingerprint(const char *bytes, size_t length);

/* Values as they are hashed, here and in fingerprints */
extern void chain_append_text(StringInfo buf, const char *text, int length);
extern void chain_append_json(StringInfo buf, Jsonb *json, bool by_value);

#endif							/* CHAIN_H */
