/* The compiled walk kernel.
 *
 * The same contract as kernel_python.py, over the same arrays. Nothing that is read from them is believed: every row
 * is checked against the length of its array and every node id against the number of nodes before it is used as an
 * index, because the arrays may come from a damaged file. All walking is done without the interpreter lock.
 *
 * Rows come in as a tuple (keys, offsets, targets, valid_from, valid_to, mapping, gone); what is absent is None.
 * `graph` makes a handle of the rows of a graph, which every walk over it takes: a short walk would spend more time on
 * looking at the arrays than on walking. Ids are uint32, times int64, bit sets arrays of uint64 ("words").
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CONTRACT 5 /* as in kernels.py */

#if defined(__GNUC__) || defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define PREFETCH(p) __builtin_prefetch(p)
#define UNLIKELY(c) __builtin_expect(!!(c), 0)
#define LOWEST(w) ((uint32_t)__builtin_ctzll(w))
#define HIGHEST(w) ((uint32_t)(63 - __builtin_clzll(w)))
#define COUNT(w) ((size_t)__builtin_popcountll(w))
#else
#define INLINE static __inline
#define NOINLINE
#define PREFETCH(p) ((void)0)
#define UNLIKELY(c) (c)
static uint32_t LOWEST(uint64_t w) { uint32_t b = 0; while (!(w >> b & 1)) b++; return b; }
static uint32_t HIGHEST(uint64_t w) { uint32_t b = 63; while (!(w >> b & 1)) b--; return b; }
static size_t COUNT(uint64_t w) { size_t n = 0; for (; w; w &= w - 1) n++; return n; }
#endif

#define BIT(id) (UINT64_C(1) << ((id) & 63))
#define HAS(set, id) ((set)[(id) >> 6] & BIT(id))
#define ADD(set, id) ((set)[(id) >> 6] |= BIT(id))

typedef enum { DONE = 0, CORRUPT, NO_MEMORY, OVER_BUDGET } Status;

/* ---- the arrays ---------------------------------------------------------------------------------------------- */

typedef struct {
    const uint32_t *keys; /* NULL: row i belongs to node i */
    const uint32_t *offsets, *targets;
    const int64_t *from, *to; /* NULL: every edge always holds */
    const void *mapping;      /* NULL: no edge has one */
    const uint32_t *gone;     /* positions of edges that were withdrawn, ascending */
    size_t row_count, edge_count, mapping_size, gone_count;
} Rows;

typedef struct {
    Rows *pieces; /* the base, then the segments */
    size_t piece_count;
    const uint64_t *touched;
    size_t touched_words;
    int is_timed;
    Py_buffer *views;
    size_t view_count;
} Graph;

typedef struct {
    uint32_t node_count, cut;
    int64_t as_of;
    int has_as_of;
} Question;

typedef struct {
    uint32_t *items;
    size_t count, room;
} List;

INLINE int reserve(List *list, size_t more) {
    if (list->room - list->count >= more) return 1;
    size_t room = list->room + list->room / 2 + more + 1024;
    uint32_t *items = realloc(list->items, room * sizeof(uint32_t));
    if (!items) return 0;
    list->items = items;
    list->room = room;
    return 1;
}

INLINE int push(List *list, uint32_t item) {
    if (!reserve(list, 1)) return 0;
    list->items[list->count++] = item;
    return 1;
}

/* Where it seldom happens: not to be in the way of what is around it. */
static NOINLINE int push_rarely(List *list, uint32_t item) { return push(list, item); }

INLINE int holds(const Rows *rows, size_t edge, const Question *q) {
    int64_t from = rows->from[edge], to = rows->to[edge];
    return q->has_as_of ? (from <= q->as_of) & (q->as_of < to) : from < to;
}

/* The row of a node in one piece; 0 when it does not lie inside the array. */
INLINE int find_row(const Rows *rows, uint32_t node, size_t *low, size_t *high) {
    size_t at = node;
    *low = *high = 0;
    if (rows->keys) {
        size_t first = 0, last = rows->row_count;
        while (first < last) {
            size_t middle = (first + last) / 2;
            if (rows->keys[middle] < node) first = middle + 1;
            else last = middle;
        }
        if (first == rows->row_count || rows->keys[first] != node) return 1;
        at = first;
    } else if (at >= rows->row_count) {
        return 1;
    }
    *low = rows->offsets[at];
    *high = rows->offsets[at + 1];
    return *low <= *high && *high <= rows->edge_count;
}

/* The rows of a touched node are taken in stretches, between edges that are gone. */
typedef struct {
    const Rows *rows;
    size_t low, end, high, at; /* the stretch is from low to end */
} Stretch;

/* The first stretch of the row of a node in one piece; 0 when the row does not lie inside the array. */
INLINE int begin_row(Stretch *s, const Rows *rows, uint32_t node) {
    s->rows = rows;
    if (!find_row(rows, node, &s->low, &s->high)) return 0;
    size_t first = 0, last = s->low < s->high ? rows->gone_count : 0;
    while (first < last) {
        size_t middle = (first + last) / 2;
        if (rows->gone[middle] < s->low) first = middle + 1;
        else last = middle;
    }
    s->at = first;
    return 1;
}

/* Whether there is one more stretch; it may be empty. */
INLINE int next_stretch(Stretch *s) {
    if (s->low >= s->high) return 0;
    const Rows *rows = s->rows;
    s->end = s->high;
    if (s->at < rows->gone_count && rows->gone[s->at] < s->high) s->end = rows->gone[s->at++];
    if (s->end < s->low) s->end = s->low; /* not ascending: nothing outside the row is read */
    return 1;
}

INLINE int is_touched(const Graph *g, uint32_t node) {
    return g->touched && (node >> 6) < g->touched_words && HAS(g->touched, node);
}

static const void *view(Graph *g, PyObject *object, size_t item_size, size_t *count) {
    Py_buffer *buffer = &g->views[g->view_count];
    if (PyObject_GetBuffer(object, buffer, PyBUF_SIMPLE) < 0) return NULL;
    g->view_count++;
    if (buffer->len % item_size || (uintptr_t)buffer->buf % item_size) {
        PyErr_SetString(PyExc_ValueError, "an array of the graph has another item size");
        return NULL;
    }
    *count = (size_t)buffer->len / item_size;
    static const uint64_t nothing = 0;
    return buffer->buf ? buffer->buf : &nothing;
}

static int read_rows(Graph *g, Rows *rows, PyObject *tuple) {
    PyObject *keys, *offsets, *targets, *from, *to, *mapping, *gone;
    size_t count;
    memset(rows, 0, sizeof *rows);
    if (!PyArg_ParseTuple(tuple, "OOOOOOO", &keys, &offsets, &targets, &from, &to, &mapping, &gone)) return 0;
    if (!(rows->offsets = view(g, offsets, 4, &count))) return 0;
    if (!count) goto unequal;
    rows->row_count = count - 1;
    if (!(rows->targets = view(g, targets, 4, &rows->edge_count))) return 0;
    if (keys != Py_None) {
        if (!(rows->keys = view(g, keys, 4, &count))) return 0;
        if (count != rows->row_count) goto unequal;
    }
    if (from != Py_None && to != Py_None) {
        if (!(rows->from = view(g, from, 8, &count))) return 0;
        if (count != rows->edge_count) goto unequal;
        if (!(rows->to = view(g, to, 8, &count))) return 0;
        if (count != rows->edge_count) goto unequal;
        g->is_timed = 1;
    }
    if (mapping != Py_None) {
        if (!(rows->mapping = view(g, mapping, 1, &count))) return 0;
        rows->mapping_size = rows->edge_count ? count / rows->edge_count : 4;
        size_t size = rows->mapping_size;
        if (rows->edge_count * size != (rows->edge_count ? count : 0) || (size != 1 && size != 2 && size != 4)) goto unequal;
        if ((uintptr_t)rows->mapping % size) goto unequal;
    }
    if (gone != Py_None && !(rows->gone = view(g, gone, 4, &rows->gone_count))) return 0;
    return 1;
unequal:
    PyErr_SetString(PyExc_ValueError, "the arrays of the graph do not fit together");
    return 0;
}

