/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See options.h.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fastskip.h"
#include "scratch.h"

#define KIB UINT64_C(1024)

static const char help[] =
    "Usage: ingest [OPTION]... [FILE]...\n"
    "\n"
    "Reads records from the FILEs, or from standard input (no FILE, or -), writes them into\n"
    "fastskip tables of limited memory, and merges what becomes of the tables into one file\n"
    "sorted by key, as a storage engine does: a full table is sealed, flushed into a sorted run,\n"
    "read back and dropped while writers go on in a fresh one. Of several records of one key the\n"
    "last one of the input counts.\n"
    "\n"
    "Input:\n"
    "  -f, --format=FORMAT         tsv (the default): a line is key, TAB, value;\n"
    "                              line: a line is a key, its value is empty;\n"
    "                              stanza: a paragraph of a Debian package index; its key is\n"
    "                              Package_Version_Architecture, its value all of it\n"
    "  -d, --delete-marker=VALUE   tsv: a line with exactly this value deletes its key\n"
    "  -n, --limit=N               read the first N records only\n"
    "\n"
    "Work:\n"
    "  -w, --writers=N             threads that write (default: one for each CPU)\n"
    "  -r, --readers=N             threads that look up acknowledged keys meanwhile and check\n"
    "                              the answers (default: 1)\n"
    "  -m, --memory=SIZE           memory limit of a table, 64K to 32G (default: 64M)\n"
    "  -b, --batch=N               write N records at one instant, 1 to 4096 (default: 1)\n"
    "  -s, --shards=N              arena shards of a table, 1 to 1024 (default: the library's)\n"
    "      --sequence=MODE         auto (the default): tables number the versions;\n"
    "                              caller: the place in the input is the number\n"
    "      --backpressure=PERCENT  rotate a table that is so full as soon as the flush has\n"
    "                              capacity (default: 90; 100: only when it is full)\n"
    "      --pending=N             sealed tables that may wait for the flush before writers\n"
    "                              must (default: 2)\n"
    "      --fan-in=N              runs that are merged into one meanwhile, 2 to 256\n"
    "                              (default: 32)\n"
    "      --temporary=DIRECTORY   where the runs go (default: $TMPDIR, or /tmp)\n"
    "\n"
    "Result:\n"
    "  -o, --output=FILE           where the result goes, - for standard output; it appears\n"
    "                              when it is complete (default: it is made, and not kept)\n"
    "  -v, --verify                compare the result with what sort(1) makes of the same input\n"
    "      --verify-only           do nothing but compare an --output made before\n"
    "  -j, --json=FILE             write the figures as JSON, - for standard output\n"
    "  -q, --quiet                 print no summary\n"
    "  -h, --help                  print this and exit\n"
    "      --version               print versions and exit\n"
    "\n"
    "SIZE and N may end in K, M or G, powers of 1024.\n"
    "\n"
    "The result has a line for each key that was not deleted: key, TAB, value; with --format=line\n"
    "the key alone. Values of stanzas are escaped: \\\\ is a backslash, \\t a TAB, \\n a newline.\n"
    "\n"
    "An interrupt (Ctrl-C, SIGTERM) ends the reading; what was read is written, merged and put\n"
    "out as usual. Another one ends the program at once, without a result. Neither leaves\n"
    "temporary files behind.\n"
    "\n"
    "Exit status: 0 all is well; 1 the result is wrong, or a reader missed an acknowledged key;\n"
    "2 usage; 3 input, output or memory failed; 130 interrupted.\n";

static void complain(const char *format, const char *argument) __attribute__((noreturn));

static void complain(const char *what, const char *argument)
{
    fprintf(stderr, "ingest: %s%s%s\nTry 'ingest --help'.\n", what, argument != NULL ? ": " : "",
            argument != NULL ? argument : "");
    exit(EXIT_USAGE);
}

/* A number with a suffix, within bounds; name is what to call it in a complaint. */
static uint64_t parse_number(const char *name, const char *text, uint64_t least, uint64_t most)
{
    static const char suffixes[] = "KMG";
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    bool is_good = errno == 0 && isdigit((unsigned char)text[0]);
    if (is_good && *end != '\0') {
        const char *suffix = strchr(suffixes, toupper((unsigned char)*end));
        unsigned shift = suffix != NULL ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
        is_good = suffix != NULL && end[1] == '\0' && number <= UINT64_MAX >> shift;
        number <<= is_good ? shift : 0;
    }
    if (is_good && number >= least && number <= most)
        return number;
    char *what = format_text("%s must be a number from %llu to %llu", name,
                             (unsigned long long)least, (unsigned long long)most);
    complain(what, text);
}

static enum record_format parse_format(const char *text)
{
    if (strcmp(text, "tsv") == 0)
        return RECORD_TSV;
    if (strcmp(text, "stanza") == 0)
        return RECORD_STANZA;
    if (strcmp(text, "line") == 0)
        return RECORD_LINE;
    complain("--format is tsv, stanza or line, not", text);
}

static bool parse_sequence(const char *text)
{
    if (strcmp(text, "auto") != 0 && strcmp(text, "caller") != 0)
        complain("--sequence is auto or caller, not", text);
    return strcmp(text, "caller") == 0;
}

enum long_option {
    LONG_SEQUENCE = 256,
    LONG_BACKPRESSURE,
    LONG_PENDING,
    LONG_FAN_IN,
    LONG_TEMPORARY,
    LONG_VERIFY_ONLY,
    LONG_VERSION
};

