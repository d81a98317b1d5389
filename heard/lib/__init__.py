"""Tools that know nothing of customers: the database server, jobs, cursors, charts."""