static void release(Graph *g) {
    for (size_t i = 0; i < g->view_count; i++) PyBuffer_Release(&g->views[i]);
    free(g->views);
    free(g->pieces);
    memset(g, 0, sizeof *g);
}

static int read_graph(Graph *g, PyObject *args) {
    PyObject *base, *segments, *touched;
    memset(g, 0, sizeof *g);
    if (!PyArg_ParseTuple(args, "OO!O", &base, &PyTuple_Type, &segments, &touched)) return 0;
    g->piece_count = 1 + (size_t)PyTuple_Size(segments);
    g->pieces = calloc(g->piece_count, sizeof(Rows));
    g->views = calloc(g->piece_count * 7 + 1, sizeof(Py_buffer));
    if (!g->pieces || !g->views) {
        PyErr_NoMemory();
        goto failed;
    }
    for (size_t i = 0; i < g->piece_count; i++) {
        PyObject *rows = i ? PyTuple_GetItem(segments, (Py_ssize_t)i - 1) : base;
        if (!read_rows(g, &g->pieces[i], rows)) goto failed;
        if (i && !g->pieces[i].keys) {
            PyErr_SetString(PyExc_ValueError, "a segment has no keys");
            goto failed;
        }
    }
    if (touched != Py_None && !(g->touched = view(g, touched, 8, &g->touched_words))) goto failed;
    for (size_t i = 0; g->is_timed && i < g->piece_count; i++)
        if (!g->pieces[i].from && g->pieces[i].edge_count) {
            PyErr_SetString(PyExc_ValueError, "only some edges of the graph have intervals");
            goto failed;
        }
    return 1;
failed:
    release(g);
    return 0;
}

static const char GRAPH[] = "headwater graph";

static void drop_graph(PyObject *handle) {
    Graph *g = PyCapsule_GetPointer(handle, GRAPH);
    release(g);
    free(g);
}

/* The handle of a graph. It keeps the arrays; the walks that use it at the same time only read. */
static PyObject *graph(PyObject *self, PyObject *args) {
    (void)self;
    Graph *g = malloc(sizeof *g);
    if (!g) return PyErr_NoMemory();
    if (!read_graph(g, args)) {
        free(g);
        return NULL;
    }
    PyObject *handle = PyCapsule_New(g, GRAPH, drop_graph);
    if (!handle) {
        release(g);
        free(g);
    }
    return handle;
}

/* A writable bit set or array of words with room for so many items; NULL with an error set otherwise. */
static uint64_t *work_space(PyObject *object, Py_buffer *buffer, size_t words) {
    if (PyObject_GetBuffer(object, buffer, PyBUF_WRITABLE) < 0) return NULL;
    if ((size_t)buffer->len / 8 >= words && (uintptr_t)buffer->buf % 8 == 0) return buffer->buf;
    PyErr_SetString(PyExc_ValueError, "the work space is too small");
    PyBuffer_Release(buffer);
    return NULL;
}

static int fail(Status status) {
    if (status == NO_MEMORY) PyErr_NoMemory();
    else PyErr_SetString(PyExc_ValueError, "the graph index holds an edge or a row that cannot exist");
    return 0;
}

static int read_question(Question *q, unsigned long long node_count, unsigned long long cut, PyObject *as_of) {
    if (node_count > UINT32_MAX || cut > node_count) {
        PyErr_SetString(PyExc_ValueError, "more nodes than ids, or a cut beyond the last node");
        return 0;
    }
    q->node_count = (uint32_t)node_count;
    q->cut = (uint32_t)cut;
    q->has_as_of = as_of != Py_None;
    q->as_of = q->has_as_of ? PyLong_AsLongLong(as_of) : 0;
    return !PyErr_Occurred();
}

/* ---- small walks: a queue ------------------------------------------------------------------------------------ */

/* Append the far ends of a row that were not seen yet. Without a branch on what was seen, which no predictor can
 * guess: each end is written to the place behind the last, and the place counts only if the end is new. Ends that do
 * not count are sent to the bit of the id after the last one, which is always set. The row of each end is asked for at
 * once: when its turn comes it will be there. */
INLINE Status queue_row(const Graph *g, const Rows *rows, size_t low, size_t high, const Question *q, uint64_t *seen,
                        List *queue, int is_timed) {
    if (!reserve(queue, high - low + 1)) return NO_MEMORY;
    uint32_t *items = queue->items, top = 0;
    uintptr_t offsets = (uintptr_t)g->pieces[0].offsets;
    size_t count = queue->count;
    for (size_t edge = low; edge < high; edge++) {
        uint32_t end = rows->targets[edge];
        int counts = end < q->cut;
        if (is_timed) counts &= holds(rows, edge, q);
        top = end > top ? end : top;
        uint32_t at = counts ? end : q->node_count;
        uint64_t word = seen[at >> 6], bit = BIT(at);
        PREFETCH((const void *)(offsets + (uintptr_t)end * 4)); /* may lie outside: nothing is read */
        items[count] = end;
        count += !(word & bit);
        seen[at >> 6] = word | bit;
    }
    queue->count = count;
    return high > low && top >= q->node_count ? CORRUPT : DONE;
}

static NOINLINE Status queue_touched(const Graph *g, uint32_t node, const Question *q, uint64_t *seen, List *queue) {
    for (size_t i = 0; i < g->piece_count; i++) {
        Stretch s;
        if (!begin_row(&s, &g->pieces[i], node)) return CORRUPT;
        for (; next_stretch(&s); s.low = s.end + 1) {
            Status status = queue_row(g, s.rows, s.low, s.end, q, seen, queue, g->is_timed);
            if (status) return status;
        }
    }
    return DONE;
}

INLINE Status queue_node(const Graph *g, uint32_t node, const Question *q, uint64_t *seen, List *queue) {
    if (is_touched(g, node)) return queue_touched(g, node, q, seen, queue);
    const Rows *base = &g->pieces[0];
    size_t low, high;
    if (!find_row(base, node, &low, &high)) return CORRUPT;
    return g->is_timed ? queue_row(g, base, low, high, q, seen, queue, 1)
                       : queue_row(g, base, low, high, q, seen, queue, 0);
}

/* How many nodes of each kind were taken. Neighbours are often of one kind: four tables, so that an addition need not
 * wait for the one before. */
typedef struct {
    const uint8_t *kinds; /* of every node */
    uint64_t counts[4][256];
} Kinds;

INLINE void count_kind(Kinds *k, uint32_t node) { k->counts[node & 3][k->kinds[node]]++; }

