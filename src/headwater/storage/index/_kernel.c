/* The compiled walk kernel.
 *
 * The same contract as kernel_python.py, over the same arrays. Nothing that is read from them is believed: every row
 * is checked against the length of its array and every node id against the number of nodes before it is used as an
 * index, because the arrays may come from a damaged file. All walking is done without the interpreter lock.
 *
 * Rows come in as a tuple (keys, offsets, targets, valid_from, valid_to, mapping), a graph as (rows, (rows, ...),
 * touched); what is absent is None. Ids are uint32, times int64, bit sets arrays of uint64 ("words").
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CONTRACT 1 /* as in kernels.py */

#if defined(__GNUC__) || defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define PREFETCH(p) __builtin_prefetch(p)
#define LOWEST(w) ((uint32_t)__builtin_ctzll(w))
#define HIGHEST(w) ((uint32_t)(63 - __builtin_clzll(w)))
#else
#define INLINE static __inline
#define NOINLINE
#define PREFETCH(p) ((void)0)
static uint32_t LOWEST(uint64_t w) { uint32_t b = 0; while (!(w >> b & 1)) b++; return b; }
static uint32_t HIGHEST(uint64_t w) { uint32_t b = 63; while (!(w >> b & 1)) b--; return b; }
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
    size_t row_count, edge_count, mapping_size;
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
    PyObject *keys, *offsets, *targets, *from, *to, *mapping;
    size_t count;
    memset(rows, 0, sizeof *rows);
    if (!PyArg_ParseTuple(tuple, "OOOOOO", &keys, &offsets, &targets, &from, &to, &mapping)) return 0;
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

