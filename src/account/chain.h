/*
 * chain.h
 *	  The hash chain over entries (S29).
 */
#ifndef CHAIN_H
#define CHAIN_H

#include "entry.h"

/* The chain (S29): sha256(version, previous hash, fields). */
extern void chain_hash(const Entry *entry, const uint8 *previous, uint8 *hash);
extern void entry_chain(Entry *entry, uint8 *hash);
extern uint64 chain_fingerprint(const char *bytes, size_t length);

#endif							/* CHAIN_H */