/* Bring the four tables into the first; how many nodes were counted. */
static size_t sum_kinds(Kinds *k) {
    size_t count = 0;
    for (size_t i = 0; i < 256; i++) {
        k->counts[0][i] += k->counts[1][i] + k->counts[2][i] + k->counts[3][i];
        count += (size_t)k->counts[0][i];
    }
    return count;
}

/* Ask for the row of a node that comes soon; where it begins was asked for when the node was appended. */
INLINE void prefetch_queue(const Graph *g, const List *queue, size_t head) {
    const Rows *base = &g->pieces[0];
    if (head + 8 < queue->count && queue->items[head + 8] < base->row_count) {
        size_t first = base->offsets[queue->items[head + 8]];
        if (first < base->edge_count) PREFETCH(&base->targets[first]);
    }
}

static Status start_queue(const Question *q, const uint32_t *roots, size_t root_count, uint64_t *seen, List *queue) {
    if (!reserve(queue, root_count + 1)) return NO_MEMORY;
    for (size_t i = 0; i < root_count; i++) {
        uint32_t root = roots[i];
        if (root >= q->cut) return CORRUPT;
        if (HAS(seen, root)) continue;
        ADD(seen, root);
        queue->items[queue->count++] = root;
    }
    ADD(seen, q->node_count);
    return DONE;
}

static void forget(uint64_t *seen, const List *queue, const Question *q) {
    for (size_t i = 0; i < queue->count; i++) seen[queue->items[i] >> 6] = 0;
    seen[q->node_count >> 6] = 0;
}

/* ---- large walks: a sweep over the bit set ------------------------------------------------------------------- */

/* Ids are handed out in order of arrival, so nearly every edge goes one way and one pass over the bits meets each
 * node after everything that leads to it. The nodes of a word are taken together, and those that they add to it after
 * them: if each were looked for after the one before, finding it would wait for what that one added. An end in a word
 * that lies behind is put on a stack, which is emptied before the pass goes on; its own ends that do not lie behind are
 * left to the pass. So each node is taken once, whatever the order. */
INLINE Status sweep_row(const Rows *rows, size_t low, size_t high, uint32_t at, const Question *q, uint64_t *seen,
                        List *behind, int is_ascending, int is_timed) {
    const uint32_t *targets = rows->targets, cut = q->cut;
    for (size_t edge = low; edge < high; edge++) {
        uint32_t end = targets[edge], word = end >> 6;
        if (end >= cut) {
            if (end >= q->node_count) return CORRUPT;
            continue;
        }
        if (is_timed && !holds(rows, edge, q)) continue;
        uint64_t before = seen[word];
        seen[word] = before | BIT(end);
        int is_behind = is_ascending ? word < at : word > at;
        if (UNLIKELY(is_behind && !(before & BIT(end))) && !push_rarely(behind, end)) return NO_MEMORY;
    }
    return DONE;
}

static NOINLINE Status sweep_touched(const Graph *g, uint32_t node, uint32_t at, const Question *q, uint64_t *seen,
                                     List *behind, int is_ascending) {
    for (size_t i = 0; i < g->piece_count; i++) {
        Stretch s;
        if (!begin_row(&s, &g->pieces[i], node)) return CORRUPT;
        for (; next_stretch(&s); s.low = s.end + 1) {
            Status status = sweep_row(s.rows, s.low, s.end, at, q, seen, behind, is_ascending, g->is_timed);
            if (status) return status;
        }
    }
    return DONE;
}

INLINE Status sweep_node(const Graph *g, uint32_t node, uint32_t at, const Question *q, uint64_t *seen, List *behind,
                         Kinds *kinds, int is_ascending, int is_timed) {
    count_kind(kinds, node);
    if (is_touched(g, node)) return sweep_touched(g, node, at, q, seen, behind, is_ascending);
    const Rows *base = &g->pieces[0];
    size_t low, high;
    if (!find_row(base, node, &low, &high)) return CORRUPT;
    return sweep_row(base, low, high, at, q, seen, behind, is_ascending, is_timed);
}

static NOINLINE Status sweep_behind(const Graph *g, uint32_t at, const Question *q, uint64_t *seen, List *behind,
                                    Kinds *kinds, int is_ascending) {
    Status status = DONE;
    while (behind->count && !status) {
        uint32_t node = behind->items[--behind->count];
        status = sweep_node(g, node, at, q, seen, behind, kinds, is_ascending, g->is_timed);
    }
    return status;
}

/* Ask for the rows of the nodes of a word that comes soon, and for the places of the rows of one that comes later. */
INLINE void prefetch_sweep(const Rows *base, const uint64_t *seen, size_t soon, size_t later, size_t words) {
    if (later >= words) return;
    size_t first = later << 6;
    if (first + 64 < base->row_count)
        for (size_t i = 0; i < 64; i += 16) PREFETCH(&base->offsets[first + i]);
    first = soon << 6;
    if (!seen[soon] || first + 64 >= base->row_count) return;
    size_t low = base->offsets[first], high = base->offsets[first + 64];
    if (high > base->edge_count) return;
    if (high > low + 512) high = low + 512;
    for (; low < high; low += 16) PREFETCH(&base->targets[low]);
}

INLINE Status sweep(const Graph *g, const Question *q, uint64_t *seen, uint32_t first, uint32_t last, Kinds *kinds,
                    int is_ascending, int is_timed) {
    List behind = {0};
    Status status = DONE;
    size_t words = ((size_t)q->cut + 63) >> 6;
    for (size_t step = 0; step <= last - first && !status; step++) {
        uint32_t at = is_ascending ? first + (uint32_t)step : last - (uint32_t)step;
        uint64_t done = 0, rest;
        if (seen[at]) prefetch_sweep(&g->pieces[0], seen, is_ascending ? at + 2 : at - 2, is_ascending ? at + 8 : at - 8, words);
        while ((rest = seen[at] & ~done) && !status) {
            done |= rest;
            for (; rest && !status; rest &= rest - 1) {
                status = sweep_node(g, at << 6 | LOWEST(rest), at, q, seen, &behind, kinds, is_ascending, is_timed);
                if (UNLIKELY(behind.count) && !status) status = sweep_behind(g, at, q, seen, &behind, kinds, is_ascending);
            }
        }
    }
    free(behind.items);
    return status;
}

static Status sweep_from(const Graph *g, const Question *q, uint64_t *seen, const List *queue, int is_ascending,
                         Kinds *kinds) {
    uint32_t first = 0, last = (q->cut - 1) >> 6, low = UINT32_MAX, high = 0;
    for (size_t i = 0; i < queue->count; i++) {
        low = queue->items[i] < low ? queue->items[i] : low;
        high = queue->items[i] > high ? queue->items[i] : high;
    }
    if (is_ascending) {
        first = low >> 6;
        return g->is_timed ? sweep(g, q, seen, first, last, kinds, 1, 1) : sweep(g, q, seen, first, last, kinds, 1, 0);
    }
    last = high >> 6;
    return g->is_timed ? sweep(g, q, seen, first, last, kinds, 0, 1) : sweep(g, q, seen, first, last, kinds, 0, 0);
}

static size_t count_bits(const uint64_t *set, size_t words) {
    size_t count = 0;
    for (size_t at = 0; at < words; at++) count += COUNT(set[at]);
    return count;
}

/* Append the ids of a word, ascending, and empty it. How many there are no predictor can guess: where there is room
 * they are written by eights, and what was too much is written over by the next word. */
