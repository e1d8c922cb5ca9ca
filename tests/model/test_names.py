"""Names: one dataset has one name, however its emitters spell it."""

import csv
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidName
from headwater.model.names import DatasetName, normalise, split_identifiers, standard
from headwater.model.platforms import PLATFORMS, SCHEME_ALIASES
from headwater.model.uris import from_uri, in_database_file, to_uri

HERE = Path(__file__).parent


def rows(file):
    """The rows of a table of names beside this file."""
    with (HERE / file).open(newline="") as text:
        return [tuple(row.values()) for row in csv.DictReader(text)]


@pytest.mark.parametrize(("uri", "table", "namespace", "name"), rows("names.csv"))
def test_an_address_has_the_standard_name(uri, table, namespace, name):
    """Every address of the table gets the namespace and name of OpenLineage's naming rules, without credentials."""
    assert from_uri(uri, table=table, cwd="/project") == DatasetName(namespace, name)


@pytest.mark.parametrize(("namespace", "name", "other_namespace", "other_name"), rows("spellings.csv"))
def test_two_spellings_are_one_dataset(namespace, name, other_namespace, other_name):
    """Every pair of spellings that emitters produce for the same data meets in one normal form: the first."""
    assert normalise(other_namespace, other_name) == DatasetName(namespace, name)
    assert normalise(namespace, name) == DatasetName(namespace, name)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("mysql://db", "shop.Orders"), ("mysql://db", "shop.orders")),
        (("bigquery", "p.d.T"), ("bigquery", "p.d.t")),
        (("s3://lake", "Raw/x"), ("s3://lake", "raw/x")),
        (("file", "/runs/lr=0.1/model.pkl"), ("file", "/runs/lr=0.2/model.pkl")),
        (("file", "in.csv"), ("file", "/data/in.csv")),
        (("file", "./data/in.csv"), ("file", "/data/in.csv")),
        (("postgres://db:5432", "a.b.c"), ("postgres://db:6432", "a.b.c")),
        (("postgres://db", 'a."b.c".d'), ("postgres://db", "a.b.c.d")),
        (("spanner://p:inst", "a.b.c"), ("spanner://p:other", "a.b.c")),
        (("airflow", "Daily"), ("airflow", "daily")),
        (("duckdb://jaffle_shop.duckdb", "t"), ("duckdb://other/jaffle_shop.duckdb", "t")),
    ],
)
def test_what_differs_stays_apart(first, second):
    """Where a platform tells two names apart, so do we: case, ports, relative files, folders of experiments."""
    assert normalise(*first) != normalise(*second)


FRAGMENT = st.text(alphabet=st.sampled_from('ab/.:@="`[]Z%?*~\\ 19-+é|'), max_size=14)
PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            "B",
            "/",
            "//",
            ".",
            "..",
            "./",
            "~/",
            ":",
            "@",
            "=",
            "dt=1",
            "part-0",
            "x.db",
            '"',
            "`",
            "[",
            "]",
            "C:",
            "\\",
            "main",
            "table",
            "file:",
            ",",
            "localhost",
            "5432",
            "Z",
        ]
    ),
    max_size=8,
).map("".join)
SCHEMES = st.sampled_from([*PLATFORMS, *SCHEME_ALIASES, "weird", "postgresql+psycopg2"])
NAMESPACES = st.one_of(
    st.builds("{}://{}".format, SCHEMES, FRAGMENT | PIECES),
    st.builds("{}:{}".format, SCHEMES, FRAGMENT | PIECES),
    st.builds("arn:aws:glue:us-east-1:1{}".format, FRAGMENT | PIECES),
    FRAGMENT,
    SCHEMES,
)


@settings(max_examples=600, deadline=None)
@given(NAMESPACES, FRAGMENT | PIECES)
def test_normalising_twice_is_normalising_once(namespace, name):
    """The normal form is its own normal form, and so is the standard one; the first also of the second."""
    normal, written = normalise(namespace, name), standard(namespace, name)
    assert normalise(*normal) == normal
    assert standard(*written) == written
    assert normalise(*written) == normal


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(min_size=1).filter(lambda part: "\0" not in part), min_size=1, max_size=4))
def test_quoted_identifiers_are_split_at_dots_outside_quotes(parts):
    """Any list of identifiers, each in double quotes, is read back as that many parts."""
    name = ".".join('"' + part.replace('"', '""') + '"' for part in parts)
    assert len(split_identifiers(name)) == len(parts)


