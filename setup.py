"""Build the optional compiled parts; without a compiler, Python and numpy serve the same contracts."""

from setuptools import Extension, setup


def extension(name: str) -> Extension:
    """The extension module ``name``, from the C file beside it, for every Python from 3.11."""
    return Extension(
        name,
        [f"src/{name.replace('.', '/')}.c"],
        extra_compile_args=["-O2"],
        define_macros=[("Py_LIMITED_API", "0x030B0000")],
        py_limited_api=True,
        optional=True,
    )


setup(
    ext_modules=[extension("headwater.storage.index._kernel"), extension("headwater.capture._derive")],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
