"""What pages are made of: one section a file, each a function from what is given to its view, beside its template."""
