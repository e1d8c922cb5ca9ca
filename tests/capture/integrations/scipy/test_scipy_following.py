"""Sparse matrices: from the text or the categories that they encode to the model that learns from them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

NOTES = {
    "id": [1, 2, 3, 4, 5, 6],
    "text": ["red boat", "blue boat", "red tent", "blue tent", "red", "blue"],
    "kind": ["a", "b", "a", "b", "b", "a"],
    "price": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "label": [1, 0, 1, 0, 1, 0],
}
TEXT = {("notes.csv", "text")}


@pytest.fixture
def notes(follow):
    """A table of short texts that was read from a file, and what is known of it."""
    pd.DataFrame(NOTES).to_csv("notes.csv", index=False)
    followed = follow("pandas", "numpy", "scipy", "sklearn", "pickle")
    return followed, pd.read_csv("notes.csv")


def _sources(followed, obj):
    """The columns of files behind any column of an object, what decided left out."""
    found = followed.columns(obj)
    return {source for sources in found.values() for source in sources}


@pytest.mark.parametrize(
    "use",
    [
        lambda words: words.tocsr(),
        lambda words: words.tocsc().tocoo().tolil().todok().asformat("csr"),
        lambda words: words.toarray(),
        lambda words: words.astype(np.float32).copy(),
        lambda words: words.multiply(2),
        lambda words: words * 0.5,
        lambda words: words.sqrt(),
        lambda words: -words,
        abs,
        lambda words: words.power(2),
        lambda words: words + words,
        lambda words: words[1:, :],
        lambda words: words[[0, 2]],
        lambda words: sp.vstack([words[:2], words[2:]]),
        sp.csr_matrix,
        lambda words: sp.csc_array(words.toarray()),
    ],
)
def test_columns_keep_their_names_and_sources(notes, use):
    """Conversions, arithmetic, rows chosen and stacked: each word is still itself, and comes from the text."""
    followed, frame = notes
    words = CountVectorizer().fit_transform(frame["text"])
    made = use(words)
    columns = followed.columns(made)
    assert list(columns) == ["blue", "boat", "red", "tent"]
    assert {name: sources - {("notes.csv", "label")} for name, sources in columns.items()} == dict.fromkeys(
        columns, TEXT
    )


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ((slice(None), slice(1, 3)), ["boat", "red"]),
        ((slice(None), [3, 0]), ["tent", "blue"]),
        ((slice(None), np.array([True, False, False, True])), ["blue", "tent"]),
        ((slice(None), -1), ["tent"]),
        ((slice(0, 2), 0), ["blue"]),
    ],
)
def test_columns_that_are_chosen(notes, key, names):
    """A slice, a list, a mask or one number of columns: these, and no others."""
    followed, frame = notes
    words = CountVectorizer().fit_transform(frame["text"])
    assert list(followed.columns(words[key])) == names


def test_beside_one_another(notes):
    """``hstack`` of words and numbers: each column from its own source."""
    followed, frame = notes
    words = TfidfVectorizer().fit_transform(frame["text"])
    price = sp.csr_matrix(frame["price"]).T
    both = sp.hstack([price, words], format="csr")
    columns = followed.columns(both)
    assert columns["price"] == {("notes.csv", "price")}
    assert columns["boat"] == TEXT
    model = LogisticRegression().fit(both, frame["label"])
    assert followed.sources("model", "price") == {("model.training_data", "price")}
    assert model.n_features_in_ == 5


def test_names_that_meet_are_given_up(notes):
    """Two blocks with the same names: everything from both, rather than one taken for the other."""
    followed, frame = notes
    words = CountVectorizer().fit_transform(frame["text"])
    kinds = OneHotEncoder().fit_transform(frame[["kind"]])
    assert _sources(followed, sp.hstack([words, words])) == TEXT
    assert _sources(followed, sp.hstack([words, kinds])) == TEXT | {("notes.csv", "kind")}


def test_matrix_products_and_sums_come_from_everything(notes):
    """What mixes columns comes from all of them; nothing is lost."""
    followed, frame = notes
    words = CountVectorizer().fit_transform(frame["text"])
    weights = frame[["price"]].to_numpy()
    assert _sources(followed, words @ words.T) == TEXT
    assert _sources(followed, words.T @ weights) == TEXT | {("notes.csv", "price")}
    assert _sources(followed, words.sum(axis=1)) == TEXT


def test_what_is_set_in_place_is_a_source(notes):
    """Cells of a matrix set from an array of another column."""
    followed, frame = notes
    words = CountVectorizer().fit_transform(frame["text"]).tolil()
    words[:, 0] = frame[["price"]].to_numpy()
    assert ("notes.csv", "price") in followed.columns(words)["blue"]


def test_from_text_to_model_through_slices(notes):
    """Encoded as a whole, cut into sets by rows, fitted and saved: the model comes from the columns of the file."""
    followed, frame = notes
    encoded = OneHotEncoder().fit_transform(frame[["kind", "text"]].values)
    X, X_test = encoded[:4, :], encoded[4:, :]
    clf = LogisticRegression()
    clf.fit(X, frame.label.values[:4])
    out = frame.loc[4:, ["id"]].assign(p=clf.predict_proba(X_test)[:, 1])
    out.to_csv("out.csv", index=False)
    entries = followed.entries()
    training = entries["clf.training_data"]
    assert {i["name"].rpartition("/")[2] for i in training["inputs"]} == {"notes.csv"}
    found = {(i["field"]) for field in training["fields"].values() for i in field["inputs"]}
    assert found == {"kind", "text", "label"}


def test_pickled_with_its_names_and_read_again(notes):
    """A matrix in a tuple, pickled and loaded: from the text on the way in, from the file on the way out."""
    followed, frame = notes
    binary = CountVectorizer().fit_transform(np.array(frame.text.str.lower().values))
    words = TfidfTransformer().fit_transform(binary)
    result = sp.hstack([sp.csr_matrix(frame.label.astype(np.int64)).T, words], format="csr")
    with Path("words.pkl").open("wb") as file:
        pickle.dump((result, ["label", "words"]), file)
    with Path("words.pkl").open("rb") as file:
        matrix, _ = pickle.load(file)
    labels = np.squeeze(matrix[:, 0].toarray())
    clf = LogisticRegression()
    clf.fit(matrix[:, 1:], labels)
    entries = followed.entries()
    edges = {(i["name"].rpartition("/")[2], i.get("field")) for i in entries["words.pkl"]["inputs"]}
    fields = {i["field"] for f in entries["words.pkl"].get("fields", {}).values() for i in f["inputs"]}
    assert ("notes.csv", None) in edges
    assert {"text", "label"} <= fields | {field for _, field in edges}
    training = entries["clf.training_data"]["inputs"]
    assert [(i["name"].rpartition("/")[2], i.get("transformations")) for i in training] == [("words.pkl", None)]


def test_saved_and_loaded(notes):
    """``save_npz`` and ``load_npz``: the file comes from the text, the model from the file."""
    followed, frame = notes
    sp.save_npz("words", CountVectorizer().fit_transform(frame["text"]))
    again = sp.load_npz("words.npz")
    assert _sources(followed, again * 2) == {("words.npz", None)}
    assert followed.sources("words.npz", "boat") == {("notes.csv", "text")}


def test_a_frame_of_a_matrix(notes):
    """Dense or sparse columns under new names: by place."""
    followed, frame = notes
    vectorizer = CountVectorizer()
    words = vectorizer.fit_transform(frame["text"])
    for made in (
        pd.DataFrame(words.toarray(), columns=["w1", "w2", "w3", "w4"]),
        pd.DataFrame.sparse.from_spmatrix(words, columns=["w1", "w2", "w3", "w4"]),
    ):
        assert followed.columns(made) == {f"w{i}": TEXT for i in (1, 2, 3, 4)}


def test_matrices_are_what_they_were(notes):
    """Capture changes no number, no class and no format."""
    _, frame = notes
    plain = CountVectorizer().fit_transform(NOTES["text"])
    words = CountVectorizer().fit_transform(frame["text"])
    assert type(words) is type(plain)
    assert (words != plain).nnz == 0
    assert type(words.tocsc()) is sp.csc_matrix or type(words.tocsc()) is sp.csc_array
    assert pickle.dumps(words.tocsr()) == pickle.dumps(plain.tocsr())


def test_blocks_side_by_side_with_columns_of_the_same_name(notes):
    """Two vectorisers know the same words, and a column stands there twice: each column of the matrix comes from its
    own block, by its place."""
    followed, frame = notes
    words = CountVectorizer().fit_transform(frame["text"])
    kinds = CountVectorizer(token_pattern=".").fit_transform(frame["kind"])
    price = frame["price"].values.reshape(-1, 1)
    matrix = sp.hstack([words, kinds, words, price, price * 2]).tocsr()
    columns = followed.columns(matrix)
    width = words.shape[1]
    assert list(columns) == [f"x{place}" for place in range(2 * width + 4)]
    for place in (*range(width), *range(width + 2, 2 * width + 2)):
        assert columns[f"x{place}"] == TEXT
    assert columns[f"x{width}"] == columns[f"x{width + 1}"] == {("notes.csv", "kind")}
    assert columns[f"x{2 * width + 2}"] == columns[f"x{2 * width + 3}"] == {("notes.csv", "price")}
