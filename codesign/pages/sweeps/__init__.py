"""The figures and tables of a sweep's report, one noun a file.

Each reads a `Study`: the table of a sweep with its objectives and axes as people read them.
"""
