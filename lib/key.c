/* key.c - see key.h. */
#include "key.h"

size_t fsk_shared_prefix(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                         size_t most)
{
    size_t both = a_size < b_size ? a_size : b_size;
    size_t longer = a_size < b_size ? b_size : a_size;
    const uint8_t *tail = a_size < b_size ? b : a;
    size_t i;
    if (both > most)
        both = most;
    if (longer > most)
        longer = most;
    i = both != 0 ? fsk_first_difference(a, b, both) : 0;
    if (i < both)
        return i;
    while (i < longer && tail[i] == 0) /* the shorter key goes on with zero bytes */
        i++;
    return i;
}
