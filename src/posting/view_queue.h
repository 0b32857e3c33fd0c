/*
 * view_queue.h
 *	  The requests of a statement, posted together at its end.
 */
#ifndef VIEW_QUEUE_H
#define VIEW_QUEUE_H

#include "loyalty.h"

#include "posting.h"

typedef struct Queue Queue;

extern Queue *queue_begin(const Verb *verb);
extern void queue_add(Queue *queue, Request *request);
extern void queue_post(Queue *queue);

#endif							/* VIEW_QUEUE_H */