INLINE size_t take_word(uint64_t *seen, size_t at, uint32_t *ids, size_t n, size_t count) {
    uint64_t rest = seen[at];
    uint32_t first = (uint32_t)at << 6;
    if (!rest) return n;
    seen[at] = 0;
    if (UNLIKELY(n + 64 > count)) {
        for (; rest && n < count; rest &= rest - 1) ids[n++] = first | LOWEST(rest);
        return n;
    }
    size_t end = n + COUNT(rest);
    do {
        for (size_t i = 0; i < 8; i++, rest &= rest - 1) ids[n++] = first | (LOWEST(rest | BIT(63)));
    } while (n < end);
    return end;
}

/* Take the ids out of a bit set, ascending, and leave it empty. */
static void harvest(uint64_t *seen, size_t words, uint32_t *ids, size_t count) {
    size_t n = 0;
    for (size_t at = 0; at < words; at++) n = take_word(seen, at, ids, n, count);
}

/* The same where the ids are known, in another order: only the lines of the caches (eight words) are read in which one
 * lies. `lines`, a byte for each and up to seven more, comes empty: setting a byte need not wait for the one set before. */
static void harvest_known(uint64_t *seen, size_t words, const List *known, uint8_t *lines, uint32_t *ids) {
    size_t n = 0;
    uint64_t any;
    for (size_t i = 0; i < known->count; i++) lines[known->items[i] >> 9] = 1;
    for (size_t at = 0; at << 3 < words; at += 8) {
        memcpy(&any, lines + at, 8);
        for (size_t line = at; any && line < at + 8; line++) {
            size_t first = line << 3, end = first + 8 < words ? first + 8 : words;
            for (size_t word = first; lines[line] && word < end; word++) n = take_word(seen, word, ids, n, known->count);
        }
    }
}

/* ---- the walks as Python calls ------------------------------------------------------------------------------- */

static PyObject *as_bytes(const void *data, size_t size) { return PyBytes_FromStringAndSize(data, (Py_ssize_t)size); }

/* Ids, ascending where the last item says so, and how many of them are of each kind. */
static PyObject *closure(PyObject *self, PyObject *args) {
    PyObject *handle, *roots, *as_of, *space, *result = NULL;
    unsigned long long node_count, cut;
    int is_ascending;
    const Graph *g;
    Question q;
    Py_buffer space_view, roots_view, kinds_view;
    Kinds kinds;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOKKOpOy*", &handle, &roots, &node_count, &cut, &as_of, &is_ascending, &space, &kinds_view))
        return NULL;
    if ((unsigned long long)kinds_view.len < node_count) {
        PyErr_SetString(PyExc_ValueError, "some nodes have no kind");
        goto no_space;
    }
    if (!read_question(&q, node_count, cut, as_of) || !(g = PyCapsule_GetPointer(handle, GRAPH))) goto no_space;
    size_t words = (node_count >> 6) + 1;
    uint64_t *seen = work_space(space, &space_view, words);
    if (!seen) goto no_space;
    if (PyObject_GetBuffer(roots, &roots_view, PyBUF_SIMPLE) < 0) goto no_roots;

    List queue = {0};
    size_t count = 0, turn = node_count >> 8 > 16384 ? node_count >> 8 : 16384;
    int is_set = 0;
    Status status;
    memset(&kinds, 0, sizeof kinds);
    kinds.kinds = kinds_view.buf;
    Py_BEGIN_ALLOW_THREADS
    status = start_queue(&q, roots_view.buf, (size_t)roots_view.len / 4, seen, &queue);
    for (size_t head = 0; !status && head < queue.count && queue.count < turn; head++) {
        prefetch_queue(g, &queue, head);
        if (head + 8 < queue.count) PREFETCH(&kinds.kinds[queue.items[head + 8]]);
        status = queue_node(g, queue.items[head], &q, seen, &queue);
        count = head + 1;
    }
    if (!status && count < queue.count) {
        seen[q.node_count >> 6] &= ~BIT(q.node_count);
        status = sweep_from(g, &q, seen, &queue, is_ascending, &kinds);
        is_set = 1;
    } else if (!status) {
        for (size_t i = 0; i < count; i++) count_kind(&kinds, queue.items[i]);
        is_set = count > words >> 9; /* fewer are sorted sooner than found */
        if (is_set) seen[q.node_count >> 6] &= ~BIT(q.node_count);
    }
    count = sum_kinds(&kinds);
    Py_END_ALLOW_THREADS
    if (status) {
        fail(status);
    } else {
        PyObject *ids = as_bytes(is_set ? NULL : queue.items, count * 4);
        if (ids && is_set) {
            uint32_t *items = (uint32_t *)PyBytes_AsString(ids);
            Py_BEGIN_ALLOW_THREADS
            uint8_t *lines = count == queue.count ? calloc((words >> 3) + 8, 1) : NULL;
            if (lines) harvest_known(seen, words, &queue, lines, items);
            else harvest(seen, words, items, count);
            free(lines);
            Py_END_ALLOW_THREADS
        } else {
            forget(seen, &queue, &q);
        }
        if (ids) result = Py_BuildValue("(NNi)", ids, as_bytes(kinds.counts[0], sizeof kinds.counts[0]), is_set);
    }
    free(queue.items);
    PyBuffer_Release(&roots_view);
no_roots:
    PyBuffer_Release(&space_view);
no_space:
    PyBuffer_Release(&kinds_view);
    return result;
}

typedef struct {
    List queue, starts;
    int is_over, has_more;
} Levels;

static Status walk_levels(const Graph *g, const Question *q, uint64_t *seen, Levels *l, uint64_t depth, uint64_t budget) {
    size_t head = 0;
    if (!push(&l->starts, 0)) return NO_MEMORY;
    for (uint64_t hop = 0; head < l->queue.count; hop++) {
        size_t level_end = l->queue.count;
        if (level_end > budget) l->is_over = 1;
        if (!push(&l->starts, (uint32_t)(l->is_over ? budget : level_end))) return NO_MEMORY;
        if (l->is_over) return DONE;
        for (; head < level_end; head++) {
            prefetch_queue(g, &l->queue, head);
            Status status = queue_node(g, l->queue.items[head], q, seen, &l->queue);
            if (status) return status;
            if (hop >= depth && l->queue.count > level_end) {
                l->has_more = 1;
                return DONE;
            }
            if (l->queue.count > budget) {
                l->is_over = 1;
                return push(&l->starts, (uint32_t)budget) ? DONE : NO_MEMORY;
            }
        }
    }
    return DONE;
}

