/* The fast path of Values.derive, which runs at every operation of the user, on the user's thread.
 *
 * value_table.py has the definition. What is done here is the common case alone: every input is a value, or an object whose
 * value is known by identity; the caller is the user's own code; nobody watches the class of the object. For whatever
 * else, and after any error, the Python method is called with the same arguments, and nothing has happened before it.
 * It is also called every SLOW_EVERY times, because it looks for objects that are gone.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#define CONTRACT 1 /* as in value_table.py */
#define SLOW_EVERY 128

enum { OBJ, OP, INPUTS, RULE, COLUMNS, ROWS, DETAIL, DATASET, FRAMES, COUNT };
static const char *const NAMES[COUNT] = {"obj", "op", "inputs", "rule", "columns", "rows", "detail", "dataset", "frames"};

/* What a fast path holds on to, in a capsule. */
typedef struct {
    PyObject *table;       /* dict: id -> (weak reference, value) */
    PyObject *unwatched;   /* set of classes */
    PyObject *users;       /* dict: file name -> whether its code is the user's own */
    PyObject *value_class; /* Value */
    PyObject *next_number; /* callable */
    PyObject *getframe;    /* sys._getframe */
    PyObject *rule;        /* the default of `rule` */
    PyObject *slow;        /* the Python method */
    long max_depth;
    unsigned calls;
    PyObject *names[COUNT]; /* interned */
    PyObject *depth, *f_lasti, *co_filename, *nothing;
} State;

static const char *const CAPSULE = "headwater.capture._derive.state";

static void free_state(PyObject *capsule) {
    State *state = PyCapsule_GetPointer(capsule, CAPSULE);
    if (!state) return;
    PyObject *held[] = {state->table, state->unwatched, state->users, state->value_class, state->next_number,
                        state->getframe, state->rule, state->slow, state->depth, state->f_lasti, state->co_filename,
                        state->nothing};
    for (size_t at = 0; at < sizeof(held) / sizeof(*held); at++) Py_XDECREF(held[at]);
    for (int at = 0; at < COUNT; at++) Py_XDECREF(state->names[at]);
    PyMem_Free(state);
}

/* Put the arguments into their places (borrowed). 0 where they do not fit the signature. */
static int place(const State *state, PyObject *const *args, Py_ssize_t count, PyObject *keywords, PyObject **found) {
    if (count > COUNT) return 0;
    for (Py_ssize_t at = 0; at < count; at++) found[at] = args[at];
    Py_ssize_t named = keywords ? PyTuple_Size(keywords) : 0;
    for (Py_ssize_t at = 0; at < named; at++) {
        PyObject *name = PyTuple_GetItem(keywords, at);
        int to = (int)count;
        while (to < COUNT && state->names[to] != name) to++;
        if (to == COUNT) return 0;
        found[to] = args[count + at];
    }
    return found[OBJ] && found[OP];
}

/* The value of an input (borrowed from what holds it, so take a reference at once); NULL where it is not known here. */
static PyObject *known(const State *state, PyObject *item) {
    PyObject *key = PyLong_FromVoidPtr(item);
    if (!key) return NULL;
    PyObject *entry = PyDict_GetItemWithError(state->table, key);
    Py_DECREF(key);
    if (entry && PyWeakref_GetObject(PyTuple_GetItem(entry, 0)) == item) return PyTuple_GetItem(entry, 1);
    return (PyObject *)Py_TYPE(item) == state->value_class ? item : NULL;
}

/* The values of the inputs as a tuple, and one more than the greatest of their depths; NULL where one is not known. */
static PyObject *values_of(const State *state, PyObject *inputs, long *depth) {
    if (!PyTuple_CheckExact(inputs)) return NULL; /* an iterator must not be used up before the slow path sees it */
    Py_ssize_t count = PyTuple_Size(inputs);
    PyObject *values = PyTuple_New(count);
    *depth = 0;
    for (Py_ssize_t at = 0; values && at < count; at++) {
        PyObject *value = known(state, PyTuple_GetItem(inputs, at));
        Py_XINCREF(value);
        PyObject *its = value ? PyObject_GetAttr(value, state->depth) : NULL;
        long one = its ? PyLong_AsLong(its) : -1;
        Py_XDECREF(its);
        if (one < 0) {
            Py_XDECREF(value);
            Py_CLEAR(values);
            break;
        }
        if (one >= *depth) *depth = one + 1;
        PyTuple_SetItem(values, at, value);
    }
    return values;
}

/* The frame so many above the caller's, if its code is the user's own; and that code. */
static PyObject *users_frame(const State *state, PyObject *frames, PyObject **code) {
    long above = frames ? PyLong_AsLong(frames) - 1 : 2;
    PyObject *up = above >= 0 ? PyLong_FromLong(above) : NULL;
    PyObject *frame = up ? PyObject_CallFunctionObjArgs(state->getframe, up, NULL) : NULL;
    Py_XDECREF(up);
    if (!frame) return NULL;
    *code = (PyObject *)PyFrame_GetCode((PyFrameObject *)frame);
    PyObject *name = PyObject_GetAttr(*code, state->co_filename);
    PyObject *is_users = name ? PyDict_GetItemWithError(state->users, name) : NULL;
    Py_XDECREF(name);
    if (is_users == Py_True) return frame;
    Py_CLEAR(*code);
    Py_DECREF(frame);
    return NULL;
}

