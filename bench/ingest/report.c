/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See report.h.
 */
#include "report.h"

#include <string.h>
#include <sys/resource.h>

#include "fastskip.h"

/* A number with commas between groups of three digits; good until the eighth call after. */
static const char *grouped(uint64_t number)
{
    static char texts[8][32];
    static unsigned next;
    char *text = texts[next++ % 8];
    char plain[24];
    int digits = snprintf(plain, sizeof plain, "%llu", (unsigned long long)number);
    char *at = text;
    for (int i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0)
            *at++ = ',';
        *at++ = plain[i];
    }
    *at = '\0';
    return text;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* A number of bytes with a unit; good until the eighth call after. */
static const char *size_text(uint64_t bytes)
{
    static char texts[8][32];
    static unsigned next;
    char *text = texts[next++ % 8];
    bool is_small = bytes < 10 * 1024 * 1024;
    snprintf(text, sizeof texts[0], "%.*f %s", is_small ? 0 : 1,
             (double)bytes / (is_small ? 1024 : 1024 * 1024), is_small ? "KiB" : "MiB");
    return text;
}

static uint64_t resident_peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

static void print_readers(const struct report *report, const struct options *options, FILE *to)
{
    if (options->readers == 0)
        return;
    fprintf(to, "readers     %zu: %s lookups, %s hits, %s tombstones; %s overtaken by a write\n",
            options->readers, grouped(report->lookups), grouped(report->hits),
            grouped(report->tombstones), grouped(report->overtaken));
    if (report->misses + report->wrong > 0)
        fprintf(to, "            WRONG: %s acknowledged keys missed, %s with another value\n",
                grouped(report->misses), grouped(report->wrong));
}

static void print_tables(const struct report *report, const struct options *options, FILE *to)
{
    const struct store_figures *store = &report->store;
    fprintf(to, "tables      %s rotated and flushed, %s runs at the end after %s merges\n",
            grouped(store->tables), grouped(report->runs), grouped(store->merges));
    fprintf(to, "flush       %.2f s writing and reading back %s, %.2f s merging meanwhile\n",
            (double)store->flush_nanoseconds / 1e9, size_text(store->run_bytes),
            (double)store->merge_nanoseconds / 1e9);
    fprintf(to, "stalls      %s, %.3f s in all; longest pause of a writer %.3f ms\n",
            grouped(report->stalls.count), (double)report->stalls.nanoseconds / 1e9,
            (double)report->longest_pause / 1e6);
    fprintf(to, "memory      limit %s a table, at most %s used; process %s\n",
            size_text(options->memory), size_text(store->memory_used_peak),
            size_text(resident_peak()));
    fprintf(to, "            %.1f bytes an entry, %.1f of them key and value\n",
            ratio((double)store->memory_used, (double)store->versions),
            ratio((double)store->data_bytes, (double)store->versions));
}

void report_print(const struct report *report, const struct options *options, FILE *to)
{
    fprintf(to, "%sinput       %s records (%s puts, %s deletes), %s bytes\n",
            report->is_interrupted ? "interrupted; this is what was read until then\n" : "",
            grouped(report->records), grouped(report->puts), grouped(report->deletes),
            grouped(report->input_bytes));
    fprintf(to, "speed       %.2f s: %s records/s, %.1f MB/s, %zu writers", report->ingest_seconds,
            grouped((uint64_t)ratio((double)report->records, report->ingest_seconds)),
            ratio((double)report->input_bytes / 1e6, report->ingest_seconds), options->writers);
    if (options->batch_size > 1)
        fprintf(to, ", %s batches", grouped(report->batches));
    fprintf(to, "\n            %.2f s until flushed, %.2f s until merged\n",
            report->flushed_seconds, report->merged_seconds);
    print_readers(report, options, to);
    print_tables(report, options, to);
    fprintf(to, "result      %s lines, %s bytes%s%s\n", grouped(report->output_lines),
            grouped(report->output_bytes), options->output != NULL ? " in " : ", not kept",
            options->output != NULL ? options->output : "");
    if (report->verification == VERIFICATION_PASSED)
        fprintf(to, "verified    identical to what sort makes of the same input\n");
    else if (report->verification == VERIFICATION_FAILED)
        fprintf(to, "verified    DIFFERENT from what sort makes of the same input\n");
    else if (options->is_verified)
        fprintf(to, "verified    NO, that was interrupted\n");
}

