"""What Sarangbang costs, beside others: ``make bench``. The program itself knows nothing of it."""
