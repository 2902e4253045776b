/*
 * Asks for the number of records in a batch as the header that it is compiled with says: with the function
 * of 1.0 or with that of 1.1, which has other arguments. It prints the library's version and the answers.
 */
#include <fastskip.h>
#include <inttypes.h>
#include <stdio.h>

#define CHECK(call)                                                                                \
    if ((call) != FASTSKIP_OK)                                                                     \
    return 1

int main(void)
{
    fastskip_table *table;
    fastskip_batch *batch;
    fastskip_entry entry;

    CHECK(fastskip_table_new(NULL, &table));
    CHECK(fastskip_batch_new(&batch));
    CHECK(fastskip_batch_put(batch, "apple", 5, "red", 3));
    CHECK(fastskip_batch_put(batch, "pear", 4, "green", 5));
    CHECK(fastskip_batch_delete(batch, "apple", 5));
    CHECK(fastskip_write(table, batch));
    CHECK(fastskip_get(table, NULL, "pear", 4, &entry));
#if FASTSKIP_VERSION_MINOR == 0
    printf("%s: %zu records\n", fastskip_version(), fastskip_batch_count(batch));
#else
    uint64_t count, bytes;
    CHECK(fastskip_batch_count(batch, &count));
    CHECK(fastskip_batch_bytes(batch, &bytes));
    printf("%s: %" PRIu64 " records of %" PRIu64 " bytes\n", fastskip_version(), count, bytes);
#endif
    fastskip_batch_free(batch);
    fastskip_table_unref(table);
    return 0;
}
