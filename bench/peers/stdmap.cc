/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/* std::map behind a reader-writer lock as a peer. */
#include "records.h"

#include <map>

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

using map = std::map<std::string_view, record *>;

const peer_description peer_about = {
    "std::map", "libstdc++ " TEXT(_GLIBCXX_RELEASE), "behind std::shared_mutex; no versions",
    PEER_OVERWRITE | PEER_SEEK | PEER_REVERSE | PEER_THREADS | PEER_EMPTY_VALUES};

#include "locked_map.h"
