"""PATH → BLOCKS OF CELLS: a file comes in, its cells go out as they stand there, or an error that says where.

Reading order: table_file, cells, compression, encoding (guessing, alphabets), delimited (plain, faults, bad_rows,
parts), json_rows, parquet, excel.
This room must not know which column is what.
"""