static PyObject *layers(PyObject *self, PyObject *args) {
    PyObject *handle, *roots, *as_of, *space, *result = NULL;
    unsigned long long node_count, cut, depth, budget;
    const Graph *g;
    Question q;
    Py_buffer space_view, roots_view;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOKKOKKO", &handle, &roots, &node_count, &cut, &as_of, &depth, &budget, &space)) return NULL;
    if (!read_question(&q, node_count, cut, as_of) || !(g = PyCapsule_GetPointer(handle, GRAPH))) return NULL;
    uint64_t *seen = work_space(space, &space_view, (node_count >> 6) + 1);
    if (!seen) return NULL;
    if (PyObject_GetBuffer(roots, &roots_view, PyBUF_SIMPLE) < 0) goto no_roots;

    Levels l;
    Status status;
    memset(&l, 0, sizeof l);
    Py_BEGIN_ALLOW_THREADS
    status = start_queue(&q, roots_view.buf, (size_t)roots_view.len / 4, seen, &l.queue);
    if (!status) status = walk_levels(g, &q, seen, &l, depth, budget);
    if (!status) forget(seen, &l.queue, &q);
    Py_END_ALLOW_THREADS
    if (status) {
        fail(status);
    } else {
        size_t kept = l.starts.items[l.starts.count - 1];
        result = Py_BuildValue("(NNii)", as_bytes(l.queue.items, kept * 4), as_bytes(l.starts.items, l.starts.count * 4),
                               l.is_over, l.has_more);
    }
    free(l.queue.items);
    free(l.starts.items);
    PyBuffer_Release(&roots_view);
no_roots:
    PyBuffer_Release(&space_view);
    return result;
}

static PyObject *count_kinds(PyObject *self, PyObject *args) {
    Py_buffer ids, kinds;
    Kinds found;
    int is_inside = 1;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*", &ids, &kinds)) return NULL;
    memset(&found, 0, sizeof found);
    found.kinds = kinds.buf;
    Py_BEGIN_ALLOW_THREADS
    const uint32_t *id = ids.buf;
    size_t count = (size_t)ids.len / 4, limit = (size_t)kinds.len;
    for (size_t i = 0; i < count && is_inside; i++) {
        is_inside = id[i] < limit;
        if (is_inside) count_kind(&found, id[i]);
    }
    sum_kinds(&found);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&ids);
    PyBuffer_Release(&kinds);
    if (!is_inside) {
        fail(CORRUPT);
        return NULL;
    }
    return as_bytes(found.counts[0], sizeof found.counts[0]);
}

/* The stable order of keys below a limit, by counting. */
static PyObject *order_by(PyObject *self, PyObject *args) {
    Py_buffer keys;
    unsigned long long limit;
    Status status = DONE;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*K", &keys, &limit)) return NULL;
    size_t count = (size_t)keys.len / 4;
    const uint32_t *key = keys.buf;
    PyObject *result = as_bytes(NULL, count * 4);
    uint32_t *places = limit <= UINT32_MAX && count <= UINT32_MAX ? calloc(limit + 1, 4) : NULL;
    if (!result || !places) {
        if (result) PyErr_NoMemory();
        goto failed;
    }
    uint32_t *order = (uint32_t *)PyBytes_AsString(result);
    Py_BEGIN_ALLOW_THREADS
    for (size_t i = 0; i < count; i++) {
        if (key[i] >= limit) {
            status = CORRUPT;
            break;
        }
        places[key[i] + 1]++;
    }
    if (!status) {
        for (size_t i = 0; i < limit; i++) places[i + 1] += places[i];
        for (size_t i = 0; i < count; i++) order[places[key[i]]++] = (uint32_t)i;
    }
    Py_END_ALLOW_THREADS
    if (status) {
        fail(status);
        goto failed;
    }
    free(places);
    PyBuffer_Release(&keys);
    return result;
failed:
    free(places);
    PyBuffer_Release(&keys);
    Py_XDECREF(result);
    return NULL;
}

/* ---- column walks: a word of field bits for each node -------------------------------------------------------- */

enum { IDENTITY = 1, WIDE = 2, UNLOADED = 128 }; /* as in mapping_arrays.py */
#define MAX_WORDS (1u << 14)

/* Fields from 64 on. Few datasets have them, so they stand apart; eight neighbouring nodes share a chain, so that those
 * that are met together lie together. */
typedef struct {
    uint64_t *words; /* words[0] is fields 64 to 127 */
    uint32_t node, count;
    uint32_t next; /* in the chain: place in masks plus one; 0 ends it */
} WideMask;

/* Words are handed out of blocks and freed with them. */
typedef struct Block {
    struct Block *before;
    size_t used, room;
    uint64_t words[];
} Block;

typedef struct {
    WideMask *masks;
    uint32_t *chains; /* where the chain of eight nodes begins: work space */
    uint64_t *nodes;  /* a bit for each node that has one: work space */
    size_t count, room;
    Block *blocks;
} WideTable;

typedef struct {
    uint64_t same, near;   /* fields of the first word that stay in their place; those that have a row */
    uint32_t start, flags; /* first row; flags in the low byte, above them the row past the last, which is empty */
    uint32_t wide, unused; /* WIDE: place of the rest */
} Mapping;                 /* as HEAD in mapping_arrays.py */

/* What a mapping makes of fields beyond the first word, and which of the first word it hands beyond it. */
typedef struct {
    uint64_t beyond;        /* fields of the first word that have a list */
    uint32_t near, start;   /* how many lists, and the first */
    uint32_t words, unused; /* words that hold every far field */
} WideMapping;              /* as WIDE_HEAD in mapping_arrays.py */

typedef struct {
    const Mapping *heads;
    const uint64_t *rows; /* far fields of a near one, as a word */
    const WideMapping *wide;
    const uint32_t *wide_offsets, *wide_fields; /* far fields of a near one, as a list */
    size_t mapping_count, row_count, wide_count, wide_row_count, wide_field_count;
} Mappings;

typedef struct {
    const Graph *walked;
    const Mappings *mappings;
    Question q;
    uint64_t *masks, *pending, *reached;
    uint64_t budget, reached_count;
    WideTable wide;
    List lost, missing; /* lost: source and target in turn */
    int is_upstream;
} Columns;

static WideMask *find_wide(const WideTable *table, uint32_t node) {
    if (!HAS(table->nodes, node)) return NULL;
    WideMask *mask = &table->masks[table->chains[node >> 3] - 1];
    while (mask->node != node) mask = &table->masks[mask->next - 1];
    return mask;
}

/* So many zero words; NULL when there is no memory. */
static uint64_t *take_words(WideTable *table, size_t count) {
    Block *block = table->blocks;
    if (!block || block->room - block->used < count) {
        size_t room = count > 8192 ? count : 8192;
        block = calloc(1, sizeof *block + room * sizeof *block->words);
        if (!block) return NULL;
        block->room = room;
        block->before = table->blocks;
        table->blocks = block;
    }
    block->used += count;
    return block->words + block->used - count;
}

/* The wide mask of a node with room for so many words; NULL when there is no memory. */
static WideMask *make_wide(WideTable *table, uint32_t node, uint32_t words) {
    WideMask *mask = find_wide(table, node);
    if (!mask) {
        if (table->count == table->room) {
            size_t room = table->room * 2 + 64;
            WideMask *masks = realloc(table->masks, room * sizeof *masks);
            if (!masks) return NULL;
            table->masks = masks;
            table->room = room;
        }
        mask = &table->masks[table->count++];
        mask->node = node;
        mask->count = 0;
        mask->words = NULL;
        mask->next = table->chains[node >> 3];
        table->chains[node >> 3] = (uint32_t)table->count;
        ADD(table->nodes, node);
    }
    if (mask->count < words) {
        uint64_t *grown = take_words(table, words);
        if (!grown) return NULL;
        if (mask->count) memcpy(grown, mask->words, mask->count * sizeof *grown);
        mask->words = grown;
        mask->count = words;
    }
    return mask;
}