static int read_graph(Graph *g, PyObject *tuple) {
    PyObject *base, *segments, *touched;
    memset(g, 0, sizeof *g);
    if (!PyArg_ParseTuple(tuple, "OO!O", &base, &PyTuple_Type, &segments, &touched)) return 0;
    g->piece_count = 1 + (size_t)PyTuple_Size(segments);
    g->pieces = calloc(g->piece_count, sizeof(Rows));
    g->views = calloc(g->piece_count * 6 + 1, sizeof(Py_buffer));
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
 * not count are sent to the bit of the id after the last one, which is always set. */
INLINE Status queue_row(const Rows *rows, size_t low, size_t high, const Question *q, uint64_t *seen, List *queue,
                        int is_timed) {
    if (!reserve(queue, high - low + 1)) return NO_MEMORY;
    uint32_t *items = queue->items, top = 0;
    size_t count = queue->count;
    for (size_t edge = low; edge < high; edge++) {
        uint32_t end = rows->targets[edge];
        int counts = end < q->cut;
        if (is_timed) counts &= holds(rows, edge, q);
        top = end > top ? end : top;
        uint32_t at = counts ? end : q->node_count;
        uint64_t word = seen[at >> 6], bit = BIT(at);
        items[count] = end;
        count += !(word & bit);
        seen[at >> 6] = word | bit;
    }
    queue->count = count;
    return high > low && top >= q->node_count ? CORRUPT : DONE;
}

static NOINLINE Status queue_segments(const Graph *g, uint32_t node, const Question *q, uint64_t *seen, List *queue) {
    for (size_t i = 1; i < g->piece_count; i++) {
        size_t low, high;
        if (!find_row(&g->pieces[i], node, &low, &high)) return CORRUPT;
        if (low == high) continue;
        Status status = queue_row(&g->pieces[i], low, high, q, seen, queue, g->is_timed);
        if (status) return status;
    }
    return DONE;
}

INLINE Status queue_node(const Graph *g, uint32_t node, const Question *q, uint64_t *seen, List *queue) {
    const Rows *base = &g->pieces[0];
    size_t low, high;
    if (!find_row(base, node, &low, &high)) return CORRUPT;
    Status status = g->is_timed ? queue_row(base, low, high, q, seen, queue, 1)
                                : queue_row(base, low, high, q, seen, queue, 0);
    if (!status && is_touched(g, node)) status = queue_segments(g, node, q, seen, queue);
    return status;
}

INLINE void prefetch_queue(const Graph *g, const List *queue, size_t head) {
    const Rows *base = &g->pieces[0];
    if (head + 16 < queue->count && queue->items[head + 16] < base->row_count)
        PREFETCH(&base->offsets[queue->items[head + 16]]);
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
 * node after everything that leads to it. An end that lies behind is put on a stack, which is emptied before the
 * pass goes on; its own ends ahead of the pass are left to the pass. So each node is taken once, whatever the order. */
INLINE Status sweep_row(const Rows *rows, size_t low, size_t high, uint32_t here, const Question *q, uint64_t *seen,
                        List *behind, int is_ascending, int is_timed) {
    for (size_t edge = low; edge < high; edge++) {
        uint32_t end = rows->targets[edge];
        if (end >= q->cut) {
            if (end >= q->node_count) return CORRUPT;
            continue;
        }
        if (is_timed && !holds(rows, edge, q)) continue;
        if (is_ascending ? end > here : end < here) {
            ADD(seen, end);
        } else if (!HAS(seen, end)) {
            ADD(seen, end);
            if (!push(behind, end)) return NO_MEMORY;
        }
    }
    return DONE;
}

static NOINLINE Status sweep_segments(const Graph *g, uint32_t node, uint32_t here, const Question *q, uint64_t *seen,
                                      List *behind, int is_ascending) {
    for (size_t i = 1; i < g->piece_count; i++) {
        size_t low, high;
        if (!find_row(&g->pieces[i], node, &low, &high)) return CORRUPT;
        Status status = sweep_row(&g->pieces[i], low, high, here, q, seen, behind, is_ascending, g->is_timed);
        if (status) return status;
    }
    return DONE;
}

INLINE Status sweep_node(const Graph *g, uint32_t node, uint32_t here, const Question *q, uint64_t *seen, List *behind,
                         int is_ascending, int is_timed) {
    const Rows *base = &g->pieces[0];
    size_t low, high;
    if (!find_row(base, node, &low, &high)) return CORRUPT;
    Status status = sweep_row(base, low, high, here, q, seen, behind, is_ascending, is_timed);
    if (!status && is_touched(g, node)) status = sweep_segments(g, node, here, q, seen, behind, is_ascending);
    return status;
}

INLINE Status sweep(const Graph *g, const Question *q, uint64_t *seen, uint32_t first, uint32_t last, size_t *count,
                    int is_ascending, int is_timed) {
    List behind = {0};
    Status status = DONE;
    size_t taken = 0;
    for (size_t step = 0; step <= last - first && !status; step++) {
        size_t at = is_ascending ? first + step : last - step;
        uint64_t ahead = ~UINT64_C(0), rest;
        while ((rest = seen[at] & ahead)) {
            uint32_t bit = is_ascending ? LOWEST(rest) : HIGHEST(rest);
            uint32_t node = (uint32_t)at << 6 | bit;
            ahead = is_ascending ? ~UINT64_C(1) << bit : BIT(bit) - 1;
            status = sweep_node(g, node, node, q, seen, &behind, is_ascending, is_timed);
            taken++;
            while (behind.count && !status) {
                uint32_t left = behind.items[--behind.count];
                status = sweep_node(g, left, node, q, seen, &behind, is_ascending, is_timed);
                taken++;
            }
            if (status) break;
        }
    }
    free(behind.items);
    *count = taken;
    return status;
}

static Status sweep_from(const Graph *g, const Question *q, uint64_t *seen, const List *queue, int is_ascending,
                         size_t *count) {
    uint32_t first = 0, last = (q->cut - 1) >> 6, low = UINT32_MAX, high = 0;
    for (size_t i = 0; i < queue->count; i++) {
        low = queue->items[i] < low ? queue->items[i] : low;
        high = queue->items[i] > high ? queue->items[i] : high;
    }
    if (is_ascending) {
        first = low >> 6;
        return g->is_timed ? sweep(g, q, seen, first, last, count, 1, 1) : sweep(g, q, seen, first, last, count, 1, 0);
    }
    last = high >> 6;
    return g->is_timed ? sweep(g, q, seen, first, last, count, 0, 1) : sweep(g, q, seen, first, last, count, 0, 0);
}

/* Take the ids out of a bit set, ascending, and leave it empty. */
static void harvest(uint64_t *seen, size_t words, uint32_t *ids, size_t count) {
    size_t n = 0;
    for (size_t at = 0; at < words; at++) {
        uint64_t rest = seen[at];
        if (!rest) continue;
        seen[at] = 0;
        for (; rest && n < count; rest &= rest - 1) ids[n++] = (uint32_t)at << 6 | LOWEST(rest);
    }
}

/* ---- the walks as Python calls ------------------------------------------------------------------------------- */

static PyObject *as_bytes(const void *data, size_t size) { return PyBytes_FromStringAndSize(data, (Py_ssize_t)size); }

static PyObject *closure(PyObject *self, PyObject *args) {
    PyObject *graph, *roots, *as_of, *space, *result = NULL;
    unsigned long long node_count, cut;
    int is_ascending;
    Graph g;
    Question q;
    Py_buffer space_view, roots_view;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOKKOpO", &graph, &roots, &node_count, &cut, &as_of, &is_ascending, &space)) return NULL;
    if (!read_question(&q, node_count, cut, as_of) || !read_graph(&g, graph)) return NULL;
    size_t words = (node_count >> 6) + 1;
    uint64_t *seen = work_space(space, &space_view, words);
    if (!seen) goto no_space;
    if (PyObject_GetBuffer(roots, &roots_view, PyBUF_SIMPLE) < 0) goto no_roots;

    List queue = {0};
    size_t count = 0, turn = node_count >> 8 > 16384 ? node_count >> 8 : 16384;
    int is_set = 0;
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = start_queue(&q, roots_view.buf, (size_t)roots_view.len / 4, seen, &queue);
    for (size_t head = 0; !status && head < queue.count && queue.count < turn; head++) {
        prefetch_queue(&g, &queue, head);
        status = queue_node(&g, queue.items[head], &q, seen, &queue);
        count = head + 1;
    }
    if (!status && count < queue.count) {
        seen[q.node_count >> 6] &= ~BIT(q.node_count);
        status = sweep_from(&g, &q, seen, &queue, is_ascending, &count);
        is_set = 1;
    } else if (!status && count > words / 32) {
        seen[q.node_count >> 6] &= ~BIT(q.node_count);
        is_set = 1;
    }
    Py_END_ALLOW_THREADS
    if (status) {
        fail(status);
    } else if (is_set) {
        PyObject *ids = as_bytes(NULL, count * 4);
        if (ids) {
            uint32_t *items = (uint32_t *)PyBytes_AsString(ids);
            Py_BEGIN_ALLOW_THREADS
            harvest(seen, words, items, count);
            Py_END_ALLOW_THREADS
            result = Py_BuildValue("(Ni)", ids, 1);
        }
    } else {
        forget(seen, &queue, &q);
        result = Py_BuildValue("(Ni)", as_bytes(queue.items, count * 4), 0);
    }
    free(queue.items);
    PyBuffer_Release(&roots_view);
no_roots:
    PyBuffer_Release(&space_view);
no_space:
    release(&g);
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
    PyObject *graph, *roots, *as_of, *space, *result = NULL;
    unsigned long long node_count, cut, depth, budget;
    Graph g;
    Question q;
    Py_buffer space_view, roots_view;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOKKOKKO", &graph, &roots, &node_count, &cut, &as_of, &depth, &budget, &space)) return NULL;
    if (!read_question(&q, node_count, cut, as_of) || !read_graph(&g, graph)) return NULL;
    uint64_t *seen = work_space(space, &space_view, (node_count >> 6) + 1);
    if (!seen) goto no_space;
    if (PyObject_GetBuffer(roots, &roots_view, PyBUF_SIMPLE) < 0) goto no_roots;

    Levels l;
    Status status;
    memset(&l, 0, sizeof l);
    Py_BEGIN_ALLOW_THREADS
    status = start_queue(&q, roots_view.buf, (size_t)roots_view.len / 4, seen, &l.queue);
    if (!status) status = walk_levels(&g, &q, seen, &l, depth, budget);
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
no_space:
    release(&g);
    return result;
}

static PyObject *count_kinds(PyObject *self, PyObject *args) {
    Py_buffer ids, kinds;
    uint64_t counts[4][256];
    int is_inside = 1;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*", &ids, &kinds)) return NULL;
    memset(counts, 0, sizeof counts);
    Py_BEGIN_ALLOW_THREADS
    const uint32_t *id = ids.buf;
    const uint8_t *kind = kinds.buf;
    size_t count = (size_t)ids.len / 4, limit = (size_t)kinds.len;
    /* Neighbouring ids are often of one kind: four tables, so that an addition need not wait for the one before. */
    for (size_t i = 0; i < count && is_inside; i++) {
        is_inside = id[i] < limit;
        if (is_inside) counts[i & 3][kind[id[i]]]++;
    }
    for (size_t i = 0; i < 256; i++) counts[0][i] += counts[1][i] + counts[2][i] + counts[3][i];
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&ids);
    PyBuffer_Release(&kinds);
    if (!is_inside) {
        fail(CORRUPT);
        return NULL;
    }
    return as_bytes(counts[0], sizeof counts[0]);
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

/* @COLUMNS@ */

static PyMethodDef methods[] = {
    {"closure", closure, METH_VARARGS,
     "closure(graph, roots, node_count, cut, as_of, is_ascending, seen) -> (ids, is_ascending)"},
    {"layers", layers, METH_VARARGS,
     "layers(graph, roots, node_count, cut, as_of, depth, budget, seen) -> (ids, starts, is_over_budget, has_more)"},
    {"count_kinds", count_kinds, METH_VARARGS, "count_kinds(ids, kinds) -> 256 counts"},
    {"order_by", order_by, METH_VARARGS, "order_by(keys, limit) -> stable order"},
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
