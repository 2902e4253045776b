/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * ingest: a memtable's work on real input. Records go from files or standard input through fastskip
 * tables of limited memory and sorted runs into one sorted file; see --help.
 *
 *   this thread       reads records and deals them out to the writers (record.h, pipeline.h)
 *   writers           write them into the active table, and rotate it (workers.h, store.h)
 *   readers           look up what was acknowledged, and compare (workers.h, ledger.h)
 *   flush thread      makes sorted runs of full tables, and few runs of many (flush.c, run_file.h)
 *   this thread       at the end merges the runs into the result, and has it verified (merge.h,
 *                     output.h, verify.h)
 *   interrupt thread  waits for signals (interrupt.h)
 *   progress thread   draws a line on the terminal (progress.h)
 *
 * Only the public header of the library is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/control.h"
#include "ingest/interrupt.h"
#include "ingest/merge.h"
#include "ingest/options.h"
#include "ingest/output.h"
#include "ingest/pipeline.h"
#include "ingest/progress.h"
#include "ingest/report.h"
#include "ingest/scratch.h"
#include "ingest/verify.h"

struct ingest {
    struct options options;
    struct control control;
    struct pipeline pipeline;
    struct progress progress;
    atomic_ullong records_merged;
    /* Where standard input is copied to for verifying; NULL and -1 if it is not. */
    char *copy_path;
    int copy_fd;
    struct output output;
    struct report report;
};

/* Bytes of all inputs; 0 if they can not be known, as of a pipe. */
static uint64_t input_size(const struct options *options)
{
    uint64_t size = 0;
    for (size_t i = 0; i < options->path_count; i++) {
        struct stat status;
        bool is_stdin = strcmp(options->paths[i], "-") == 0;
        int error = is_stdin ? fstat(STDIN_FILENO, &status) : stat(options->paths[i], &status);
        if (error != 0 || !S_ISREG(status.st_mode))
            return 0;
        size += (uint64_t)status.st_size;
    }
    return size;
}

