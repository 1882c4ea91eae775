"""What people look at: tables, figures and the page. It never trains and needs no torch."""
