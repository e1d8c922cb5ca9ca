"""Functions that mask their argument."""

from __future__ import annotations

import re

from sqlglot import exp

_BY_CLASS = """
MD5 MD5Digest MD5NumberLower64 MD5NumberUpper64 SHA SHA1Digest SHA2 SHA2Digest StandardHash FarmFingerprint CityHash64
HashAgg Encrypt EncryptRaw Minhash
"""
_CLASSES = tuple(kind for kind in (getattr(exp, name, None) for name in _BY_CLASS.split()) if kind is not None)

# By name, for functions that the parser has no class for. Deliberately without left(), substr() and the like: a
# prefix of a value is a part of it.
_BY_NAME = re.compile(
    r"(?:md5|sha\d*|sha[123]_\w+|(?:\w*_)?hash\w*|hash(?:bytes|_agg)?|murmur\w*|xx_?hash\w*|crc32c?|digest|hmac\w*|crypt|"
    r"encrypt\w*|pgp_\w*encrypt\w*|aes_encrypt|des_encrypt|(?:\w*_)?mask(?:_\w+|ed|ing)?|redact\w*|anon(?:ymi[sz]e)?\w*|"
    r"pseudonymi[sz]e\w*|tokeni[sz]e_\w*|obfuscate\w*|scramble\w*|checksum)"
)


def is_masking(function: exp.Expr) -> bool:
    """Whether a function hashes, encrypts, masks or redacts its operand.

    >>> import sqlglot
    >>> [is_masking(sqlglot.parse_one(text)) for text in ("md5(x)", "mask_email(x)", "upper(x)")]
    [True, True, False]
    """
    if isinstance(function, _CLASSES):
        return True
    if isinstance(function, exp.Anonymous):
        return _BY_NAME.fullmatch(function.name.lower()) is not None
    return False