static const struct option long_options[] = {
    {"format", required_argument, NULL, 'f'},
    {"delete-marker", required_argument, NULL, 'd'},
    {"limit", required_argument, NULL, 'n'},
    {"writers", required_argument, NULL, 'w'},
    {"readers", required_argument, NULL, 'r'},
    {"memory", required_argument, NULL, 'm'},
    {"batch", required_argument, NULL, 'b'},
    {"shards", required_argument, NULL, 's'},
    {"sequence", required_argument, NULL, LONG_SEQUENCE},
    {"backpressure", required_argument, NULL, LONG_BACKPRESSURE},
    {"pending", required_argument, NULL, LONG_PENDING},
    {"fan-in", required_argument, NULL, LONG_FAN_IN},
    {"temporary", required_argument, NULL, LONG_TEMPORARY},
    {"output", required_argument, NULL, 'o'},
    {"verify", no_argument, NULL, 'v'},
    {"verify-only", no_argument, NULL, LONG_VERIFY_ONLY},
    {"json", required_argument, NULL, 'j'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, LONG_VERSION},
    {NULL, 0, NULL, 0},
};

static void print_version(void) __attribute__((noreturn));

static void print_version(void)
{
    printf("ingest, with libfastskip %s (%s)\n", fastskip_version(), fastskip_build());
    exit(EXIT_FINE);
}

/* Options that take a number; false if it is none of them. */
static bool apply_number(struct options *options, int option)
{
    const char *text = optarg;
    switch (option) {
    case 'n':
        options->limit = parse_number("--limit", text, 1, UINT64_MAX);
        return true;
    case 'w':
        options->writers = (size_t)parse_number("--writers", text, 1, 256);
        return true;
    case 'r':
        options->readers = (size_t)parse_number("--readers", text, 0, 256);
        return true;
    case 'm':
        options->memory = parse_number("--memory", text, 64 * KIB, 32 * KIB * KIB * KIB);
        return true;
    case 'b':
        options->batch_size = (size_t)parse_number("--batch", text, 1, 4096);
        return true;
    case 's':
        options->shards = (uint32_t)parse_number("--shards", text, 1, 1024);
        return true;
    case LONG_BACKPRESSURE:
        options->backpressure = (uint32_t)parse_number("--backpressure", text, 1, 100);
        return true;
    case LONG_PENDING:
        options->pending_max = (size_t)parse_number("--pending", text, 1, 1024);
        return true;
    case LONG_FAN_IN:
        options->fan_in = (size_t)parse_number("--fan-in", text, 2, 256);
        return true;
    default:
        return false;
    }
}

static void apply(struct options *options, int option)
{
    switch (option) {
    case 'f':
        options->format = parse_format(optarg);
        break;
    case 'd':
        options->delete_marker = optarg;
        break;
    case LONG_SEQUENCE:
        options->is_numbered = parse_sequence(optarg);
        break;
    case LONG_TEMPORARY:
        options->temporary = optarg;
        break;
    case 'o':
        options->output = optarg;
        break;
    case 'v':
        options->is_verified = true;
        break;
    case LONG_VERIFY_ONLY:
        options->is_only_verified = true;
        break;
    case 'j':
        options->json = optarg;
        break;
    case 'q':
        options->is_quiet = true;
        break;
    case 'h':
        fputs(help, stdout);
        exit(EXIT_FINE);
    case LONG_VERSION:
        print_version();
    default:
        complain("no such option, or its argument is missing", NULL);
    }
}

static bool is_dash(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

static void check(const struct options *options)
{
    if (options->delete_marker != NULL && options->format != RECORD_TSV)
        complain("--delete-marker is for --format=tsv", NULL);
    if (options->delete_marker != NULL && strpbrk(options->delete_marker, "\t\n") != NULL)
        complain("--delete-marker can hold no TAB and no newline", NULL);
    if (is_dash(options->output) && is_dash(options->json))
        complain("--output and --json can not both go to standard output", NULL);
    if (!options->is_only_verified)
        return;
    if (options->output == NULL || is_dash(options->output))
        complain("--verify-only needs the --output of an earlier run", NULL);
    for (size_t i = 0; i < options->path_count; i++)
        if (is_dash(options->paths[i]))
            complain("--verify-only needs files, not standard input", NULL);
}

void options_parse(struct options *options, int argc, char **argv)
{
    static char dash[] = "-";
    static char *const standard_input[] = {dash};
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const char *temporary = getenv("TMPDIR");
    *options = (struct options){
        .temporary = temporary != NULL && *temporary != '\0' ? temporary : "/tmp",
        .memory = 64 * KIB * KIB,
        .backpressure = 90,
        .writers = cpus < 1     ? 1
                   : cpus > 256 ? 256
                                : (size_t)cpus,
        .readers = 1,
        .batch_size = 1,
        .pending_max = 2,
        .fan_in = 32,
    };
    int option;
    while ((option = getopt_long(argc, argv, "f:d:n:w:r:m:b:s:o:vj:qh", long_options, NULL)) != -1)
        if (!apply_number(options, option))
            apply(options, option);
    options->paths = argv + optind;
    options->path_count = (size_t)(argc - optind);
    if (options->path_count == 0) {
        options->paths = standard_input;
        options->path_count = 1;
    }
    options->shows_progress = !options->is_quiet && isatty(STDERR_FILENO);
    check(options);
}
