"""Static analysis of the user's source, for values that no hook has seen being made.

A list of rows, the result of an operator on two arrays, or the text that is written into a file leaves no call that
capture can observe. The modules here read the running function's syntax tree to find which followed values such an
object was made from. What they find is marked ``inferred``; where the source does not say, they say nothing.
"""
