/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See pipeline.h.
 */
#include "pipeline.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fastskip.h"
#include "scratch.h"

static void open_store(struct pipeline *pipeline)
{
    const struct options *options = pipeline->options;
    const struct store_options store_options = {
        .memory = options->memory,
        .shards = options->shards,
        .backpressure = options->backpressure,
        .is_numbered = options->is_numbered,
        .pending_max = options->pending_max,
        .fan_in = options->fan_in,
        .control = pipeline->control,
    };
    store_open(&pipeline->store, &store_options);
}

/* Makes what the threads work with; every queue is watched before the first thread starts. */
static void prepare_workers(struct pipeline *pipeline)
{
    const struct options *options = pipeline->options;
    pipeline->writers = allocate(options->writers * sizeof *pipeline->writers);
    pipeline->parcels = allocate(options->writers * sizeof(struct parcel *));
    pipeline->readers = allocate(options->readers * sizeof *pipeline->readers);
    if (options->readers > 0)
        pipeline->ledger = ledger_new();
    for (size_t i = 0; i < options->writers; i++) {
        writer_init(&pipeline->writers[i], pipeline->control, options, &pipeline->store,
                    pipeline->ledger, &pipeline->records_written);
        pipeline->parcels[i] = parcel_new();
    }
    for (size_t i = 0; i < options->readers; i++)
        pipeline->readers[i] = (struct reader){
            .store = &pipeline->store,
            .ledger = pipeline->ledger,
            .control = pipeline->control,
            .is_last_round = &pipeline->is_last_round,
            .random = i,
        };
}

static void start_workers(struct pipeline *pipeline)
{
    int error = 0;
    while (error == 0 && pipeline->writers_started < pipeline->options->writers) {
        struct writer *writer = &pipeline->writers[pipeline->writers_started];
        error = pthread_create(&writer->thread, NULL, writer_main, writer);
        pipeline->writers_started += error == 0;
    }
    while (error == 0 && pipeline->readers_started < pipeline->options->readers) {
        struct reader *reader = &pipeline->readers[pipeline->readers_started];
        error = pthread_create(&reader->thread, NULL, reader_main, reader);
        pipeline->readers_started += error == 0;
    }
    if (error != 0)
        control_fail(pipeline->control, "cannot start a thread: %s", strerror(error));
}

/* Puts a writer's parcel into its queue and begins another. */
static bool send_parcel(struct pipeline *pipeline, size_t writer)
{
    if (pipeline->parcels[writer]->size == 0)
        return true;
    if (!queue_push(&pipeline->writers[writer].queue, pipeline->parcels[writer]))
        return false;
    pipeline->parcels[writer] = parcel_new();
    return true;
}

/* Reads records and deals them out until the input ends, or somebody wants it to. */
static void deal_records(struct pipeline *pipeline)
{
    const struct options *options = pipeline->options;
    struct packed_record packed = {.number = 0};
    bool is_open = !control_stopped(pipeline->control);
    while (is_open && source_next(pipeline->source, &packed.record) == SOURCE_RECORD) {
        packed.number++;
        packed.hash = XXH3_64bits(packed.record.key, packed.record.key_size);
        size_t writer = (size_t)((packed.hash >> 32) * options->writers >> 32);
        parcel_add(pipeline->parcels[writer], &packed);
        if (pipeline->parcels[writer]->size >= PARCEL_BYTES)
            send_parcel(pipeline, writer);
        is_open = packed.number != options->limit && !control_stopped(pipeline->control);
    }
    for (size_t i = 0; i < options->writers; i++) {
        send_parcel(pipeline, i);
        queue_close(&pipeline->writers[i].queue);
    }
    pipeline->report->records = packed.number;
}

static void end_writers(struct pipeline *pipeline)
{
    struct report *report = pipeline->report;
    uint64_t ended_at = report->began_at;
    for (size_t i = 0; i < pipeline->writers_started; i++) {
        struct writer *writer = &pipeline->writers[i];
        pthread_join(writer->thread, NULL);
        report->puts += writer->puts;
        report->deletes += writer->deletes;
        report->batches += writer->batches;
        report->stalls.count += writer->stalls.count;
        report->stalls.nanoseconds += writer->stalls.nanoseconds;
        if (writer->longest_pause > report->longest_pause)
            report->longest_pause = writer->longest_pause;
        if (writer->ended_at > ended_at)
            ended_at = writer->ended_at;
    }
    report->ingest_seconds = (double)(ended_at - report->began_at) / 1e9;
}

static void end_readers(struct pipeline *pipeline)
{
    struct report *report = pipeline->report;
    /* Release: pairs with the acquire in reader_main(). */
    atomic_store_explicit(&pipeline->is_last_round, true, memory_order_release);
    for (size_t i = 0; i < pipeline->readers_started; i++) {
        const struct reader *reader = &pipeline->readers[i];
        pthread_join(reader->thread, NULL);
        report->lookups += reader->lookups;
        report->hits += reader->hits;
        report->tombstones += reader->tombstones;
        report->overtaken += reader->overtaken;
        report->misses += reader->misses;
        report->wrong += reader->wrong;
    }
}

void pipeline_open(struct pipeline *pipeline, const struct options *options, int copy_fd,
                   struct report *report, struct control *control)
{
    *pipeline = (struct pipeline){.options = options, .control = control, .report = report};
    const struct source_options source_options = {
        .format = options->format,
        .delete_marker = options->delete_marker,
        .paths = options->paths,
        .path_count = options->path_count,
        .record_max = (size_t)options->memory + FASTSKIP_KEY_MAX,
        .copy_fd = copy_fd,
        .bytes = &pipeline->bytes_read,
        .control = control,
    };
    pipeline->source = source_new(&source_options);
    open_store(pipeline);
    prepare_workers(pipeline);
}

bool pipeline_run(struct pipeline *pipeline)
{
    struct report *report = pipeline->report;
    report->began_at = nanoseconds_now();
    start_workers(pipeline);
    deal_records(pipeline);
    report->is_interrupted = control_stopped(pipeline->control);
    report->input_bytes = source_consumed(pipeline->source);
    end_writers(pipeline);
    bool is_finished = store_finish(&pipeline->store);
    report->flushed_seconds = (double)(nanoseconds_now() - report->began_at) / 1e9;
    end_readers(pipeline);
    report->store = pipeline->store.figures;
    if (is_finished && report->puts + report->deletes != report->records)
        control_fail(pipeline->control, "%llu records were read, but %llu acknowledged",
                     (unsigned long long)report->records,
                     (unsigned long long)(report->puts + report->deletes));
    return !control_failed(pipeline->control);
}

void pipeline_close(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->options->writers; i++) {
        writer_destroy(&pipeline->writers[i]);
        parcel_free(pipeline->parcels[i]);
    }
    free(pipeline->writers);
    free(pipeline->parcels);
    free(pipeline->readers);
    store_close(&pipeline->store);
    ledger_free(pipeline->ledger);
    source_free(pipeline->source);
}