/* Standard input can not be read twice: for verifying, a copy is kept. */
static void open_copy(struct ingest *ingest)
{
    const struct options *options = &ingest->options;
    bool reads_stdin = false;
    for (size_t i = 0; i < options->path_count; i++)
        reads_stdin |= strcmp(options->paths[i], "-") == 0;
    ingest->copy_fd = -1;
    if (!options->is_verified || !reads_stdin)
        return;
    ingest->copy_path = scratch_path("input");
    ingest->copy_fd = open(ingest->copy_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (ingest->copy_fd < 0)
        control_fail(&ingest->control, "cannot make %s: %s", ingest->copy_path, strerror(errno));
}

/* From sorted runs to the result. */
static bool merge_result(struct ingest *ingest)
{
    uint64_t total = 0;
    struct view *view = store_view(&ingest->pipeline.store);
    for (size_t i = 0; i < view->run_count; i++)
        total += view->runs[i]->count;
    const struct merge_options merge_options = {
        .runs = view->runs,
        .run_count = view->run_count,
        .drop_tombstones = true,
        .progress = &ingest->records_merged,
        .control = &ingest->control,
    };
    progress_begin(&ingest->progress, PROGRESS_MERGE, total, &ingest->records_merged);
    bool merged =
        merge_runs(&merge_options, output_put, &ingest->output) && output_finish(&ingest->output);
    ingest->report.runs = view->run_count;
    view_drop(view);
    ingest->report.merged_seconds = (double)(nanoseconds_now() - ingest->report.began_at) / 1e9;
    ingest->report.output_lines = ingest->output.lines;
    ingest->report.output_bytes = ingest->output.bytes;
    return merged;
}

/* The inputs, with the copy in place of standard input; the caller frees the array. */
static char **inputs_to_verify(const struct ingest *ingest)
{
    static char nothing[] = "/dev/null";
    const struct options *options = &ingest->options;
    char **paths = allocate(options->path_count * sizeof(char *));
    char *copy = ingest->copy_path;
    for (size_t i = 0; i < options->path_count; i++) {
        paths[i] = options->paths[i];
        if (strcmp(paths[i], "-") != 0)
            continue;
        /* All of standard input is read at its first place. */
        paths[i] = copy != NULL ? copy : nothing;
        copy = NULL;
    }
    return paths;
}

static enum verify_outcome verify_result(struct ingest *ingest)
{
    const struct options *options = &ingest->options;
    bool is_cut = ingest->report.is_interrupted || options->limit > 0;
    char **paths = inputs_to_verify(ingest);
    const struct verify_options verify_options = {
        .format = options->format,
        .delete_marker = options->delete_marker,
        .limit = is_cut ? ingest->report.records : UINT64_MAX,
        .paths = paths,
        .path_count = options->path_count,
        .result = ingest->output.path,
    };
    progress_begin(&ingest->progress, PROGRESS_VERIFY, 0, NULL);
    enum verify_outcome outcome = verify(&verify_options);
    free(paths);
    return outcome;
}

/* What a run that has not failed exits with. An interrupt of the verification ends it unverified:
 * the result is complete all the same. */
static int verify_and_publish(struct ingest *ingest)
{
    struct report *report = &ingest->report;
    enum verify_outcome outcome = ingest->options.is_verified ? verify_result(ingest) : VERIFY_SAME;
    bool is_interrupted = control_stopped(&ingest->control);
    progress_close(&ingest->progress);
    if (ingest->options.is_verified && outcome == VERIFY_SAME)
        report->verification = VERIFICATION_PASSED;
    if (outcome == VERIFY_DIFFERENT) {
        report->verification = VERIFICATION_FAILED;
        if (output_keep(&ingest->output))
            fprintf(stderr, "ingest: the wrong result was left in %s\n", ingest->output.path);
        return EXIT_WRONG_RESULT;
    }
    if (outcome == VERIFY_FAILED && !is_interrupted)
        control_fail(&ingest->control, "the result could not be verified");
    if (control_failed(&ingest->control) || !output_publish(&ingest->output))
        return EXIT_TROUBLE;
    if (report->misses + report->wrong > 0) {
        fprintf(stderr,
                "ingest: %llu lookups missed an acknowledged key, %llu gave another value\n",
                (unsigned long long)report->misses, (unsigned long long)report->wrong);
        return EXIT_WRONG_RESULT;
    }
    return is_interrupted ? EXIT_INTERRUPTED : EXIT_FINE;
}

static int write_json(struct ingest *ingest)
{
    const char *path = ingest->options.json;
    bool is_stdout = strcmp(path, "-") == 0;
    FILE *file = is_stdout ? stdout : fopen(path, "w");
    if (file != NULL)
        report_json(&ingest->report, &ingest->options, file);
    bool written = file != NULL && fflush(file) == 0 && !ferror(file);
    if (!written)
        fprintf(stderr, "ingest: cannot write %s: %s\n", path, strerror(errno));
    if (file != NULL && !is_stdout)
        fclose(file);
    return written ? EXIT_FINE : EXIT_TROUBLE;
}

static int show_report(struct ingest *ingest)
{
    const struct options *options = &ingest->options;
    bool is_stdout_taken = (options->output != NULL && strcmp(options->output, "-") == 0) ||
                           (options->json != NULL && strcmp(options->json, "-") == 0);
    if (!options->is_quiet)
        report_print(&ingest->report, options, is_stdout_taken ? stderr : stdout);
    fflush(stdout);
    return options->json != NULL ? write_json(ingest) : EXIT_FINE;
}

/* From the input to the figures; the exit status. */
static int run(struct ingest *ingest)
{
    const struct options *options = &ingest->options;
    int status = EXIT_TROUBLE;
    open_copy(ingest);
    pipeline_open(&ingest->pipeline, options, ingest->copy_fd, &ingest->report, &ingest->control);
    output_open(&ingest->output, options->output, options->format, &ingest->control);
    progress_open(&ingest->progress, options->shows_progress, &ingest->pipeline.records_written,
                  &ingest->pipeline.store.tables_rotated);
    progress_begin(&ingest->progress, PROGRESS_INGEST, input_size(options),
                   &ingest->pipeline.bytes_read);
    if (!control_failed(&ingest->control) && pipeline_run(&ingest->pipeline) &&
        merge_result(ingest))
        status = verify_and_publish(ingest);
    progress_close(&ingest->progress);
    if (control_failed(&ingest->control)) {
        fprintf(stderr, "ingest: %s\n", ingest->control.message);
        return EXIT_TROUBLE;
    }
    int shown = show_report(ingest);
    return status != EXIT_FINE ? status : shown;
}

static void clean_up(struct ingest *ingest)
{
    pipeline_close(&ingest->pipeline);
    output_close(&ingest->output);
    if (ingest->copy_fd >= 0)
        close(ingest->copy_fd);
    free(ingest->copy_path);
}

/* Compares a result made before; nothing is ingested. */
static int verify_only(const struct options *options)
{
    const struct verify_options verify_options = {
        .format = options->format,
        .delete_marker = options->delete_marker,
        .limit = options->limit > 0 ? options->limit : UINT64_MAX,
        .paths = options->paths,
        .path_count = options->path_count,
        .result = options->output,
    };
    switch (verify(&verify_options)) {
    case VERIFY_SAME:
        if (!options->is_quiet)
            printf("verified    identical to what sort makes of the same input\n");
        return EXIT_FINE;
    case VERIFY_DIFFERENT:
        return EXIT_WRONG_RESULT;
    case VERIFY_FAILED:
        break;
    }
    fprintf(stderr, "ingest: the result could not be verified\n");
    return EXIT_TROUBLE;
}

int main(int argc, char **argv)
{
    static struct ingest ingest;
    int status = EXIT_TROUBLE;
    options_parse(&ingest.options, argc, argv);
    if (!control_open(&ingest.control))
        return EXIT_TROUBLE;
    if (interrupt_open(&ingest.control) && scratch_open(ingest.options.temporary)) {
        if (ingest.options.is_only_verified) {
            status = verify_only(&ingest.options);
            if (control_stopped(&ingest.control))
                status = EXIT_INTERRUPTED;
        } else {
            status = run(&ingest);
            clean_up(&ingest);
        }
    }
    scratch_remove();
    return status;
}