/* Put fields into the first word of a node; sets *changed when one of them is new. */
INLINE Status add_fields(Columns *c, uint32_t node, uint64_t fields, int *changed) {
    uint64_t known = c->masks[node];
    if (!(fields & ~known)) return DONE;
    if (!known && !HAS(c->reached, node)) {
        if (c->reached_count >= c->budget) return OVER_BUDGET;
        ADD(c->reached, node);
        c->reached_count++;
    }
    c->masks[node] = known | fields;
    *changed = 1;
    return DONE;
}

/* Put fields into any word of a node. */
static Status add_root(Columns *c, uint32_t node, uint32_t word, uint64_t fields) {
    int changed;
    if (!word) return add_fields(c, node, fields, &changed);
    if (word >= MAX_WORDS) return CORRUPT;
    if (!HAS(c->reached, node)) {
        if (c->reached_count >= c->budget) return OVER_BUDGET;
        ADD(c->reached, node);
        c->reached_count++;
    }
    WideMask *mask = make_wide(&c->wide, node, word);
    if (!mask) return NO_MEMORY;
    mask->words[word - 1] |= fields;
    return DONE;
}

/* Hand on what does not stay within the first word, or comes from beyond it. */
static Status carry_wide(Columns *c, const Mapping *head, uint32_t near, uint32_t far, int *changed) {
    static const WideMapping none = {0};
    const Mappings *m = c->mappings;
    const WideMapping *wide = head->flags & WIDE ? &m->wide[head->wide] : &none;
    int is_identity = head->flags & IDENTITY, grew = 0;
    WideMask *from = find_wide(&c->wide, near), *to;
    uint64_t first = c->masks[near] & wide->beyond;
    if (!from && !first) return DONE;
    size_t from_place = from ? (size_t)(from - c->wide.masks) : 0;
    uint32_t near_words = from ? from->count + 1 : 1, far_words = wide->words;
    if (is_identity && near_words > far_words) far_words = near_words;
    if (far_words > MAX_WORDS) return CORRUPT;
    if (!far_words) return DONE;
    if (!HAS(c->reached, far) && c->reached_count >= c->budget) return OVER_BUDGET;
    to = far_words > 1 ? make_wide(&c->wide, far, far_words - 1) : NULL;
    if (far_words > 1 && !to) return NO_MEMORY;
    from = from ? &c->wide.masks[from_place] : NULL; /* making the one may have moved the other */
    for (uint32_t word = 0; word < near_words; word++) {
        uint64_t bits = word ? from->words[word - 1] : first;
        if (word && is_identity && bits) {
            uint64_t *place = &to->words[word - 1];
            grew |= (bits & ~*place) != 0;
            *place |= bits;
        }
        for (; bits; bits &= bits - 1) {
            size_t at = (size_t)word << 6 | LOWEST(bits);
            if (at >= wide->near) break;
            at += wide->start;
            if (m->wide_offsets[at + 1] > m->wide_field_count) return CORRUPT;
            for (size_t i = m->wide_offsets[at]; i < m->wide_offsets[at + 1]; i++) {
                uint32_t field = m->wide_fields[i];
                if (field >> 6 >= far_words) return CORRUPT;
                uint64_t *place = field >> 6 ? &to->words[(field >> 6) - 1] : &c->masks[far];
                uint64_t bit = UINT64_C(1) << (field & 63);
                grew |= !(*place & bit);
                *place |= bit;
            }
        }
    }
    if (grew && !HAS(c->reached, far)) {
        ADD(c->reached, far);
        c->reached_count++;
    }
    *changed |= grew;
    return DONE;
}

/* What fields become by their rows. The first two in any case: how many there are is different each time, and a branch
 * on each would be guessed wrong as often. The row past the last one is empty, and its bit stands in for fields that are
 * not there. */
INLINE uint64_t narrow(const uint64_t *rows, uint64_t fields, uint64_t past) {
    uint64_t out = 0;
    for (int i = 0; i < 2; i++) {
        fields |= past;
        out |= rows[LOWEST(fields)];
        fields &= fields - 1;
    }
    for (fields &= ~past; UNLIKELY(fields); fields &= fields - 1) out |= rows[LOWEST(fields)];
    return out;
}

/* Edges whose fields do not all lie in the first word, or whose mapping is not at hand. */
static NOINLINE Status carry_rest(Columns *c, uint32_t number, uint32_t near, uint32_t far, int *changed) {
    if (!number) {
        if (!reserve(&c->lost, 2)) return NO_MEMORY;
        c->lost.items[c->lost.count++] = c->is_upstream ? far : near;
        c->lost.items[c->lost.count++] = c->is_upstream ? near : far;
        return DONE;
    }
    const Mapping *head = &c->mappings->heads[number];
    if (head->flags & UNLOADED) return push(&c->missing, number) ? DONE : NO_MEMORY;
    return carry_wide(c, head, near, far, changed);
}

#define ANY_SIZE 3

/* The number of an edge's mapping. The size of a number is known when it is compiled, or is ANY_SIZE. */
INLINE uint32_t number_at(const Rows *rows, int size, size_t edge) {
    if (size == ANY_SIZE) size = rows->mapping ? (int)rows->mapping_size : 0;
    if (size == 0) return 0;
    if (size == 1) return ((const uint8_t *)rows->mapping)[edge];
    if (size == 2) return ((const uint16_t *)rows->mapping)[edge];
    return ((const uint32_t *)rows->mapping)[edge];
}

/* How a column walk goes, known when it is compiled: plain without intervals and budget. */
typedef struct {
    int is_upstream, is_plain, number_size;
} Way;

/* What the handing on of every row needs. */
typedef struct {
    const Mapping *heads;
    const uint64_t *rows;
    const WideMapping *wide;
    uint64_t *masks, *pending;
    const uint64_t *wide_nodes;
    uint32_t cut, mapping_count;
} Tools;

/* Whether the node may be taken in: there is room, or it is in already. */
INLINE int take_in(Columns *c, uint32_t node) {
    if (HAS(c->reached, node)) return 1;
    if (c->reached_count >= c->budget) return 0;
    ADD(c->reached, node);
    c->reached_count++;
    return 1;
}

/* Hand the fields of a node to the far ends of a row of its edges; *turn becomes the farthest one that grew behind the
 * pass. */
INLINE Status hand_row(Columns *c, const Tools *t, const Rows *rows, size_t low, size_t high, uint32_t node,
                       uint32_t *turn, Way way) {
    uint64_t fields = t->masks[node];
    uint32_t special = WIDE | UNLOADED | (uint32_t)(t->wide_nodes[node >> 6] >> (node & 63) & IDENTITY);
    for (size_t edge = low; edge < high; edge++) {
        uint32_t end = rows->targets[edge], number = number_at(rows, way.number_size, edge);
        if (UNLIKELY(end >= t->cut)) {
            if (end >= c->q.node_count) return CORRUPT;
            continue;
        }
        if (!way.is_plain && c->walked->is_timed && !holds(rows, edge, &c->q)) continue;
        if (UNLIKELY(number >= t->mapping_count)) return CORRUPT;
        const Mapping *head = &t->heads[number];
        uint64_t out = fields & head->same, rest = fields & head->near;
        uint32_t is_new = 0;
        if (UNLIKELY(head->flags & special) &&
            (!(head->flags & WIDE) || special & IDENTITY || fields & t->wide[head->wide].beyond)) {
            int changed = 0;
            Status status = carry_rest(c, number, node, end, &changed);
            if (status) return status;
            is_new = (uint32_t)changed;
        }
        out |= narrow(&t->rows[head->start], rest, BIT(head->flags >> 8));
        /* No branch on whether the end learns anything: that is as good as random. */
        uint64_t known = t->masks[end], all = known | out;
        is_new |= all != known;
        if (!way.is_plain && is_new && !take_in(c, end)) return OVER_BUDGET;
        t->masks[end] = all;
        t->pending[end >> 6] |= (uint64_t)is_new << (end & 63);
        if (UNLIKELY((way.is_upstream ? end > *turn : end < *turn)) && is_new) *turn = end;
    }
    return DONE;
}

