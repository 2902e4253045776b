/* key.c - see key.h. */
#include "key.h"

size_t fsk_shared_prefix(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                         size_t most)
{
    size_t both = a_size < b_size ? a_size : b_size;
    size_t longer = a_size < b_size ? b_size : a_size;
    const uint8_t *tail = a_size < b_size ? b : a;
    size_t i = 0;
    if (both > most)
        both = most;
    if (longer > most)
        longer = most;
    while (i + 8 <= both && memcmp(a + i, b + i, 8) == 0)
        i += 8;
    while (i < both && a[i] == b[i])
        i++;
    if (i < both)
        return i;
    while (i < longer && tail[i] == 0) /* the shorter key goes on with zero bytes */
        i++;
    return i;
}
