"""Static analysis of the user's source, for objects whose creation no hook has observed.

A list of rows, the result of an operator on two arrays, or a text written to a file involves no call that capture can
observe. The modules here examine the syntax tree of the running function to find the followed values that such an
object was made from. What they find is marked ``inferred``; if the source does not show the origin, they find nothing.
"""
