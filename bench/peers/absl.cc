/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/* absl::btree_map behind a reader-writer lock as a peer. */
#include "records.h"

#include <absl/base/config.h>
#include <absl/container/btree_map.h>

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

using map = absl::btree_map<std::string_view, record *>;

const peer_description peer_about = {
    "absl::btree_map", TEXT(ABSL_LTS_RELEASE_VERSION), "behind std::shared_mutex; no versions",
    PEER_OVERWRITE | PEER_SEEK | PEER_REVERSE | PEER_THREADS | PEER_EMPTY_VALUES};

#include "locked_map.h"
