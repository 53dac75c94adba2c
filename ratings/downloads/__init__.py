"""Taking own photos home: a ZIP with stars that other programs read, made by a worker, fetched by a signed link."""
