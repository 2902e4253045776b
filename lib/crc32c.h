/*
 * crc32c.h - CRC-32C: the polynomial 0x1EDC6F41 of Castagnoli, reflected, as in RFC 3720.
 *
 * By the processor's instruction where there is one: SSE4.2, looked for when the program runs, or that of
 * ARMv8, where the compiler was told that the processor has it.  Else by tables, 8 bytes a step, which
 * whoever wants the sums keeps and fills: the library has no data of its own that changes.  With
 * FSK_CRC32C_BY_TABLES there is no instruction: tests are built so on processors that have one.
 *
 * extend() takes and gives the register.  A sum begins with all bits set and ends with all bits turned.
 * The register's changes are linear: for data of one size, extend(r, x) ^ extend(r, y) is extend(0, x ^ y).
 *
 * Relies on: compiler.h.  Used by: checksum.
 */
#ifndef FSK_CRC32C_H
#define FSK_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

typedef struct {
    uint32_t of[8][256]; /* of[n][byte]: the register after this byte and n zero bytes */
} fsk_crc32c_table;

/* 1 if the processor has an instruction; then no table is needed. */
int fsk_crc32c_instruction(void);

void fsk_crc32c_fill(fsk_crc32c_table *table);

/* table NULL: by the instruction, which must be there. */
uint32_t fsk_crc32c_extend(const fsk_crc32c_table *table, uint32_t state, const void *data,
                           size_t size);

#endif
