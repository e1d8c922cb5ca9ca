"""polars operations on two frames: what the tests run with and without hooks, and perturb column by column."""

from __future__ import annotations

SALES = {
    "shop": ["n", "s", "n", "w", "s", "n"],
    "day": [1, 2, 3, 4, 5, 6],
    "units": [5, 3, None, 8, 1, 4],
    "price": [2.0, 3.5, 1.0, 4.0, 2.5, 3.0],
    "cost": [1.0, 2.0, 0.5, 3.0, 1.5, 2.0],
}
SHOPS = {"shop": ["n", "s", "w"], "city": ["Oslo", "Rome", "Bonn"], "size": [10, 20, 30]}

SNIPPETS = {
    "select_names": "sales.select('shop', 'units')",
    "select_expressions": "sales.select(pl.col('shop'), (pl.col('units') * pl.col('price')).alias('revenue'))",
    "select_keyword": "sales.select('day', margin=pl.col('price') - pl.col('cost'))",
    "select_selector": "sales.select(cs.numeric() * 2)",
    "select_suffix": "sales.select('shop', pl.col('price', 'cost').round(1).name.suffix('_r'))",
    "select_exclude": "sales.select(pl.exclude('shop', 'day'))",
    "select_regex": "sales.select(pl.col('^(price|cost)$'))",
    "select_aggregate": "sales.select(pl.col('units').sum(), pl.col('price').mean().alias('p'))",
    "with_columns": "sales.with_columns((pl.col('units') * pl.col('price')).alias('revenue'), cost=pl.col('cost') + 1)",
    "with_window": "sales.with_columns(pl.col('price').mean().over('shop').alias('shop_price'))",
    "with_when": "sales.with_columns(w=pl.when(pl.col('day') > 3).then(pl.col('price')).otherwise(pl.col('cost')))",
    "with_literal": "sales.with_columns(pl.lit(3).alias('three'))",
    "with_udf": "sales.with_columns(u1=pl.col('units').map_elements(lambda u: len(str(u)), return_dtype=pl.Int64))",
    "filter": "sales.filter(pl.col('units') > 2)",
    "filter_two": "sales.filter(pl.col('units') > 2, pl.col('shop') == 'n')",
    "filter_keyword": "sales.filter(shop='n')",
    "drop": "sales.drop('cost')",
    "rename": "sales.rename({'units': 'n', 'price': 'p'})",
    "head": "sales.head(3)",
    "slice": "sales.slice(1, 3)",
    "sort": "sales.sort('price', descending=True)",
    "unique": "sales.unique(subset=['shop'], keep='first', maintain_order=True)",
    "drop_nulls": "sales.drop_nulls('units')",
    "fill_null": "sales.fill_null(0)",
    "cast": "sales.cast({'day': pl.Float64})",
    "group_agg": "sales.group_by('shop', maintain_order=True).agg(pl.col('units').sum(), top=pl.col('price').max())",
    "group_mean": "sales.group_by('shop', maintain_order=True).mean()",
    "group_len": "sales.group_by('shop', maintain_order=True).len()",
    "group_having": "sales.group_by('shop', maintain_order=True).having(pl.col('cost').max() > 2)"
    ".agg(pl.col('units').sum())",
    "group_dynamic": "sales.sort('day').group_by_dynamic('day', every='2i')"
    ".agg(pl.col('units').sum(), pl.col('price').max())",
    "group_dynamic_keys": "sales.sort('day').group_by_dynamic(index_column='day', every='2i', include_boundaries=True, "
    "group_by='shop').agg(m=pl.col('price') * pl.col('cost'))",
    "rolling": "sales.sort('day').rolling('day', period='2i').agg(pl.col('units').sum())",
    "rolling_keys": "sales.sort('day').rolling('day', period='2i', group_by=['shop']).agg(pl.col('units').sum())",
    "lazy_dynamic": "sales.lazy().sort('day').group_by_dynamic('day', every='2i').agg(cs.float().mean()).collect()",
    "lazy_having": "sales.lazy().group_by('shop', maintain_order=True).having(pl.col('cost').max() > 2)"
    ".agg(pl.col('units').sum()).collect()",
    "join": "sales.join(shops, on='shop', how='left', maintain_order='left')",
    "join_suffix": "sales.join(shops.rename({'size': 'day'}), on='shop', how='inner', maintain_order='left')",
    "join_semi": "sales.join(shops.filter(pl.col('size') > 10), on='shop', how='semi', maintain_order='left')",
    "join_left_right": "sales.join(shops, left_on='shop', right_on='shop', how='inner', maintain_order='left')",
    "unpivot": "sales.unpivot(on=['price', 'cost'], index='day')",
    "pivot": "sales.pivot(on='shop', index='day', values='price', aggregate_function='sum')",
    "to_dummies": "sales.select('shop', 'day').to_dummies('shop')",
    "explode": "sales.group_by('shop', maintain_order=True).agg('price').explode('price')",
    "concat": "pl.concat([sales, sales.filter(pl.col('day') > 4)])",
    "concat_horizontal": "pl.concat([sales.select('day').head(3), shops.select('size')], how='horizontal')",
    "hstack": "sales.select('day').hstack(sales.select('cost'))",
    "vstack": "sales.vstack(sales.head(1))",
    "row_index": "sales.with_row_index('row')",
    "getitem_list": "sales[['day', 'price']]",
    "lazy": "sales.lazy().filter(pl.col('units') > 2).select('day', (pl.col('price') * 2).alias('p2')).collect()",
    "lazy_group": "sales.lazy().group_by('shop', maintain_order=True).agg(cs.float().mean()).collect()",
    "lazy_join": "sales.lazy().join(shops.lazy(), on='shop', maintain_order='left').select('day', 'city').collect()",
    "pipe": "sales.pipe(lambda f: f.filter(pl.col('units') > 2)).select('price')",
    "null_count": "sales.null_count()",
    "map_rows": "sales.select('day', 'price').map_rows(lambda r: (r[0] * r[1],))",
    "from_series": "pl.DataFrame({'d': sales['day'], 'c': sales['cost']})",
    "shift": "sales.select('day', 'price').shift(1)",
    "describe": "sales.describe()",
    "gather": "sales.gather_every(2)",
    "lazy_made": "pl.LazyFrame({'day': sales['day']}).join(sales.lazy(), on='day', maintain_order='left')"
    ".select('day', 'cost').collect()",
    "select_generator": "sales.select((pl.col(n) * 2).alias(n + '_2') for n in ('price', 'cost'))",
    "with_generator": "sales.with_columns(pl.col(n).shift().alias(n + '_was') for n in ('price', 'cost'))",
    "lazy_generator": "sales.lazy().with_columns(pl.col(n).abs().alias(n + '_a') for n in ('price', 'cost')).collect()",
    "filter_generator": "sales.filter(pl.col(n) > 1 for n in ('units', 'price'))",
    "sort_generator": "sales.sort(pl.col(n) for n in ('units', 'price'))",
    "agg_generator": "sales.group_by('shop', maintain_order=True)"
    ".agg(pl.col(n).mean().alias(n + '_m') for n in ('price', 'cost'))",
    "keys_generator": "sales.group_by((pl.col(n) for n in ('shop',)), maintain_order=True).agg(pl.col('cost').sum())",
    "concat_generator": "pl.concat(sales.filter(pl.col('day') > n) for n in (2, 4))",
    "lazy_concat_map": "pl.concat(map(pl.DataFrame.lazy, [sales, sales])).collect()",
    "select_horizontal": "sales.select('day', top=pl.max_horizontal(pl.col('^(price|cost)$')))",
    "select_struct": "sales.select(both=pl.struct(cs.float()), "
    "list=pl.concat_list(pl.exclude('shop', 'day', 'units')))",
    "with_horizontal": "sales.with_columns((cs.float() - pl.mean_horizontal(cs.float())).name.suffix('_off'))",
    "when_any": "sales.with_columns(w=pl.when(pl.any_horizontal(cs.by_name('price', 'cost') > 2)).then(pl.col('day')))",
    "filter_any": "sales.filter(pl.any_horizontal(cs.float() > 2) & (pl.col('day') < 6))",
    "renamed_by_function": "sales.select(pl.all().name.map(str.upper))",
    "group_expression": "sales.group_by((pl.col('day') > 3).alias('late'), maintain_order=True).len()",
    "group_expression_mean": "sales.select('day', 'price', 'cost')"
    ".group_by((pl.col('day') > 3).alias('late'), maintain_order=True).mean()",
    "unnest": "sales.select('day', pair=pl.struct(a='price', b='cost')).unnest('pair')",
    "unnest_two": "sales.select(p=pl.struct(a='price'), q=pl.struct(b='cost'), day='day').unnest('p', 'q')",
    "join_asof_by": "sales.sort('day').join_asof(sales.select('shop', at=pl.col('day') + 1, was='price').sort('at'), "
    "left_on='day', right_on='at', by='shop', check_sortedness=False)",
    "sample": "sales.sample(3, seed=1)",
}
"""Name of the case to an expression over ``sales``, ``shops``, ``pl`` and ``cs``."""

WARNING = {
    "deprecated_parameter": "pl.concat([sales.select('day'), sales.select('cost')], how='horizontal', strict=True)",
    "slow_function": "sales.select(pl.col('day').map_elements(lambda d: d + 1))",
    "lazy_schema": "sales.lazy().columns",
}
"""Expressions that polars warns about."""


def run_snippet(code: str, sales: object, shops: object) -> object:
    """The value of an expression."""
    import polars as pl
    import polars.selectors as cs

    return eval(code, {"pl": pl, "cs": cs, "sales": sales, "shops": shops})
