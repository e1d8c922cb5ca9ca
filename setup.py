"""Build the optional compiled walk kernel; without a compiler the numpy kernel serves the same contract."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "headwater.storage.index._kernel",
            ["src/headwater/storage/index/_kernel.c"],
            extra_compile_args=["-O2"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