def test_relative_files_become_absolute_where_the_folder_is_known():
    """A relative name is taken from the folder given; without one it stays apart from absolute names."""
    assert normalise("file", "data/x.csv", "/project") == DatasetName("file", "/project/data/x.csv")
    assert normalise("file", "./x.csv", "/project") == normalise("file", "/project/x.csv")
    assert normalise("file", "./x.csv") == DatasetName("file", "./x.csv")


def test_local_database_files_name_their_tables():
    """A table in a database file stands in the namespace of the file; without a table the file itself is meant."""
    assert in_database_file("sqlite", "shop.db", "orders", cwd="/p") == DatasetName("sqlite:///p/shop.db", "orders")
    assert in_database_file("duckdb", "/d/shop.duckdb") == DatasetName("file", "/d/shop.duckdb")
    assert in_database_file("duckdb", ":memory:", "t") == DatasetName("inmemory://", "t")


@pytest.mark.parametrize(
    "uri",
    [
        "file:///data/x.csv",
        "s3://lake/a/b",
        "gs://lake/a",
        "https://api.example.com/v1",
        "hdfs://nn/a/b",
        "kafka://b:9092/t",
    ],
)
def test_addresses_survive_the_way_through_names(uri):
    """An address in standard form comes back from its name."""
    assert to_uri(from_uri(uri)) == uri


@pytest.mark.parametrize("uri", ["", "   ", "postgresql://db", "s3://"])
def test_an_address_of_nothing_is_refused(uri):
    """An empty address, a database URL without a database and a store without a bucket say what is missing."""
    with pytest.raises(InvalidName) as refused:
        from_uri(uri)
    assert refused.value.field == "uri"
    assert refused.value.rule


@pytest.mark.parametrize(
    ("namespace", "quoted", "plain", "is_one"),
    [
        ("postgres://db", '"shop"."public"."Orders"', "shop.public.Orders", False),
        ("postgres://db", '"shop"."public"."orders"', "SHOP.public.Orders", True),
        ("postgres://db/shop", 'public."Orders"', "public.orders", False),
        ("snowflake://org-acct", '"DB"."S"."T"', "db.s.t", True),
        ("snowflake://org-acct", '"DB"."S"."t"', "db.s.t", False),
        ("oracle://db", 'ORCL.S."t"', "orcl.s.t", False),
        ("bigquery", "`p`.`d`.`T`", "p.d.T", True),
        ("bigquery", "`p`.`d`.`T`", "p.d.t", False),
        ("mysql://db", "`shop`.`Orders`", "shop.Orders", True),
        ("duckdb:///data/x.duckdb", '"Orders"', "orders", True),
        ("mssql://db", "[shop].[dbo].[Orders]", "shop.dbo.orders", True),
        ("redshift://db", '"shop"."public"."Orders"', "shop.public.orders", True),
        ("trino://db", '"c"."s"."Orders"', "c.s.orders", True),
    ],
)
def test_quotes_keep_the_case_where_the_platform_keeps_it(namespace, quoted, plain, is_one):
    """Two tables where the database has two, one where case makes no difference; the form is its own normal form."""
    found = normalise(namespace, quoted)
    assert (found == normalise(namespace, plain)) is is_one
    assert normalise(*found) == found
    assert normalise(*standard(namespace, quoted)) == found


@pytest.mark.parametrize(
    "place", ["file", "s3://lake", "postgres://db", "snowflake://o-a", "arn:aws:glue:eu-west-1:1", "weird"]
)
@pytest.mark.parametrize(
    "piece", ["/a=b", "/*", "/a.db", "a.db/", "/a-", "../", '"a".', "[", "file:", "c:/", "1_", "/=", "%41", " "]
)
def test_a_hostile_name_costs_what_its_length_does(place, piece):
    """Names come from strangers: one of 20,000 pieces, which no rule fits at its end, takes a fraction of a second."""
    name = piece * 20_000 + "x/x"
    began = time.process_time()
    normalise(place, name)
    normalise(f"{place}/{name}", "t")
    standard(place, name)
    assert time.process_time() - began < 1