/* A new Value; NULL with or without an error where it is not to be made here. */
static PyObject *make_value(const State *state, PyObject **given) {
    PyObject *inputs = given[INPUTS] ? given[INPUTS] : state->nothing;
    PyObject *code = NULL, *value = NULL;
    long depth;
    PyObject *values = values_of(state, inputs, &depth);
    PyObject *frame = values && depth <= state->max_depth ? users_frame(state, given[FRAMES], &code) : NULL;
    PyObject *lasti = frame ? PyObject_GetAttr(frame, state->f_lasti) : NULL;
    PyObject *offset = lasti ? PyLong_FromLong(-1 - PyLong_AsLong(lasti)) : NULL;
    PyObject *number = offset ? PyObject_CallFunctionObjArgs(state->next_number, NULL) : NULL;
    PyObject *deep = number ? PyLong_FromLong(depth) : NULL;
#define OR(place, otherwise) (given[place] ? given[place] : (otherwise))
    if (deep)
        value = PyObject_CallFunctionObjArgs(state->value_class, given[OP], values, OR(RULE, state->rule),
                                             OR(COLUMNS, Py_None), OR(ROWS, Py_None), OR(DETAIL, Py_None),
                                             OR(DATASET, Py_None), code, offset, number, deep, NULL);
#undef OR
    Py_XDECREF(deep);
    Py_XDECREF(number);
    Py_XDECREF(offset);
    Py_XDECREF(lasti);
    Py_XDECREF(frame);
    Py_XDECREF(code);
    Py_XDECREF(values);
    return value;
}

/* From now on the object is the value. 0 with an error where it cannot be. */
static int bind(const State *state, PyObject *obj, PyObject *value) {
    PyObject *reference = PyWeakref_NewRef(obj, NULL);
    PyObject *entry = reference ? PyTuple_Pack(2, reference, value) : NULL;
    PyObject *key = entry ? PyLong_FromVoidPtr(obj) : NULL;
    int is_bound = key && PyDict_SetItem(state->table, key, entry) == 0;
    Py_XDECREF(key);
    Py_XDECREF(entry);
    Py_XDECREF(reference);
    return is_bound;
}

static PyObject *call_slow(const State *state, PyObject *const *args, Py_ssize_t count, PyObject *keywords) {
    PyErr_Clear(); /* whatever went wrong here goes wrong there again, where it is told */
    PyObject *positional = PyTuple_New(count), *named = keywords ? PyDict_New() : NULL, *result = NULL;
    if (!positional || (keywords && !named)) goto done;
    for (Py_ssize_t at = 0; at < count; at++) {
        Py_INCREF(args[at]);
        PyTuple_SetItem(positional, at, args[at]);
    }
    for (Py_ssize_t at = 0; keywords && at < PyTuple_Size(keywords); at++)
        if (PyDict_SetItem(named, PyTuple_GetItem(keywords, at), args[count + at])) goto done;
    result = PyObject_Call(state->slow, positional, named);
done:
    Py_XDECREF(positional);
    Py_XDECREF(named);
    return result;
}

static PyObject *derive(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords) {
    State *state = PyCapsule_GetPointer(self, CAPSULE);
    PyObject *given[COUNT] = {NULL};
    if (!state) return NULL;
    if (++state->calls % SLOW_EVERY && place(state, args, count, keywords, given) &&
        PySet_Contains(state->unwatched, (PyObject *)Py_TYPE(given[OBJ])) == 1) {
        PyObject *value = make_value(state, given);
        if (value && bind(state, given[OBJ], value)) return value;
        Py_XDECREF(value);
    }
    return call_slow(state, args, count, keywords);
}

static PyMethodDef DERIVE = {"derive", (PyCFunction)(void (*)(void))derive, METH_FASTCALL | METH_KEYWORDS,
                             "Values.derive, compiled for the common case."};

static PyObject *fast_path(PyObject *module, PyObject *args) {
    State *state = PyMem_Calloc(1, sizeof(State));
    if (!state) return PyErr_NoMemory();
    PyObject *capsule = PyCapsule_New(state, CAPSULE, free_state);
    if (!capsule) {
        PyMem_Free(state);
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "O!O!O!OOOOOl", &PyDict_Type, &state->table, &PySet_Type, &state->unwatched,
                          &PyDict_Type, &state->users, &state->value_class, &state->next_number, &state->getframe,
                          &state->rule, &state->slow, &state->max_depth)) {
        memset(state, 0, sizeof(State)); /* nothing is owned yet */
        Py_DECREF(capsule);
        return NULL;
    }
    PyObject *held[] = {state->table, state->unwatched, state->users, state->value_class, state->next_number,
                        state->getframe, state->rule, state->slow};
    for (size_t at = 0; at < sizeof(held) / sizeof(*held); at++) Py_INCREF(held[at]);
    int is_whole = (state->depth = PyUnicode_InternFromString("depth")) &&
                   (state->f_lasti = PyUnicode_InternFromString("f_lasti")) &&
                   (state->co_filename = PyUnicode_InternFromString("co_filename")) && (state->nothing = PyTuple_New(0));
    for (int at = 0; at < COUNT; at++) is_whole &= (state->names[at] = PyUnicode_InternFromString(NAMES[at])) != NULL;
    PyObject *function = is_whole ? PyCFunction_NewEx(&DERIVE, capsule, NULL) : NULL;
    Py_DECREF(capsule);
    return function;
}

static PyMethodDef METHODS[] = {
    {"fast_path", fast_path, METH_VARARGS,
     "fast_path(table, unwatched, users, value_class, next_number, getframe, rule, slow, max_depth) -> derive"},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module) { return PyModule_AddIntConstant(module, "CONTRACT", CONTRACT); }

static PyModuleDef_Slot SLOTS[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, .m_name = "_derive", .m_doc = "The fast path of Values.derive.", .m_methods = METHODS,
    .m_slots = SLOTS,
};

PyMODINIT_FUNC PyInit__derive(void) { return PyModuleDef_Init(&MODULE); }