static void json_number(FILE *to, const char *name, uint64_t number)
{
    fprintf(to, "  \"%s\": %llu,\n", name, (unsigned long long)number);
}

static void json_real(FILE *to, const char *name, double number)
{
    fprintf(to, "  \"%s\": %.6f,\n", name, number);
}

static void json_setting(const struct options *options, FILE *to)
{
    json_number(to, "writers", options->writers);
    json_number(to, "readers", options->readers);
    json_number(to, "batch_size", options->batch_size);
    json_number(to, "memory_limit", options->memory);
}

static void json_store(const struct store_figures *store, FILE *to)
{
    json_number(to, "tables", store->tables);
    json_number(to, "merges", store->merges);
    json_number(to, "table_keys", store->keys);
    json_number(to, "table_versions", store->versions);
    json_number(to, "table_tombstones", store->tombstones);
    json_number(to, "table_data_bytes", store->data_bytes);
    json_number(to, "memory_used", store->memory_used);
    json_number(to, "memory_wasted", store->memory_wasted);
    json_number(to, "memory_used_peak", store->memory_used_peak);
    json_number(to, "memory_reserved_peak", store->memory_reserved_peak);
    json_real(to, "bytes_per_entry", ratio((double)store->memory_used, (double)store->versions));
    json_number(to, "retries", store->retries);
    json_number(to, "run_bytes", store->run_bytes);
    json_real(to, "flush_seconds", (double)store->flush_nanoseconds / 1e9);
    json_real(to, "merge_seconds", (double)store->merge_nanoseconds / 1e9);
}

void report_json(const struct report *report, const struct options *options, FILE *to)
{
    static const char *const verifications[] = {[VERIFICATION_NONE] = "none",
                                                [VERIFICATION_PASSED] = "passed",
                                                [VERIFICATION_FAILED] = "failed"};
    fprintf(to, "{\n  \"version\": \"%s\",\n", fastskip_version());
    json_setting(options, to);
    json_number(to, "input_bytes", report->input_bytes);
    json_number(to, "records", report->records);
    json_number(to, "puts", report->puts);
    json_number(to, "deletes", report->deletes);
    json_number(to, "batches", report->batches);
    json_real(to, "ingest_seconds", report->ingest_seconds);
    json_real(to, "flushed_seconds", report->flushed_seconds);
    json_real(to, "merged_seconds", report->merged_seconds);
    json_real(to, "records_per_second", ratio((double)report->records, report->ingest_seconds));
    json_real(to, "megabytes_per_second",
              ratio((double)report->input_bytes / 1e6, report->ingest_seconds));
    json_number(to, "stalls", report->stalls.count);
    json_real(to, "stall_seconds", (double)report->stalls.nanoseconds / 1e9);
    json_real(to, "longest_pause_seconds", (double)report->longest_pause / 1e9);
    json_number(to, "lookups", report->lookups);
    json_number(to, "hits", report->hits);
    json_number(to, "lookup_tombstones", report->tombstones);
    json_number(to, "overtaken", report->overtaken);
    json_number(to, "misses", report->misses);
    json_number(to, "wrong", report->wrong);
    json_store(&report->store, to);
    json_number(to, "runs", report->runs);
    json_number(to, "resident_peak", resident_peak());
    json_number(to, "output_lines", report->output_lines);
    json_number(to, "output_bytes", report->output_bytes);
    fprintf(to, "  \"interrupted\": %s,\n  \"verification\": \"%s\"\n}\n",
            report->is_interrupted ? "true" : "false", verifications[report->verification]);
}
