/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/* For peers without snapshots: what the driver never calls of them. Included once, by the adapter. */
#include "../driver/peer.h"

#include <stdlib.h>

void *peer_snapshot_new(peer_worker *worker)
{
    (void)worker;
    abort();
}

int peer_snapshot_get(peer_worker *worker, void *snapshot, peer_bytes key, peer_bytes *value)
{
    (void)worker;
    (void)snapshot;
    (void)key;
    (void)value;
    abort();
}

void peer_snapshot_free(peer_worker *worker, void *snapshot)
{
    (void)worker;
    (void)snapshot;
    abort();
}
