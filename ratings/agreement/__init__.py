"""Agreement of raters: analyses of the ratings in PAV, requested by administrators and made by a worker."""
