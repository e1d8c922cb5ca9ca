/* A plain sweep over compressed sparse rows: the yardstick of the compiled kernel.
 *
 * No checks, no overlay, no interpreter: a bit for each node, one pass over the words, a stack for the few edges that
 * lead back. Writes the ids reached, ascending, and how many are of each kind; returns how many ids.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t plain_sweep(const uint32_t *offsets, const uint32_t *targets, size_t node_count, uint32_t root,
                   const uint8_t *kinds, uint32_t *ids, uint64_t *counts) {
    size_t words = (node_count + 63) / 64, found = 0, depth = 0, room = 1024;
    uint64_t *seen = calloc(words, 8);
    uint32_t *stack = malloc(room * 4);
    memset(counts, 0, 256 * 8);
    seen[root >> 6] |= 1ull << (root & 63);
    for (size_t at = root >> 6; at < words; at++) {
        uint64_t rest, ahead = ~0ull;
        while ((rest = seen[at] & ahead)) {
            uint32_t bit = (uint32_t)__builtin_ctzll(rest), node = (uint32_t)(at << 6) | bit;
            ahead = ~1ull << bit;
            stack[depth++] = node;
            while (depth) {
                uint32_t near = stack[--depth];
                for (uint32_t edge = offsets[near]; edge < offsets[near + 1]; edge++) {
                    uint32_t end = targets[edge];
                    if (end < node && !(seen[end >> 6] >> (end & 63) & 1)) {
                        if (depth + 1 >= room) stack = realloc(stack, (room *= 2) * 4);
                        stack[depth++] = end;
                    }
                    seen[end >> 6] |= 1ull << (end & 63);
                }
            }
        }
    }
    for (size_t at = 0; at < words; at++)
        for (uint64_t rest = seen[at]; rest; rest &= rest - 1) {
            uint32_t node = (uint32_t)(at << 6) | (uint32_t)__builtin_ctzll(rest);
            ids[found++] = node;
            counts[kinds[node]]++;
        }
    free(seen);
    free(stack);
    return found;
}