static NOINLINE Status hand_touched(Columns *c, const Tools *t, uint32_t node, uint32_t *turn, int is_upstream) {
    const Graph *g = c->walked;
    for (size_t i = 0; i < g->piece_count; i++) {
        Stretch s;
        if (!begin_row(&s, &g->pieces[i], node)) return CORRUPT;
        for (; next_stretch(&s); s.low = s.end + 1) {
            Status status = hand_row(c, t, s.rows, s.low, s.end, node, turn, (Way){is_upstream, 0, ANY_SIZE});
            if (status) return status;
        }
    }
    return DONE;
}

/* Hand on the fields of those nodes of a word. */
INLINE Status hand_word(Columns *c, const Tools *t, const Rows *base, uint32_t at, uint64_t nodes, uint64_t touched,
                        uint32_t *turn, Way way) {
    while (nodes) {
        uint32_t node = at << 6 | (way.is_upstream ? HIGHEST(nodes) : LOWEST(nodes));
        uint64_t others = way.is_upstream ? nodes & ~BIT(node) : nodes & (nodes - 1);
        Status status;
        if (UNLIKELY(touched & nodes & ~others)) {
            status = hand_touched(c, t, node, turn, way.is_upstream);
        } else {
            size_t low, high;
            if (!find_row(base, node, &low, &high)) return CORRUPT;
            status = hand_row(c, t, base, low, high, node, turn, way);
        }
        if (status) return status;
        nodes = others;
    }
    return DONE;
}

/* Ask for the masks of nodes that edges from here may be the first to reach: in a large graph they are out of the caches,
 * and whatever is handed to them would wait. */
#define AHEAD_WORDS 700
INLINE void prefetch_masks(const Tools *t, size_t at, size_t words, int is_upstream) {
    size_t ahead = is_upstream ? at - AHEAD_WORDS : at + AHEAD_WORDS;
    if (ahead < words)
        for (size_t i = 0; i < 64; i += 8) PREFETCH(&t->masks[(ahead << 6) + i]);
}

/* The steps from here over words without a pending node. */
INLINE size_t idle_steps(const uint64_t *pending, size_t at, size_t words, int is_upstream) {
    size_t steps = 1, left = is_upstream ? at : words - 1 - at;
    const uint64_t *p = pending + at;
    if (is_upstream)
        for (; left >= 4 && !(p[-1] | p[-2] | p[-3] | p[-4]); left -= 4, p -= 4) steps += 4;
    else
        for (; left >= 4 && !(p[1] | p[2] | p[3] | p[4]); left -= 4, p += 4) steps += 4;
    return steps;
}

#define TURN_WORDS 2048

/* Passes over the pending nodes in the direction of most edges, so that most nodes are final when their turn comes. The
 * pending nodes of a word are taken together: if each were looked for after the one before, finding it would wait for
 * what that one handed on. When one grows a little behind, the pass turns back to it at once, before its fields are
 * missing further on; one that lies far behind waits for the next pass, as turning back for each would cost the
 * distance each time. */
INLINE Status pass_on(Columns *c, Way way) {
    const Graph *g = c->walked;
    Rows base = g->pieces[0];
    const Mappings *m = c->mappings;
    const Tools t = {m->heads, m->rows, m->wide, c->masks, c->pending, c->wide.nodes, c->q.cut,
                     (uint32_t)m->mapping_count};
    size_t words = ((size_t)c->q.cut + 63) >> 6, visits = 0, start = 0;
    if (way.is_plain) base.keys = NULL; /* has none */
    int again = 1;
    while (again) {
        again = 0;
        for (size_t step = 0; step < words;) {
            size_t at = way.is_upstream ? words - 1 - step : step;
            uint64_t nodes = t.pending[at];
            if (!nodes) {
                step += idle_steps(t.pending, at, words, way.is_upstream);
                continue;
            }
            if (!visits++) start = step;
            /* Only where most words have a node that is reached: what is asked for is then used. */
            if (visits > (step - start) / 2) prefetch_masks(&t, at, words, way.is_upstream);
            c->reached[at] |= nodes;
            t.pending[at] = 0;
            uint32_t turn = (uint32_t)at << 6 | (way.is_upstream ? 63 : 0);
            uint64_t touched = g->touched && at < g->touched_words ? g->touched[at] : 0;
            Status status = hand_word(c, &t, &base, (uint32_t)at, nodes, touched, &turn, way);
            if (status) return status;
            size_t back = way.is_upstream ? (turn >> 6) - at : at - (turn >> 6);
            if (back <= TURN_WORDS) step -= back;
            else again = 1;
        }
    }
    return DONE;
}

/* A way for each size of a number, so that no edge asks for it. */
#define PASS(name, is_upstream, is_plain, size) \
    static NOINLINE Status name(Columns *c) { return pass_on(c, (Way){is_upstream, is_plain, size}); }
PASS(up_1, 1, 1, 1)
PASS(up_2, 1, 1, 2)
PASS(up_4, 1, 1, 4)
PASS(up_any, 1, 0, ANY_SIZE)
PASS(down_1, 0, 1, 1)
PASS(down_2, 0, 1, 2)
PASS(down_4, 0, 1, 4)
PASS(down_any, 0, 0, ANY_SIZE)

static Status pass(Columns *c, int number_size) {
    switch (number_size) {
    case 1: return c->is_upstream ? up_1(c) : down_1(c);
    case 2: return c->is_upstream ? up_2(c) : down_2(c);
    case 4: return c->is_upstream ? up_4(c) : down_4(c);
    default: return c->is_upstream ? up_any(c) : down_any(c);
    }
}

static Status walk_fields(Columns *c, const uint32_t *nodes, const uint32_t *words, const uint64_t *bits, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (nodes[i] >= c->q.cut) return CORRUPT;
        Status status = add_root(c, nodes[i], words[i], bits[i]);
        if (status) return status;
    }
    for (size_t i = 0; i < count; i++) ADD(c->pending, nodes[i]);
    const Rows *base = &c->walked->pieces[0];
    int is_plain = c->budget == UINT64_MAX && !c->walked->is_timed && base->mapping && !base->keys;
    return pass(c, is_plain ? (int)base->mapping_size : 0);
}

static PyObject *list_bytes(const List *list) { return as_bytes(list->items, list->count * 4); }

/* The answer of a column walk; leaves the work space empty. */
static PyObject *harvest_fields(Columns *c, int is_over) {
    size_t wide_count = 0, n = 0, w = 0;
    c->reached_count = count_bits(c->reached, ((size_t)c->q.node_count >> 6) + 1);
    for (size_t i = 0; i < c->wide.count; i++) wide_count += c->wide.masks[i].count;
    PyObject *ids = as_bytes(NULL, c->reached_count * 4), *words = as_bytes(NULL, c->reached_count * 8);
    PyObject *wide = as_bytes(NULL, wide_count * 16);
    if (!ids || !words || !wide) {
        Py_XDECREF(ids);
        Py_XDECREF(words);
        Py_XDECREF(wide);
        return NULL;
    }
    uint32_t *id = (uint32_t *)PyBytes_AsString(ids);
    uint64_t *word = (uint64_t *)PyBytes_AsString(words), *far = (uint64_t *)PyBytes_AsString(wide);
    Py_BEGIN_ALLOW_THREADS
    harvest(c->reached, ((size_t)c->q.node_count >> 6) + 1, id, c->reached_count);
    for (; n < c->reached_count; n++) {
        word[n] = c->masks[id[n]];
        c->masks[id[n]] = 0;
    }
    for (size_t i = 0; i < c->wide.count; i++)
        for (uint32_t k = 0; k < c->wide.masks[i].count; k++) {
            far[w++] = (uint64_t)c->wide.masks[i].node << 32 | (k + 1);
            far[w++] = c->wide.masks[i].words[k];
        }
    for (size_t i = 0; i < c->wide.count; i++) {
        c->wide.nodes[c->wide.masks[i].node >> 6] = 0;
        c->wide.chains[c->wide.masks[i].node >> 3] = 0;
    }
    if (is_over) memset(c->pending, 0, (((size_t)c->q.node_count >> 6) + 1) * 8);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("(NNNNNi)", ids, words, wide, list_bytes(&c->lost), list_bytes(&c->missing), is_over);
}

static int read_mappings(Mappings *m, Graph *views, PyObject *tuple) {
    PyObject *heads, *rows, *wide, *wide_offsets, *wide_fields;
    size_t size;
    memset(m, 0, sizeof *m);
    memset(views, 0, sizeof *views);
    if (!PyArg_ParseTuple(tuple, "OOOOO", &heads, &rows, &wide, &wide_offsets, &wide_fields)) return 0;
    if (!(views->views = calloc(5, sizeof(Py_buffer)))) {
        PyErr_NoMemory();
        return 0;
    }
    if (!(m->heads = view(views, heads, 8, &size))) goto failed;
    m->mapping_count = size * 8 / sizeof(Mapping);
    if (!(m->rows = view(views, rows, 8, &m->row_count))) goto failed;
    if (!(m->wide = view(views, wide, 8, &size))) goto failed;
    m->wide_count = size * 8 / sizeof(WideMapping);
    if (!(m->wide_offsets = view(views, wide_offsets, 4, &m->wide_row_count))) goto failed;
    if (!(m->wide_fields = view(views, wide_fields, 4, &m->wide_field_count))) goto failed;
    int is_sound = m->mapping_count > 0;
    for (size_t i = 0; i < m->mapping_count; i++) {
        const Mapping *head = &m->heads[i];
        uint32_t past = head->flags >> 8;
        is_sound &= past < 64 && !(head->near >> (past & 63)) && head->start + (size_t)past < m->row_count;
        if (head->flags & WIDE) is_sound &= head->wide < m->wide_count;
    }
    for (size_t i = 0; i < m->wide_count; i++)
        is_sound &= m->wide[i].start + (size_t)m->wide[i].near < m->wide_row_count;
    if (is_sound) return 1;
    PyErr_SetString(PyExc_ValueError, "the arrays of the mappings do not fit together");
failed:
    release(views);
    return 0;
}

static PyObject *trail(PyObject *self, PyObject *args) {
    PyObject *walked, *mapping_arrays, *as_of, *masks, *pending, *reached, *wide, *chains, *result = NULL;
    unsigned long long node_count, cut, budget;
    Graph views;
    Mappings mappings;
    Py_buffer nodes, words, bits, spaces[5];
    Columns c;
    (void)self;
    memset(&c, 0, sizeof c);
    if (!PyArg_ParseTuple(args, "OOKKOpKy*y*y*OOOOO", &walked, &mapping_arrays, &node_count, &cut, &as_of,
                          &c.is_upstream, &budget, &nodes, &words, &bits, &masks, &pending, &reached, &wide, &chains))
        return NULL;
    if (!read_question(&c.q, node_count, cut, as_of) || !(c.walked = PyCapsule_GetPointer(walked, GRAPH))) goto no_mappings;
    if (!read_mappings(&mappings, &views, mapping_arrays)) goto no_mappings;
    size_t set_words = (node_count >> 6) + 1, count = (size_t)nodes.len / 4;
    if (!(c.masks = work_space(masks, &spaces[0], node_count))) goto no_masks;
    if (!(c.pending = work_space(pending, &spaces[1], set_words))) goto no_pending;
    if (!(c.reached = work_space(reached, &spaces[2], set_words))) goto no_reached;
    if (!(c.wide.nodes = work_space(wide, &spaces[3], set_words))) goto no_wide;
    if (!(c.wide.chains = (uint32_t *)work_space(chains, &spaces[4], (node_count >> 4) + 1))) goto no_chains;
    if ((size_t)words.len / 4 != count || (size_t)bits.len / 8 != count) {
        PyErr_SetString(PyExc_ValueError, "the roots do not fit together");
        goto unequal;
    }
    c.mappings = &mappings;
    c.budget = budget;
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = walk_fields(&c, nodes.buf, words.buf, bits.buf, count);
    Py_END_ALLOW_THREADS
    if (status == DONE || status == OVER_BUDGET) result = harvest_fields(&c, status == OVER_BUDGET);
    else fail(status);
    for (Block *block = c.wide.blocks, *before; block; block = before) {
        before = block->before;
        free(block);
    }
    free(c.wide.masks);
    free(c.lost.items);
    free(c.missing.items);
unequal:
    PyBuffer_Release(&spaces[4]);
no_chains:
    PyBuffer_Release(&spaces[3]);
no_wide:
    PyBuffer_Release(&spaces[2]);
no_reached:
    PyBuffer_Release(&spaces[1]);
no_pending:
    PyBuffer_Release(&spaces[0]);
no_masks:
    release(&views);
no_mappings:
    PyBuffer_Release(&nodes);
    PyBuffer_Release(&words);
    PyBuffer_Release(&bits);
    return result;
}

static PyMethodDef methods[] = {
    {"graph", graph, METH_VARARGS, "graph(rows, segments, touched) -> handle"},
    {"closure", closure, METH_VARARGS,
     "closure(graph, roots, node_count, cut, as_of, is_ascending, seen, kinds) -> (ids, counts, is_ascending)"},
    {"layers", layers, METH_VARARGS,
     "layers(graph, roots, node_count, cut, as_of, depth, budget, seen) -> (ids, starts, is_over_budget, has_more)"},
    {"count_kinds", count_kinds, METH_VARARGS, "count_kinds(ids, kinds) -> 256 counts"},
    {"order_by", order_by, METH_VARARGS, "order_by(keys, limit) -> stable order"},
    {"trail", trail, METH_VARARGS,
     "trail(walked, mappings, node_count, cut, as_of, is_upstream, budget, root_nodes, root_words, root_bits, "
     "masks, pending, reached, wide, chains) -> (ids, words, wide, lost, missing, is_over_budget)"},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_kernel", "Walks over compressed sparse rows.", 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void) {
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddIntConstant(made, "CONTRACT", CONTRACT) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
